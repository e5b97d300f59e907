"""Turns readings and summaries of readings into the rows of a chart; pure arithmetic."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from db.telemetry.records import Chart, Counts, Floats, Times

MAX_POINTS = 2000
PART = np.dtype(  # as SQL and summaries give them
    [
        ("first", "<i8"),
        ("last", "<i8"),
        ("n", "<i8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("total", "<f8"),
    ]
)
GAP = 3  # this many usual intervals without a reading are a gap
TIDY_GAP_MS = 1000  # shorter pauses are never shown as gaps
AROUND = 7  # intervals before a pause, and behind it, that tell what is usual then


@dataclass(frozen=True, slots=True)
class Parts:
    """Runs of readings in time order, each summed up: one reading or thousands."""

    first: Times
    last: Times
    n: Counts
    low: Floats
    high: Floats
    total: Floats

    @classmethod
    def of(cls, t: Times, v: Floats) -> Self:
        """Return single readings as parts."""
        return cls(t, t, np.ones(len(t), np.int64), v, v, v)

    @classmethod
    def from_rows(cls, rows: NDArray[np.void]) -> Self:
        """Return the rows of an array of `PART` as parts."""
        return cls(*(rows[name].copy() for name in cls.__slots__))

    @classmethod
    def join(cls, parts: list["Parts"]) -> "Parts":
        """Return all parts in order of their first reading."""
        columns = [
            np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__
        ]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def touching(self, start_ms: int, end_ms: int) -> "Parts":
        """Return the parts with a reading in [start, end), or on both sides of an end of it.

        They are as they are: what is summed up cannot be cut.
        """
        near = (self.first < end_ms) & (self.last >= start_ms)
        return Parts(*(getattr(self, name)[near] for name in self.__slots__))

    def __len__(self) -> int:
        return len(self.first)


def width_for(start_ms: int, end_ms: int, points: int) -> int:
    """Return the width in ms of buckets that cut [start, end) into at most `points`.

    Buckets begin at multiples of their width, so that the same readings fall together
    wherever the window begins, and panning does not make the line shimmer.
    """
    width = max(1, -(-(end_ms - start_ms) // points))
    while (end_ms - 1) // width - start_ms // width + 1 > max(points, 2):
        width += max(1, width // points)
    return width


def merge(parts: Parts, width: int) -> Parts:
    """Put together what begins in the same bucket."""
    if not len(parts):
        return parts
    bucket = parts.first // width
    starts = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
    return Parts(
        parts.first[starts],
        np.maximum.reduceat(parts.last, starts),
        np.add.reduceat(parts.n, starts),
        np.minimum.reduceat(parts.low, starts),
        np.maximum.reduceat(parts.high, starts),
        np.add.reduceat(parts.total, starts),
    )


def gaps(parts: Parts) -> NDArray[np.intp]:
    """Return before which parts there is a pause of more than GAP usual intervals.

    What is usual may change: a pause counts only if it is long for the whole, and for what is
    before and behind it.  Else all that a device said each minute would be lone points, which no
    line shows, once it speaks each second.
    """
    if len(parts) < 2:
        return np.empty(0, np.intp)
    pauses = parts.first[1:] - parts.last[:-1]
    inside = np.full(len(parts), np.nan)
    np.divide(parts.last - parts.first, parts.n - 1, out=inside, where=parts.n > 1)
    known = inside[parts.n > 1]
    usual = float(np.median(known if len(known) else pauses))
    long = np.flatnonzero(pauses > max(GAP * usual, TIDY_GAP_MS))
    if not len(long):
        return long
    steps = np.column_stack([inside, np.append(pauses, np.nan)]).ravel()  # in the order of time
    at = np.cumsum(~np.isnan(steps))[2 * long + 1] - 1 + AROUND
    padded = np.pad(steps[~np.isnan(steps)], AROUND, constant_values=usual)
    before = np.median(padded[at[:, None] - np.arange(1, AROUND + 1)], axis=1)
    behind = np.median(padded[at[:, None] + np.arange(1, AROUND + 1)], axis=1)
    real: NDArray[np.intp] = long[pauses[long] > GAP * np.maximum(before, behind)] + 1
    return real


def chart(parts: Parts, width: int, points: int) -> Chart:
    """Return at most `points` rows that hold readings, and one without any for each gap.

    They are buckets of this width, or wider where these are too many; `width` 0 asks for one row
    a part.
    """
    rows = merge(parts, width) if width else parts
    while len(rows) > points:
        width = max(width * 2, width_for(int(rows.first[0]), int(rows.last[-1]) + 1, points))
        rows = merge(parts, width)
    return _drawn(rows, gaps(rows))


def finer(t: Times, width: int, points: int) -> int:
    """Return the smallest half, quarter and so on of a width with at most `points` buckets.

    What comes in bursts leaves most buckets empty, so that more of them may be asked for.
    """
    while width > 1 and np.count_nonzero(np.diff(t // (width // 2))) < points:
        width //= 2
    return width


def _drawn(rows: Parts, holes: NDArray[np.intp]) -> Chart:
    when: Any = np.insert(rows.first.astype(np.float64), holes, rows.last[holes - 1] + 1.0)
    nothing = np.nan
    return Chart(
        t=when,
        last=np.insert(rows.last.astype(np.float64), holes, nothing),
        low=np.insert(rows.low, holes, nothing),
        mean=np.insert(rows.total / rows.n, holes, nothing),
        high=np.insert(rows.high, holes, nothing),
        count=np.insert(rows.n, holes, 0),
        raw=bool((rows.n == 1).all()),
    )
