"""Brings the readings of several sensors onto one grid of times: one value for each step."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]


def means(pages: Iterable[tuple[Times, Floats]], step_ms: int) -> Iterator[tuple[Times, Floats]]:
    """Yield the mean of each step that has readings, at the time the step begins."""
    open_at, total, count = -1, 0.0, 0
    for t, v in pages:
        steps = t // step_ms * step_ms
        starts = np.flatnonzero(np.r_[True, steps[1:] != steps[:-1]])
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


def lasts(
    pages: Iterable[tuple[Times, list[bytes]]], step_ms: int
) -> Iterator[tuple[Times, list[bytes]]]:
    """Yield the last cell of each step that has any, at the time the step begins."""
    kept: tuple[int, bytes] | None = None
    for t, cells in pages:
        steps = t // step_ms * step_ms
        ends = np.flatnonzero(np.r_[steps[1:] != steps[:-1], True])
        at, last = steps[ends].tolist(), [cells[end] for end in ends.tolist()]
        if kept and kept[0] != at[0]:
            at, last = [kept[0], *at], [kept[1], *last]
        if len(at) > 1:
            yield np.array(at[:-1], np.int64), last[:-1]
        kept = at[-1], last[-1]
    if kept:
        yield np.array([kept[0]], np.int64), [kept[1]]
