"""Reads sensors page by page: one alone, or several side by side, as they are or on a grid."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices import steps, walls
from devices.steps import Times, Values

if TYPE_CHECKING:
    from db.telemetry.records import Series
    from db.telemetry.store import TelemetryStore

Page = tuple[Times, Values]  # values: float64 of numbers and states, str objects of texts

UTC = ZoneInfo("UTC")
PAGE = 20_000  # rows read at once
FIRST = 2_000  # of them, so that a download begins at once
TEXTS = 1_000  # texts read at once
HELD = 400_000  # values held at once side by side, over all sensors


class Extent(NamedTuple):
    """The half-open time [start, end), and the width of steps; 0: each time as it is.

    Steps begin as the clocks of the zone show a multiple of one: those of a day at midnight.
    """

    start_ms: int
    end_ms: int
    step_ms: int = 0
    zone: ZoneInfo = UTC


class Found(NamedTuple):
    """The values of one sensor at some of the times of a page."""

    places: NDArray[np.int64]  # in the times
    values: Values


def pages(
    store: "TelemetryStore", series: "Series", extent: Extent, *, size: int | None = None
) -> Iterator[Page]:
    """Yield the non-empty pages of one sensor, at most `size` readings each.

    On a grid a value is the mean of a number in the step, or the last of a state or text.
    """
    size, step_ms = size or PAGE, extent.step_ms
    begins = partial(walls.begins, step_ms=step_ms, zone=extent.zone)
    if series.kind == "text":
        texts = _text_pages(store, series.id, extent, min(size, TEXTS))
        return steps.lasts(texts, begins) if step_ms else texts
    read = _numbers(store, series.id, extent, size)
    if not step_ms:
        return read
    return steps.means(read, begins) if series.kind == "number" else steps.lasts(read, begins)


def side_by_side(
    store: "TelemetryStore", several: Sequence["Series"], extent: Extent
) -> Iterator[tuple[Times, list[Found | None]]]:
    """Yield times at which any of the sensors spoke, with what each said, None for nothing."""
    size = max(256, min(PAGE, HELD // max(1, len(several))))
    sources = [_Source(pages(store, series, extent, size=size)) for series in several]
    while reading := [source for source in sources if source.times.size]:
        known_until = min(int(source.times[-1]) for source in reading)
        taken = [source.take(known_until) for source in sources]
        times = np.unique(np.concatenate([some for some, _ in taken]))
        yield (
            times,
            [
                Found(np.searchsorted(times, some), values) if some.size else None
                for some, values in taken
            ],
        )


class _Source:
    """The part of one sensor that was read and not yet taken."""

    def __init__(self, pages: Iterator[Page]) -> None:
        self._pages = pages
        self.times, self._values = self._next()

    def take(self, until_ms: int) -> Page:
        """Take what is not later than `until_ms`; reads on when nothing is left."""
        cut = int(np.searchsorted(self.times, until_ms, side="right"))
        taken = self.times[:cut], self._values[:cut]
        self.times, self._values = self.times[cut:], self._values[cut:]
        if not self.times.size:
            self.times, self._values = self._next()
        return taken

    def _next(self) -> Page:
        return next(self._pages, (np.empty(0, np.int64), np.empty(0)))


def _numbers(store: "TelemetryStore", series_id: int, extent: Extent, size: int) -> Iterator[Page]:
    start_ms = extent.start_ms
    for first in store.pages(series_id, start_ms, extent.end_ms, size=min(size, FIRST)):
        yield first
        start_ms = int(first[0][-1]) + 1
        yield from store.pages(series_id, start_ms, extent.end_ms, size=size)
        return


def _text_pages(
    store: "TelemetryStore", series_id: int, extent: Extent, size: int
) -> Iterator[Page]:
    start_ms = extent.start_ms
    while rows := store.first_texts(series_id, start_ms, extent.end_ms, size):
        times, texts = zip(*rows, strict=True)
        yield np.array(times, np.int64), np.array(texts, object)
        start_ms = times[-1] + 1
