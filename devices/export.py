"""CSV of any range, as a stream of pages: fast, in constant memory, safe to open in a spreadsheet.

RFC 4180 with CRLF, UTF-8; times in ISO 8601 UTC with milliseconds; numbers as they are.  Text
cells are always quoted, and those that a spreadsheet would take for a formula begin with an
apostrophe.

    long   time,device,sensor,value,unit       one line a reading, one sensor after the other
    wide   time,"device / sensor (unit)",...   one line a time stamp, one column a sensor

Wide lines are made for each time at which any sensor spoke, or for each step of a grid: then a
cell is the mean of a number in the step, or the last of a state or text.
"""

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from db.models import Device
from devices import steps
from devices.csv_style import PLAIN, Style, Times

if TYPE_CHECKING:
    from db.telemetry.records import Series
    from db.telemetry.store import TelemetryStore

Layout = Literal["long", "wide"]
Page = tuple[Times, list[bytes]]  # times in ms since 1970 and the value cells at them

PAGE = 20_000  # rows read at once
HELD = 400_000  # cells held at once by the wide layout, over all columns
LINE_END = b"\r\n"
FORMULA = frozenset("=+-@\t\r\n\0＝＋－＠")


@dataclass(frozen=True, slots=True)
class Column:
    """One sensor of one device, to be exported."""

    device: str  # its name
    series: "Series"


def columns(
    devices: Iterable[Device], store: "TelemetryStore", *, sensors: Collection[str] = ()
) -> list[Column]:
    """Return the sensors of devices, in their order; `sensors` names those wanted, or all."""
    names = {device.id: device.name for device in devices}
    known = store.series(names)
    return [
        Column(name, series)
        for device_id, name in names.items()
        for series in known.get(device_id, [])
        if not sensors or series.name in sensors
    ]


def csv_rows(
    store: "TelemetryStore",
    columns: Sequence[Column],
    start_ms: int,
    end_ms: int,
    layout: Layout = "long",
    *,
    step_ms: int = 0,
    style: Style = PLAIN,
) -> Iterator[bytes]:
    """Yield a CSV document of the readings in [start_ms, end_ms), in parts of whole lines.

    Args:
        store: where the readings are; read in short transactions while the parts are taken.
        columns: what to export; the caller has checked access.
        start_ms: milliseconds since 1970 UTC, included.
        end_ms: milliseconds since 1970 UTC, excluded.
        layout: "long" or "wide".
        step_ms: of the wide layout: the width of the steps; 0: each time as it is.
        style: how times and numbers look.
    """
    paged = partial(_pages, store, start_ms=start_ms, end_ms=end_ms, style=style)
    if layout == "long":
        return _long(columns, paged, style)
    return _wide(columns, partial(paged, step_ms=step_ms), style)


def gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts as one gzip stream, at the level that costs less than it saves."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: those get an apostrophe."""
    return "'" + text if text.lstrip(" \u00a0")[:1] in FORMULA and text.strip() else text


def text_cell(text: str) -> bytes:
    """Return a text as a quoted cell that no spreadsheet carries out."""
    plain = defused(text).replace("\0", "\ufffd").replace('"', '""')
    return b'"' + plain.encode("utf-8", "replace") + b'"'


def _long(
    columns: Sequence[Column], paged: Callable[..., Iterator[Page]], style: Style
) -> Iterator[bytes]:
    cut = style.separator
    yield style.head + cut.join([b"time", b"device", b"sensor", b"value", b"unit"]) + LINE_END
    for column in columns:
        series = column.series
        before = cut + text_cell(column.device) + cut + text_cell(series.name) + cut
        after = cut + (text_cell(series.unit) if series.unit else b"") + LINE_END
        for times, cells in paged(series, size=PAGE):
            yield _lines(times, cells, before, after, style)


def _lines(times: Times, cells: list[bytes], before: bytes, after: bytes, style: Style) -> bytes:
    """Return `time before cell after` for each reading, joined in one go."""
    parts = [b""] * (2 * len(cells))
    parts[0::2] = style.stamps(times, after, before)
    parts[1::2] = cells
    return b"".join(parts)[len(after) :] + after


def _wide(
    columns: Sequence[Column], paged: Callable[..., Iterator[Page]], style: Style
) -> Iterator[bytes]:
    cut = style.separator
    yield style.head + cut.join([b"time", *map(_heading, columns)]) + LINE_END
    size = max(256, min(PAGE, HELD // max(1, len(columns))))
    sources = [
        _Source(number, paged(column.series, size=size)) for number, column in enumerate(columns)
    ]
    while reading := [source for source in sources if source.times.size]:
        known_until = min(int(source.times[-1]) for source in reading)
        taken = [(source.number, *source.take(known_until)) for source in reading]
        times = np.unique(np.concatenate([some for _, some, _ in taken]))
        empty = [b""] * times.size
        grid = [empty] * len(columns)
        for number, some, cells in taken:
            grid[number] = _spread(times, some, cells)
        rows = zip(style.stamps(times), *grid, strict=True)
        yield LINE_END.join(map(cut.join, rows)) + LINE_END


def _heading(column: Column) -> bytes:
    unit = f" ({column.series.unit})" if column.series.unit else ""
    return text_cell(f"{column.device} / {column.series.name}{unit}")


def _spread(times: Times, some: Times, cells: list[bytes]) -> list[bytes]:
    """Return one cell for each of `times`: the ones at `some`, else empty."""
    if some.size == times.size:
        return cells
    spread = [b""] * times.size
    for place, cell in zip(np.searchsorted(times, some).tolist(), cells, strict=True):
        spread[place] = cell
    return spread


class _Source:
    """The part of one column that was read and not yet written."""

    def __init__(self, number: int, pages: Iterator[Page]) -> None:
        self.number = number
        self._pages = pages
        self.times, self._cells = self._next()

    def take(self, until_ms: int) -> Page:
        """Take what is not later than `until_ms`; reads on when nothing is left."""
        cut = int(np.searchsorted(self.times, until_ms, side="right"))
        taken = self.times[:cut], self._cells[:cut]
        self.times, self._cells = self.times[cut:], self._cells[cut:]
        if not self.times.size:
            self.times, self._cells = self._next()
        return taken

    def _next(self) -> Page:
        return next(self._pages, (np.empty(0, np.int64), []))


def _pages(
    store: "TelemetryStore",
    series: "Series",
    *,
    start_ms: int,
    end_ms: int,
    size: int,
    style: Style,
    step_ms: int = 0,
) -> Iterator[Page]:
    """Yield the non-empty pages of one sensor, with its values as finished cells."""
    if series.kind == "text":
        texts = _text_pages(store.first_texts, series.id, start_ms, end_ms, size)
        yield from steps.lasts(texts, step_ms) if step_ms else texts
        return
    pages: Iterator[tuple[Times, NDArray[np.float64]]] = (
        page for page in store.pages(series.id, start_ms, end_ms, size=size) if page[0].size
    )
    if step_ms and series.kind == "number":
        pages = steps.means(pages, step_ms)
    written = ((times, style.numbers(values)) for times, values in pages)
    yield from steps.lasts(written, step_ms) if step_ms and series.kind == "state" else written


def _text_pages(
    texts: Callable[[int, int, int, int], list[tuple[int, str]]],
    series_id: int,
    start_ms: int,
    end_ms: int,
    size: int,
) -> Iterator[Page]:
    while rows := texts(series_id, start_ms, end_ms, size):
        yield np.array([ms for ms, _ in rows], np.int64), [text_cell(text) for _, text in rows]
        start_ms = rows[-1][0] + 1
