"""CSV of any range, as a stream of pages: fast, in constant memory, safe to open in a spreadsheet.

RFC 4180 with CRLF, UTF-8; times in ISO 8601 UTC with milliseconds; numbers as they are, states as
on and off.  Text cells, and no others, are quoted, so that they tell what is a number; those that a
spreadsheet would take for a formula begin with an apostrophe more.

    long   time,device,sensor,value,unit       one line a reading, one sensor after the other
    wide   time,"device / sensor (unit)",...   one line a time stamp, one column a sensor

For a spreadsheet the times are local ones, to the second, and a last column time_utc has them as
above.

Wide lines are made for each time at which any sensor spoke, or for each step of a grid: then a
cell is the mean of a number in the step, or the last of a state or text.
"""

import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from db.models import Device
from devices.csv_style import PLAIN, Cells, Style, joined
from devices.reading_pages import Extent, Found, Page, pages, side_by_side
from devices.steps import Values
from errors import NotFound
from notify.mark import N_

if TYPE_CHECKING:
    from db.telemetry.records import Series
    from db.telemetry.store import TelemetryStore

Layout = Literal["long", "wide"]

LINE_END = b"\r\n"
LINES = 2500  # written at once: other threads wait for the interpreter meanwhile
HEADING = re.compile(r"(?P<device>.+) / (?P<sensor>[\w.-]+)(?: \((?P<unit>.*)\))?")
SLASHES = re.compile("(?<= )/+(?= )")
FORMULA = re.compile("'*[ \u00a0]*[-=+@\t\r\n\0＝＋－＠]")  # apostrophes before it count


@dataclass(frozen=True, slots=True)
class Column:
    """One sensor of one device, to be exported."""

    device: str  # what it is called in the file
    series: "Series"


def columns(
    devices: Iterable[Device], store: "TelemetryStore", *, sensors: Collection[str] = ()
) -> list[Column]:
    """Return the sensors of devices, in their order; `sensors` names those wanted, or all.

    Raises:
        NotFound: a sensor that none of these devices has.
    """
    names = _names(list(devices))
    known = store.series(names)
    if set(sensors) - {series.name for some in known.values() for series in some}:
        raise NotFound("sensor_not_found", N_("There is no such sensor."))
    return [
        Column(name, series)
        for device_id, name in names.items()
        for series in known.get(device_id, [])
        if not sensors or series.name in sensors
    ]


def _names(devices: Sequence[Device]) -> dict[int, str]:
    """Return what devices are called in a file, by id: no two alike."""
    often = Counter(device.name for device in devices)
    return {
        device.id: device.name if often[device.name] == 1 else full_name(device)
        for device in devices
    }


def full_name(device: Device) -> str:
    """Return what a device is called beside another one of its name."""
    return f"{device.name} ({device.controller_id})"


def csv_rows(
    store: "TelemetryStore",
    columns: Sequence[Column],
    extent: Extent,
    layout: Layout = "long",
    *,
    style: Style = PLAIN,
) -> Iterator[bytes]:
    """Yield a CSV document of readings, in parts of whole lines.

    Args:
        store: where the readings are; read in short transactions while the parts are taken.
        columns: what to export; the caller has checked access.
        extent: which time, and the steps of the wide layout; long lines have none.
        layout: "long" or "wide".
        style: how times and numbers look.
    """
    if layout == "long":
        return _long(store, columns, extent._replace(step_ms=0), style)
    return _wide(store, columns, extent, style)


def heading(column: Column) -> str:
    """Return what stands above the column of a sensor: `device / sensor (unit)`.

    The last ` / ` in it is the one before the sensor: slashes of a unit are doubled.
    """
    unit = SLASHES.sub(r"\g<0>/", column.series.unit)
    return f"{column.device} / {column.series.name}" + (f" ({unit})" if unit else "")


def said_in(heading: str) -> tuple[str, str, str] | None:
    """Return device, sensor and unit of a heading, None if it is none."""
    found = HEADING.fullmatch(heading)
    if found is None:
        return None
    unit = SLASHES.sub(
        lambda slashes: slashes[0][: max(1, len(slashes[0]) - 1)], found["unit"] or ""
    )
    return found["device"], found["sensor"], unit


def gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts as one gzip stream, at the level that costs less than it saves."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: those get an apostrophe.

    So does one that has apostrophes before its formula: no two texts look alike.
    """
    return "'" + text if FORMULA.match(text) else text


def armed(text: str) -> str:
    """Return a text without the apostrophe that `defused` has put before it."""
    return text[1:] if text[:1] == "'" and FORMULA.match(text, 1) else text


def text_cell(text: str) -> bytes:
    """Return a text as a quoted cell that no spreadsheet carries out."""
    plain = defused(text).replace("\0", "\ufffd").replace('"', '""')
    return b'"' + plain.encode("utf-8", "replace") + b'"'


def _long(
    store: "TelemetryStore", columns: Sequence[Column], extent: Extent, style: Style
) -> Iterator[bytes]:
    cut = style.separator
    names = cut.join([b"time", b"device", b"sensor", b"value", b"unit"])
    yield style.head + names + style.last_heading + LINE_END
    for column in columns:
        series = column.series
        before = cut + text_cell(column.device) + cut + text_cell(series.name) + cut
        after = cut + (text_cell(series.unit) if series.unit else b"")
        for times, values in _cut(pages(store, series, extent)):
            cells = _cells(column, values, style)
            line = [*style.stamps(times), before, cells, after, *style.exact(times), LINE_END]
            yield from joined(line, times.size)


def _cut(pages: Iterable[Page]) -> Iterator[Page]:
    """Yield pages in pieces that fit into the caches of a processor."""
    for times, values in pages:
        for start in range(0, times.size, LINES):
            yield times[start : start + LINES], values[start : start + LINES]


def _wide(
    store: "TelemetryStore", columns: Sequence[Column], extent: Extent, style: Style
) -> Iterator[bytes]:
    cut = style.separator
    headings = [text_cell(heading(column)) for column in columns]
    yield style.head + cut.join([b"time", *headings]) + style.last_heading + LINE_END
    series = [column.series for column in columns]
    for times, found in side_by_side(store, series, extent):
        line: list[Cells | bytes] = [*style.stamps(times)]
        for column, one in zip(columns, found, strict=True):
            line += [cut, _spread(column, one, style, times.size)]
        yield from joined([*line, *style.exact(times), LINE_END], times.size)


def _cells(column: Column, values: Values, style: Style) -> Cells:
    if column.series.kind == "text":
        return np.array([text_cell(text) for text in values])
    if column.series.kind == "state":
        return np.where(values != 0, b"on", b"off")
    return style.numbers(values)


def _spread(column: Column, found: Found | None, style: Style, lines: int) -> Cells | bytes:
    """Return one cell for each line, empty where nothing was found."""
    if found is None:
        return b""
    cells = _cells(column, found.values, style)
    if cells.size == lines:
        return cells
    spread: Cells = np.zeros(lines, cells.dtype)
    spread[found.places] = cells
    return spread
