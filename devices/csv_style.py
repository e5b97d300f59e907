"""How times, numbers and separators of a CSV file look: for programs, or for a spreadsheet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

Times = NDArray[np.int64]

DAY_MS = 86_400_000
QUARTER_MS = 900_000  # clocks change at quarters of an hour
UTF8_MARK = b"\xef\xbb\xbf"
SEPARATORS = {"comma": b",", "semicolon": b";", "tab": b"\t"}


@dataclass(frozen=True, slots=True)
class Style:
    """How cells look.

    Attributes:
        separator: between cells; with a semicolon numbers have a decimal comma, as those
            spreadsheets expect that take semicolons.
        zone: times are `2026-01-31 12:00:00` on its clocks, and the file begins with the mark
            that spreadsheets know UTF-8 by; without a zone `2026-01-31T12:00:00.000Z`.
    """

    separator: bytes = b","
    zone: ZoneInfo | None = None

    @property
    def head(self) -> bytes:
        """What the file begins with."""
        return UTF8_MARK if self.zone else b""

    def stamps(self, times: Times, before: bytes = b"", after: bytes = b"") -> list[bytes]:
        """Return `before`, the time, `after` for each time in ms since 1970."""
        if self.zone is None:
            return _stamps(times, before, after, b"....-..-..T..:..:......Z")
        return _stamps(_local(times, self.zone), before, after, b"....-..-.. ..:..:..")

    def numbers(self, values: NDArray[np.float64]) -> list[bytes]:
        """Return numbers in the shortest form that reads back equal; whole ones without a point."""
        listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
        cells = (listed[1:-1] + b",").replace(b".0,", b",")
        if self.separator == b";":
            return cells.replace(b",", b";").replace(b".", b",").split(b";")[:-1]
        return cells.split(b",")[:-1]


PLAIN = Style()


def _local(times: Times, zone: ZoneInfo) -> Times:
    """Return what clocks of a zone say at these times, as if it were UTC."""
    quarters, which = np.unique(times // QUARTER_MS, return_inverse=True)
    offsets = [
        round(offset.total_seconds() * 1000)
        if (offset := datetime.fromtimestamp(quarter * QUARTER_MS / 1000, zone).utcoffset())
        else 0
        for quarter in quarters.tolist()
    ]
    shifted: Times = times + np.array(offsets, np.int64)[which]
    return shifted


def _digits(count: int, width: int) -> NDArray[np.uint8]:
    """Return the numbers below `count` as rows of `width` ASCII digits."""
    numbers = np.arange(count)[:, None] // 10 ** np.arange(width - 1, -1, -1)
    return (numbers % 10 + ord("0")).astype(np.uint8)


TWO, THREE = _digits(100, 2), _digits(1000, 3)


def _stamps(times: Times, before: bytes, after: bytes, pattern: bytes) -> list[bytes]:
    days, of_day = np.divmod(times, DAY_MS)
    calendar, which = np.unique(days, return_inverse=True)
    dates = np.datetime_as_string(calendar.astype("datetime64[D]")).astype("S10")
    seconds, ms = np.divmod(of_day, 1000)
    minutes, seconds = np.divmod(seconds, 60)
    hours, minutes = np.divmod(minutes, 60)

    frame = before + pattern + after
    width, at = len(frame), len(before)
    table: NDArray[Any] = np.empty((times.size, width), np.uint8)
    table[:] = np.frombuffer(frame, np.uint8)
    table[:, at : at + 10] = dates.view(np.uint8).reshape(-1, 10)[which]
    places = [(11, TWO, hours), (14, TWO, minutes), (17, TWO, seconds), (20, THREE, ms)]
    for place, digits, numbers in places:
        if place < len(pattern):
            table[:, at + place : at + place + digits.shape[1]] = digits[numbers]
    stamps: list[bytes] = table.view(f"S{width}").ravel().tolist()
    return stamps
