"""Reads CSV files of readings, in any of the forms of `file_forms`.

Cells are separated by commas, semicolons (then with decimal commas) or tabs.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import chain, pairwise
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devices import export, file_cells, file_entities, file_forms, file_records, parsing
from devices.file_cells import TEXT
from devices.file_forms import Form, Row
from devices.file_records import Document, Record
from devices.payloads import Limits

SILENT = frozenset({"", "unknown", "unavailable", "none", "null"})  # to Home Assistant
SECONDS_BELOW = 100_000_000_000  # a number of the time below this is in seconds
SHOWN = 20  # refused lines that are named of each reason
ZEROS = re.compile(r"\s*[+-]?0\d")  # how no number of an export begins


class Refused(NamedTuple):
    """A line that cannot be used."""

    line: int
    code: str


class Refusals:
    """The lines that cannot be used: how many for each reason, and which come first."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, list[int]] = {}

    def add(self, code: str, lines: Sequence[int], count: int = 1) -> None:
        """Refuse so many lines for one reason; of `lines` the first count as examples."""
        self.counts[code] += count
        first = self._first.setdefault(code, [])
        if len(first) < SHOWN or lines[0] < first[-1]:
            first[:] = sorted({*first, *lines[:SHOWN]})[:SHOWN]

    def absorb(self, others: "Refusals", code: str = "") -> None:
        """Refuse what was refused elsewhere, for the reasons it was, or for this one."""
        for reason, count in others.counts.items():
            self.add(code or reason, others._first[reason], count)

    def examples(self) -> list[Refused]:
        """Return the first lines of each reason, as they stand in the file."""
        return sorted(Refused(line, code) for code, some in self._first.items() for line in some)


@dataclass(slots=True)
class Told:
    """What a file says of one sensor, line by line.

    Attributes:
        name: of the sensor; empty: none could be called so.
        device: that the file names, if any.
        kinds: what it may be, if it is new.
        unit: that the file names last, if any.
        lines: where the readings stand.
        times: of the readings, in milliseconds.
        cells: of their values, as they stand; behind `TEXT` those that are texts for certain.
        twice: how many ms later the clock shows the time again, by its place in `times`.
        refused: lines that cannot be used.
    """

    name: str
    device: str
    kinds: Sequence[str] = file_cells.KINDS
    unit: str = ""
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    times: "array[int]" = field(default_factory=lambda: array("q"))
    cells: list[str] = field(default_factory=list)
    twice: dict[int, int] = field(default_factory=dict)
    refused: Refusals = field(default_factory=Refusals)

    def rows(self) -> Iterator[tuple[int, int, str, int]]:
        """Yield line, time, cell and what `twice` has of each reading, line by line."""
        twice = (self.twice.get(at, 0) for at in range(len(self.lines)))
        return zip(self.lines, self.times, self.cells, twice, strict=True)

    def tell_hours_apart(self) -> None:
        """Let times that a clock shows twice follow the order of the lines.

        Where times go back, the clock has gone back.  Of just two that are the same, such as of a
        meter that speaks each hour, the second one is an hour later.
        """
        order = list(self.twice)
        if order and self.times[-1] < self.times[0]:
            order.reverse()  # the newest line stands first
        hours: list[list[int]] = []
        for at in order:
            if hours and abs(self.times[at] - self.times[hours[-1][-1]]) < self.twice[at]:
                hours[-1].append(at)
            else:
                hours.append([at])
        for hour in hours:
            for at in hour[_again(self.times[at] for at in hour) :]:
                self.times[at] += self.twice[at]

    def join(self, other: "Told") -> None:
        """Take over what is said of the same sensor elsewhere."""
        rows = sorted(chain(self.rows(), other.rows()), key=itemgetter(0))
        self.lines = array("q", [line for line, _, _, _ in rows])
        self.times = array("q", [ms for _, ms, _, _ in rows])
        self.cells = [cell for _, _, cell, _ in rows]
        self.twice = {at: later for at, (_, _, _, later) in enumerate(rows) if later}
        self.unit = other.unit or self.unit


@dataclass(slots=True)
class Found:
    """What a file holds.

    Attributes:
        told: by the name of the sensor.
        refused: lines that cannot be used.
        comma: whether numbers have a decimal comma.
        unended_line: the last one, if it has no end but was taken: it may be cut; else 0.
    """

    comma: bool
    told: dict[str, Told] = field(default_factory=dict)
    unended_line: int = 0
    refused: Refusals = field(default_factory=Refusals)


def read(
    data: bytes,
    *,
    devices: Collection[str],
    known: Mapping[str, str],
    sensor: str,
    zone: ZoneInfo,
    now_ms: int,
) -> Found:
    """Return what a file says.

    Args:
        data: the file.
        devices: names of the device that it is for; lines of others are refused if there are any
            of it.
        known: kinds of the sensors that the device has, by name.
        sensor: of a file that names none.
        zone: of times that name none.
        now_ms: readings later than a device's clock may be ahead are refused.

    Raises:
        Invalid: it is not UTF-8, not CSV, of an unknown form, or too large.
    """
    document = Document(data)
    records = document.records()
    form = file_forms.form(next(records, Record(1, [])).cells, sensor)
    reader = _Reader(form, zone, now_ms + Limits().ahead_ms)
    found = Found(document.comma)
    told: dict[tuple[str, str], Told] = {}
    count = 0
    for record, is_last in _with_last(records):
        try:
            rows = form.parse(record.cells)
        except IndexError:
            found.refused.add("too_few_cells", [record.line])
            continue
        if is_last and document.unended:
            if document.returns:  # as our exports have it
                found.refused.add("cut", [record.line])
                continue
            found.unended_line = record.line
        count += len(rows)
        file_records.check_length(count)
        for row in rows:
            key = row.device, row.sensor
            if key not in told:
                told[key] = Told(_name(row.sensor), row.device)
            reader.take(told[key], record.line, row)
    if form.foreign:
        _name_entities(told, known)
    _settle(found, list(told.values()), devices, form)
    return found


def _with_last(records: Iterator[Record]) -> Iterator[tuple[Record, bool]]:
    """Yield records, and whether it is the last one."""
    held = next(records, None)
    while held is not None:
        following = next(records, None)
        yield held, following is None
        held = following


def _name(said: str) -> str:
    """Return the name of a sensor, nothing if none can be called so."""
    try:
        return parsing.sensor_name(said)
    except parsing.Refuse:
        return ""


def moment(text: str, zone: tzinfo) -> tuple[int | None, int]:
    """Return a time in milliseconds, and how much later a clock in its zone shows it again.

    It is None if it is no time or too long ago; without an offset it is of the zone.
    """
    later_s = 0.0
    try:
        number = float(text)
        seconds = number if abs(number) < SECONDS_BELOW else number / 1000
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None, 0
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone)
            later_s = at.replace(fold=1).timestamp() - at.timestamp()
        seconds = at.timestamp()
    if not math.isfinite(seconds) or seconds * 1000 < parsing.EARLIEST_MS:
        return None, 0
    return round(seconds * 1000), max(0, round(later_s * 1000))


def _again(times: Iterable[int]) -> int:
    """Return from which of some times on it is the second time that a clock shows them."""
    some = list(times)
    falls = (at for at, (one, following) in enumerate(pairwise(some), 1) if following < one)
    return next(falls, 1 if len(some) == 2 and some[0] == some[1] else len(some))


@dataclass(frozen=True, slots=True)
class _Reader:
    form: Form
    zone: ZoneInfo
    latest_ms: int

    def take(self, told: Told, line: int, row: Row) -> None:
        """Take down what a line says of a sensor."""
        exact, cell = row.exact.strip(), self.cell(row.value)
        ms, later = moment(exact, UTC) if exact else moment(row.time.strip(), self.zone)
        if ms is None:
            told.refused.add("bad_time", [line])
        elif ms > self.latest_ms:
            told.refused.add("future", [line])
        elif self.is_silent(cell):
            told.refused.add("bad_value", [line])
        else:
            if later:
                told.twice[len(told.times)] = later
            told.lines.append(line)
            told.times.append(ms)
            told.cells.append(cell)
            told.unit = row.unit or told.unit

    def is_silent(self, cell: str) -> bool:
        """Return whether a cell says that there was no value."""
        return cell.strip().lower() in SILENT if self.form.foreign else not cell.strip()

    def cell(self, said: str) -> str:
        """Return the cell of a value without what defused it for a spreadsheet.

        What an export has in quotes, or defused, or would not write as a number, is a text.
        """
        if self.form.foreign:
            return said
        plain = export.armed(said.removeprefix(TEXT))
        is_text = plain != said or ZEROS.match(plain)
        return TEXT + plain if self.form.ours and is_text else plain


def _name_entities(told: dict[tuple[str, str], Told], known: Mapping[str, str]) -> None:
    entities = {entity for _, entity in told}
    for (_, entity), one in told.items():
        one.name = _name(file_entities.name_of(entity, entities, known))
        one.kinds = file_entities.kinds_of(entity)


def _settle(found: Found, told: list[Told], devices: Collection[str], form: Form) -> None:
    """Take over what is of the device, and refuse the rest."""
    mine = not form.devices.isdisjoint(devices) or any(one.device in devices for one in told)
    for one in told:
        other = mine and one.device not in devices
        code = "other_device" if other else "" if one.name else "bad_name"
        found.refused.absorb(one.refused, code)
        one.tell_hours_apart()
        if code and one.lines:
            found.refused.add(code, one.lines, len(one.lines))
        elif one.name in found.told:
            found.told[one.name].join(one)
        elif one.lines:
            found.told[one.name] = one
