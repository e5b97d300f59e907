"""Takes readings from a file into a device, or says what that would do."""

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from auth import access
from clock import to_ms
from db.base import transaction
from db.models import Device, Level, User
from db.telemetry.records import Batch, Series
from db.telemetry.store import TelemetryStore
from devices import export, file_cells, reading_files, units
from devices.changes import note
from devices.parsing import Refuse
from devices.ports import LiveBus, LiveEvent
from devices.reading_files import Found, Refused, Told
from devices.reading_pages import Extent, pages
from devices.steps import Times, Values
from errors import Invalid
from notify.mark import N_

LARGEST = 64 * 1024 * 1024  # bytes of a file
AT_ONCE = 5000  # readings a transaction: the listener's writes wait no longer for it
GZIP = b"\x1f\x8b"  # how such a file begins


@dataclass(slots=True)
class Sensor:
    """What a file says of one sensor."""

    name: str
    kind: str
    rows: int
    known: int = 0  # readings at times at which there is one already
    replaced: int = 0  # of these, with another value
    first_ms: int = 0
    last_ms: int = 0


@dataclass(slots=True)
class Report:
    """What became of a file, or would.

    Attributes:
        dry_run: whether nothing was changed.
        rows: readings that fit.
        repeated: lines of a time that a later line of the file has too.
        replaced: readings that took the place of another value, or would.
        ambiguous: readings at times that the clock shows twice, as it goes back.
        unended_line: the last one, if it has no end: the file may be cut there; else 0.
        sensors: by name.
        refused: how many lines cannot be used, by reason.
        examples: the first lines of each reason.
    """

    dry_run: bool
    rows: int = 0
    repeated: int = 0
    replaced: int = 0
    ambiguous: int = 0
    unended_line: int = 0
    sensors: list[Sensor] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    examples: Sequence[Refused] = ()

    def plain(self) -> dict[str, Any]:
        """Return the same as JSON can hold it."""
        return asdict(self) | {
            "examples": [{"line": one.line, "code": one.code} for one in self.examples]
        }


class Taken(NamedTuple):
    """What is taken of one sensor, oldest first."""

    name: str
    kind: str
    unit: str
    times: Times  # ms
    values: Values
    repeated: int
    ambiguous: int


def take(
    device: Device,
    data: bytes,
    *,
    by: User,
    store: TelemetryStore,
    now: datetime,
    most_sensors: int,
    dry_run: bool,
    sensor: str = "",
    address: str = "",
    bus: LiveBus | None = None,
) -> Report:
    """Store the readings of a CSV file; the same file a second time changes nothing.

    Args:
        device: whose readings they become.
        data: the file, in one of the forms of `reading_files`, or that with gzip.
        by: who manages the device.
        store: of readings; what is old goes into sealed history when that is tidied next.
        now: when.
        most_sensors: a device may have.
        dry_run: change nothing, only say what would happen.
        sensor: that a file means which names none.
        address: of the request, for the audit log.
        bus: told of it.

    Raises:
        NotFound, Forbidden: `by` does not manage the device.
        Invalid: the file cannot be read, or would make too many sensors.
    """
    access.require(by, device, Level.MANAGER)
    device_id, public_id = device.id, device.public_id
    _check_size(data)
    zone = ZoneInfo(device.timezone or "UTC")
    known = {one.name: one for one in store.series([device.id])[device.id]}
    found = reading_files.read(
        _unpacked(data),
        devices={device.name, export.full_name(device)},
        known={name: one.kind for name, one in known.items()},
        sensor=sensor,
        zone=zone,
        now_ms=to_ms(now),
    )
    if len(known.keys() | found.told.keys()) > most_sensors:
        raise Invalid(
            "too_many_sensors", N_("A device has at most %(most)s sensors."), most=most_sensors
        )
    every = [_taken(found, found.told.pop(name), known.get(name)) for name in sorted(found.told)]
    taken = [one for one in every if one.times.size]
    report = _report(taken, known, found, store, dry_run=dry_run)
    if dry_run or not report.rows:
        return report
    with transaction():  # until here the device may have gone, or the right to it
        access.visible(by, public_id, Level.MANAGER)
    # outside of it: the store may take its time, and doors would wait for that
    every_series = [known.get(one.name) or _add_series(store, device_id, one) for one in taken]
    if any(series.kind != one.kind for series, one in zip(every_series, taken, strict=True)):
        return take(  # somebody else has just said it first, and decided what the sensor is
            device,
            data,
            by=by,
            store=store,
            now=now,
            most_sensors=most_sensors,
            dry_run=dry_run,
            sensor=sensor,
            address=address,
            bus=bus,
        )
    with transaction():
        there = access.visible(by, public_id, Level.MANAGER)
        note(there, by, "device.import", now, address, rows=report.rows)
    for one, series, made in zip(taken, every_series, report.sensors, strict=True):
        # what replaces sealed history is not known to the write, only to the look before
        made.replaced = max(made.replaced, _write(store, series, one))
    report.replaced = sum(one.replaced for one in report.sensors)
    with transaction():  # says so if the device has gone meanwhile
        access.find(public_id)
    if bus is not None:
        bus.publish([LiveEvent(public_id, "device", {"change": "sensors"})])
    return report


def _add_series(store: TelemetryStore, device_id: int, taken: Taken) -> Series:
    """Return the sensor, which may be of another kind if it was made since the file was read."""
    unit = taken.unit[:16] if taken.unit.isprintable() else ""
    unit = unit or units.usual(taken.name, taken.kind)
    return store.add_series(device_id, taken.name, taken.kind, unit)


def _check_size(data: bytes) -> None:
    if len(data) > LARGEST:
        raise Invalid("file_too_large", N_("At most %(most)s MB at once."), most=LARGEST >> 20)


def _unpacked(data: bytes) -> bytes:
    """Return a file without its gzip, if it has one; never more is unpacked than a file may be."""
    if not data.startswith(GZIP):
        return data
    packer = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = packer.decompress(data, LARGEST + 1)
    except zlib.error:
        plain = b""
    _check_size(plain)
    if not packer.eof or packer.unused_data:
        raise Invalid("file_damaged", N_("This compressed file is cut or damaged."))
    return plain


def _taken(found: Found, told: Told, series: Series | None) -> Taken:
    """Return the readings of a sensor; what does not fit is refused."""
    cells = [file_cells.pointed(cell) for cell in told.cells] if found.comma else told.cells
    kind = series.kind if series else file_cells.kind_of(cells, told.kinds)
    if kind == "text":
        cells = told.cells
    values: list[float | str] = []
    fits = np.ones(len(cells), bool)
    for at, cell in enumerate(cells):
        try:
            values.append(file_cells.fitting(cell, kind))
        except Refuse as refusal:
            found.refused.add(refusal.reason, [told.lines[at]])
            fits[at] = False
    times = np.array(told.times, np.int64)[fits]
    order = np.argsort(times, kind="stable")
    times = times[order]
    last = np.append(times[1:] != times[:-1], True)[: times.size]
    said = np.array(values, object if kind == "text" else float)[order]
    repeated = int(times.size - np.count_nonzero(last))
    ambiguous = int(np.count_nonzero(fits[list(told.twice)]))
    return Taken(told.name, kind, told.unit, times[last], said[last], repeated, ambiguous)


def _report(
    taken: list[Taken],
    known: dict[str, Series],
    found: Found,
    store: TelemetryStore,
    *,
    dry_run: bool,
) -> Report:
    sensors = [
        Sensor(
            one.name,
            one.kind,
            one.times.size,
            *(_already(store, known[one.name], one) if one.name in known else (0, 0)),
            int(one.times[0]),
            int(one.times[-1]),
        )
        for one in taken
    ]
    return Report(
        dry_run,
        rows=sum(one.rows for one in sensors),
        repeated=sum(one.repeated for one in taken),
        replaced=sum(one.replaced for one in sensors),
        ambiguous=sum(one.ambiguous for one in taken),
        unended_line=found.unended_line,
        sensors=sensors,
        refused=dict(found.refused.counts),
        examples=found.refused.examples(),
    )


def _already(store: TelemetryStore, series: Series, taken: Taken) -> tuple[int, int]:
    """Return at how many of these times there is a reading, and at how many another one."""
    known = replaced = 0
    extent = Extent(int(taken.times[0]), int(taken.times[-1]) + 1)
    for times, values in pages(store, series, extent):
        at = np.searchsorted(taken.times, times)  # none is later than the last
        there = taken.times[at] == times
        known += int(np.count_nonzero(there))
        replaced += int(np.count_nonzero(taken.values[at[there]] != values[there]))
    return known, replaced


def _write(store: TelemetryStore, series: Series, taken: Taken) -> int:
    """Store the readings of a sensor and return how many took the place of another value."""
    replaced = 0
    for start in range(0, taken.times.size, AT_ONCE):
        times, values = (
            some[start : start + AT_ONCE].tolist() for some in (taken.times, taken.values)
        )
        part = list(zip([series.id] * len(times), times, values, strict=True))
        batch = Batch(texts=part) if series.kind == "text" else Batch(values=part)
        replaced += store.write(batch).replaced
    return replaced
