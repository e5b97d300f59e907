"""Brings the readings of several sensors onto one grid of times: one value for each step."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Values = NDArray[Any]
Begins = Callable[[Times], Times]  # of each time, when its step begins


def means(pages: Iterable[tuple[Times, Floats]], begins: Begins) -> Iterator[tuple[Times, Floats]]:
    """Yield the mean of each step that has readings, at the time the step begins."""
    open_at, total, count = -1, 0.0, 0
    for t, v in pages:
        steps = begins(t)
        starts = np.flatnonzero(np.append(True, steps[1:] != steps[:-1]))
        sums = np.add.reduceat(v, starts)
        counts = np.diff(np.append(starts, t.size))
        at = steps[starts]
        if open_at == at[0]:
            sums[0] += total
            counts[0] += count
        elif count:
            yield np.array([open_at], np.int64), np.array([total / count])
        if at.size > 1:
            yield at[:-1], sums[:-1] / counts[:-1]
        open_at, total, count = int(at[-1]), float(sums[-1]), int(counts[-1])
    if count:
        yield np.array([open_at], np.int64), np.array([total / count])


def lasts(pages: Iterable[tuple[Times, Values]], begins: Begins) -> Iterator[tuple[Times, Values]]:
    """Yield the last value of each step that has any, at the time the step begins."""
    at, last = np.empty(0, np.int64), None  # of the step that may go on
    for t, v in pages:
        steps = begins(t)
        if last is not None and at[0] != steps[0]:
            yield at, last
        ends = np.flatnonzero(np.append(steps[1:] != steps[:-1], True))
        if ends.size > 1:
            yield steps[ends[:-1]], v[ends[:-1]]
        at, last = steps[-1:], v[-1:]
    if last is not None:
        yield at, last
