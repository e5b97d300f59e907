"""How times, numbers and separators of a CSV file look: for programs, or for a spreadsheet.

Cells of many lines are made at once, as fixed-width bytes filled up with zeros; the zeros fall
out when the lines are put together.  No line costs a Python object of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

from devices import walls
from devices.walls import Times

Cells = NDArray[np.bytes_]

DAY_MS = 86_400_000
EXACT = b"time_utc"
UTF8_MARK = b"\xef\xbb\xbf"
SEPARATORS = {"comma": b",", "semicolon": b";", "tab": b"\t"}
HELD = 250_000  # bytes put together at once: what fits into the caches of a processor


@dataclass(frozen=True, slots=True)
class Style:
    """How cells look.

    Attributes:
        separator: between cells; with a semicolon numbers have a decimal comma, as those
            spreadsheets expect that take semicolons.
        zone: times are `2026-01-31 12:00:00` on its clocks, as spreadsheets read them; a last
            column has them as they are without a zone, `2026-01-31T12:00:00.000Z`, and the file
            begins with the mark that spreadsheets know UTF-8 by.
    """

    separator: bytes = b","
    zone: ZoneInfo | None = None

    @property
    def head(self) -> bytes:
        """What the file begins with."""
        return UTF8_MARK if self.zone else b""

    def stamps(self, times: Times) -> list[Cells]:
        """Return the parts that times, in ms since 1970, are made of."""
        if self.zone is None:
            return _exact(times)
        date, minute, second, _ = _parts(walls.shown(times, self.zone))
        return [date, SPACED[minute], SECONDS[second]]

    @property
    def last_heading(self) -> bytes:
        """What stands above the column that `exact` makes, if it makes one."""
        return self.separator + EXACT if self.zone else b""

    def exact(self, times: Times) -> list[Cells | bytes]:
        """Return the parts of the last cells, which have the times that `stamps` make less of."""
        return [self.separator, *_exact(times)] if self.zone else []

    def numbers(self, values: NDArray[np.float64]) -> Cells:
        """Return numbers in the shortest form that reads back equal; whole ones without a point."""
        listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
        text = np.frombuffer((listed[1:-1] + b",").replace(b".0,", b","), np.uint8)
        commas = text == ord(",")
        lengths = np.diff(np.flatnonzero(commas), prepend=-1) - 1
        digits = text[~commas]
        if self.separator == b";":
            digits[digits == ord(".")] = ord(",")
        width = int(lengths.max())
        cells = np.zeros((values.size, width), np.uint8)
        cells[np.arange(width, dtype=np.uint8) < lengths.astype(np.uint8)[:, None]] = digits
        return cells.view(f"S{width}")[:, 0]


PLAIN = Style()


def joined(parts: Sequence[Cells | bytes], lines: int) -> Iterator[bytes]:
    """Yield the parts of so many lines put together: cells of each, and bytes that all have."""
    parts = [part for part in parts if len(part)]
    widths = [len(part) if isinstance(part, bytes) else part.itemsize for part in parts]
    line = np.dtype([(f"part{number}", f"S{width}") for number, width in enumerate(widths)])
    at_once = max(1, HELD // line.itemsize)
    for start in range(0, lines, at_once):
        table = np.empty(min(at_once, lines - start), line)
        for name, part in zip(line.names or (), parts, strict=True):
            table[name] = part if isinstance(part, bytes) else part[start : start + at_once]
        yield table.tobytes().translate(None, b"\0")


def _exact(times: Times) -> list[Cells]:
    date, minute, second, ms = _parts(times)
    return [date, MINUTES[minute], SECONDS[second], THOUSANDTHS[ms]]


def _parts(times: Times) -> tuple[Cells, Times, Times, Times]:
    """Return the date as text, the minute of the day, the second, and the thousandths."""
    days, of_day = np.divmod(times, DAY_MS)
    first = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
    dates = np.datetime_as_string(days[first].astype("datetime64[D]")).astype("S10")
    minutes, of_minute = np.divmod(of_day, 60_000)
    seconds, ms = np.divmod(of_minute, 1000)
    return np.repeat(dates, np.diff(np.append(first, times.size))), minutes, seconds, ms


def _clock(between: str) -> Cells:
    """Return each minute of a day, with what stands between date and time."""
    return np.array([f"{between}{of // 60:02}:{of % 60:02}:".encode() for of in range(1440)])


MINUTES, SPACED = _clock("T"), _clock(" ")
SECONDS: Cells = np.array([b"%02d" % second for second in range(60)])
THOUSANDTHS: Cells = np.array([b".%03dZ" % ms for ms in range(1000)])
