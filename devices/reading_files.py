"""Reads CSV files of readings, in any of the forms of `file_forms`.

Cells are separated by commas, semicolons (then with decimal commas) or tabs.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devices import export, file_forms, parsing
from devices.file_forms import Parser, Row
from devices.payloads import Limits
from errors import Invalid
from notify.mark import N_

TRUE, FALSE = frozenset({"on", "true"}), frozenset({"off", "false"})
SILENT = frozenset({"", "unknown", "unavailable", "none", "null"})  # to Home Assistant
SECONDS_BELOW = 100_000_000_000  # a number of the time below this is in seconds
MOST_ROWS = 5_000_000
LONGEST_TEXT = 4096
NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
NO_NUMBER = re.compile(r"\s*[+-]?(?:nan|inf|infinity)\s*", re.IGNORECASE)


class Refused(NamedTuple):
    """A line that cannot be used."""

    line: int
    code: str


@dataclass(slots=True)
class Found:
    """What a file holds.

    Attributes:
        values: (ms, text as it stands) by sensor; of two at one time the later line counts.
        units: by sensor, where the file names one.
        refused: lines that cannot be used.
    """

    values: dict[str, dict[int, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    repeated: int = 0


def read(data: bytes, *, device: str, sensor: str, zone: ZoneInfo, now_ms: int) -> Found:
    """Return what a file says.

    Args:
        data: the file.
        device: name of the device that it is for; lines of others are refused if there are any
            of it.
        sensor: of a file that names none.
        zone: of times that name none.
        now_ms: readings later than a device's clock may be ahead are refused.

    Raises:
        Invalid: it is not UTF-8, not CSV, of an unknown form, or too large.
    """
    text = _text(data)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    comma = _separator(text) == ";"
    try:
        head = next(rows, [])
        parse = file_forms.parser(head, sensor)
        foreign = file_forms.is_of_home_assistant(head)
        lines = [(rows.line_num, cells) for cells in rows if any(cells)]
    except csv.Error as error:
        raise Invalid(
            "file_unreadable", N_("Line %(line)s is no CSV: is the file cut?"), line=rows.line_num
        ) from error
    if len(lines) > MOST_ROWS:
        raise Invalid("file_too_long", N_("At most %(most)s lines at once."), most=MOST_ROWS)
    cut = bool(lines) and "\r\n" in text and not text.endswith("\n")
    return _collect(
        lines, parse, _Reader(device, zone, now_ms, comma, foreign), lines[-1][0] if cut else 0
    )


def _text(data: bytes) -> str:
    """Return a file as text; spreadsheets mark files of UTF-16 as such."""
    marked = data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    if b"\0" in data[:1000] and not marked:
        raise Invalid("not_utf8", N_("This file is not UTF-8. Save it as CSV in UTF-8."))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(
            "not_utf8", N_("This file is not UTF-8: look at line %(line)s."), line=line
        ) from error


def _separator(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


@dataclass(frozen=True, slots=True)
class _Reader:
    device: str
    zone: ZoneInfo
    now_ms: int
    comma: bool
    foreign: bool  # of Home Assistant

    def is_silent(self, value: str) -> bool:
        """Return whether a value says that there was none."""
        return value.strip().lower() in SILENT if self.foreign else not value.strip()

    def moment(self, text: str) -> int | None:
        """Return a time in milliseconds, None if it is none or too long ago."""
        try:
            number = float(text)
            ms = number * 1000 if abs(number) < SECONDS_BELOW else number
        except ValueError:
            try:
                at = datetime.fromisoformat(text)
            except ValueError:
                return None
            ms = (at if at.tzinfo else at.replace(tzinfo=self.zone)).timestamp() * 1000
        if not math.isfinite(ms) or ms < parsing.EARLIEST_MS:
            return None
        return round(ms)

    def value(self, text: str) -> str:
        """Return a value with a decimal point, without what defused it for a spreadsheet."""
        if self.comma and text.count(",") == 1 and number(text.replace(",", ".")) is not None:
            return text.replace(",", ".")
        return export.armed(text)


def _collect(
    lines: list[tuple[int, list[str]]],
    parse: Parser,
    reader: _Reader,
    cut_line: int,
) -> Found:
    found = Found()
    rows = list(_rows(lines, parse, found, cut_line))
    if reader.foreign:
        names = file_forms.names_of(row.sensor for _, row in rows)
        rows = [(line, row._replace(sensor=names[row.sensor])) for line, row in rows]
    mine = any(row.device == export.defused(reader.device) for _, row in rows)
    for line, row in rows:
        ms = reader.moment(row.time.strip())
        value = reader.value(row.value)
        try:
            sensor = parsing.sensor_name(row.sensor)
        except parsing.Refuse:
            sensor = ""
        if mine and row.device != export.defused(reader.device):
            found.refused.append(Refused(line, "other_device"))
        elif not sensor:
            found.refused.append(Refused(line, "bad_name"))
        elif ms is None:
            found.refused.append(Refused(line, "bad_time"))
        elif ms > reader.now_ms + Limits().ahead_ms:
            found.refused.append(Refused(line, "future"))
        elif reader.is_silent(value) or len(value) > LONGEST_TEXT:
            found.refused.append(Refused(line, "bad_value"))
        else:
            said = found.values.setdefault(sensor, {})
            found.repeated += ms in said
            said[ms] = value
            if row.unit:
                found.units[sensor] = row.unit
    return found


def _rows(
    lines: list[tuple[int, list[str]]],
    parse: Parser,
    found: Found,
    cut_line: int,
) -> Iterator[tuple[int, Row]]:
    for line, cells in lines:
        try:
            rows = parse(cells)
        except IndexError:
            found.refused.append(Refused(line, "too_few_cells"))
            continue
        if line == cut_line:
            found.refused.append(Refused(line, "cut"))
            continue
        yield from ((line, row) for row in rows)


def number(text: str) -> float | None:
    """Return a finite number, None if it is none."""
    if NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def kind_of(values: dict[int, str]) -> str:
    """Return what the values of a sensor are: number, state or text.

    A number that is none (NaN, infinite) leaves the others numbers, and is refused among them.
    """
    if all(NUMBER.fullmatch(value) or NO_NUMBER.fullmatch(value) for value in values.values()):
        return "number"
    if all(value.strip().lower() in TRUE | FALSE for value in values.values()):
        return "state"
    return "text"


def fitting(value: str, kind: str) -> float | str | None:
    """Return a value as a sensor of this kind keeps it, None if it cannot."""
    if kind == "text":
        return value
    word = value.strip().lower()
    if kind == "state" and word in TRUE | FALSE:
        return float(word in TRUE)
    said = number(value)
    return said if kind == "number" or said in {0.0, 1.0} else None
