"""Reads the readings of one series over time, hot and sealed alike: as arrays and as charts."""

from typing import NamedTuple

import numpy as np

from db.telemetry import buckets
from db.telemetry.buckets import MAX_POINTS, PART, Parts
from db.telemetry.chunks import FULL, PART_READINGS, decode, unpack_summaries
from db.telemetry.engines import Link
from db.telemetry.records import Chart, Floats, Span, Times
from db.telemetry.sealing import ERA_MS, ROW, Run, merged

SUMS = "MIN(t0), MAX(t1), SUM(n), MIN(vmin), MAX(vmax), SUM(vsum)"  # of chunks, as a PART
HOT = "FROM reading WHERE series_id = ? AND ts >= ? AND ts < ?"
# chunks do not overlap, so the first one that matters is the last that begins before the start
SEALED = """FROM chunk WHERE series_id = ? AND t0 < ? AND t1 >= ? AND t0 >= COALESCE(
    (SELECT t0 FROM chunk WHERE series_id = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1), 0)"""

ENDS = np.dtype([("t0", np.int64), ("t1", np.int64)])  # of chunks

MOST_APART = 100  # eras that are read chunk by chunk; with more, all are
FEW_STEPS = 32
BURSTS = 4  # so many readings a point are read one by one if most buckets were empty
SAMPLE = 16  # chunks that tell how dense a series is; more than a chart shows one by one


class Sealed(NamedTuple):
    """What the first chunks of a span amount to, as a sample of all."""

    chunks: int  # at most SAMPLE
    n: int  # readings
    busy_ms: int  # the time that they cover
    until: int  # the last reading of all chunks of the span; -1: no chunks


def window(link: Link, span: Span, limit: int | None = None) -> Run:
    """Return the readings of a span, oldest first, at most `limit`.

    With a limit there may be fewer, but there is at least one if the span has any.
    """
    runs, end = _unpacked(link, span, limit)
    hot = _hot(link, span._replace(end_ms=end), limit)
    if limit is not None and len(hot[0]) == limit:
        end = int(hot[0][-1]) + 1
    t, v = merged([*runs, hot])
    inside = slice(*np.searchsorted(t, [span.start_ms, end]))
    return t[inside][:limit], v[inside][:limit]


def before(link: Link, series_id: int, ms: int) -> tuple[int, float] | None:
    """Return the last reading before a time, or None if there is none or it is not known now."""
    starts = (
        link.rows("SELECT MAX(ts) FROM reading WHERE series_id = ? AND ts < ?", *(series_id, ms)),
        link.rows("SELECT MAX(t0) FROM chunk WHERE series_id = ? AND t0 < ?", *(series_id, ms)),
    )
    known = [rows[0][0] for rows in starts if rows[0][0] is not None]
    if not known:
        return None
    t, v = window(link, Span(series_id, max(known), ms))
    return (int(t[-1]), float(v[-1])) if len(t) else _summed_up(link, series_id, ms)


def _summed_up(link: Link, series_id: int, ms: int) -> tuple[int, float] | None:
    """Return the last reading before a time from what sums it up, if that leaves no doubt."""
    ((packed,),) = link.rows(
        "SELECT summary FROM chunk WHERE series_id = ? AND t0 < ? ORDER BY t0 DESC LIMIT 1",
        *(series_id, ms),
    )
    parts = unpack_summaries(bytes(packed))
    last = int(np.searchsorted(parts.first, ms)) - 1
    alike = parts.low[last] == parts.high[last] and parts.last[last] < ms
    return (int(parts.last[last]), float(parts.low[last])) if alike else None


def values_at(link: Link, series_id: int, times: Times) -> Floats:
    """Return the readings at exactly these times, NaN where none is left."""
    found = np.full(len(times), np.nan)
    if not len(times):
        return found
    span = Span(series_id, int(times.min()), int(times.max()) + 1)
    chunks = link.arrays(ENDS, f"SELECT t0, t1 {SEALED} AND body IS NOT NULL", *_which(span))
    chunks.sort(order="t0")
    place = np.searchsorted(chunks["t0"], times, side="right") - 1
    near = chunks[np.unique(place[place >= 0])]
    bodies = link.rows(
        f"SELECT body FROM chunk WHERE series_id = ? AND t0 {link.among}",
        *(series_id, link.ids(near["t0"].tolist())),
    )
    hot = f"SELECT ts, value FROM reading WHERE series_id = ? AND ts {link.among} ORDER BY ts"
    late = link.arrays(ROW, hot, series_id, link.ids(times.tolist()))
    for t, v in [*(decode(bytes(body)) for (body,) in bodies), (late["t"], late["v"])]:
        at = np.minimum(np.searchsorted(t, times), len(t) - 1)
        same = t[at] == times if len(t) else np.zeros(len(times), bool)
        found[same] = v[at[same]]
    return found


def chart(link: Link, span: Span, points: int) -> Chart:
    """Return the readings of a span in at most `points` rows (1 to 2,000), and its gaps.

    Of forgotten readings, what sums them up is shown as a whole where the span cuts it.
    """
    points = min(max(points, 1), MAX_POINTS)
    sealed = _sealed(link, span)
    fresh = span._replace(start_ms=max(span.start_ms, sealed.until + 1))
    newest = _hot(link, fresh, points + 1)
    few = len(newest[0]) <= points and sealed.n <= points + 2 * FULL
    if few and not _forgotten(link, span):
        t, v = window(link, span)
        if len(t) <= points:
            return buckets.chart(Parts.of(t, v), 0, points)
    width = buckets.width_for(span.start_ms, span.end_ms, points)
    parts = [_hot_parts(link, fresh, width) if len(newest[0]) > points else Parts.of(*newest)]
    if sealed.chunks:
        parts += _sealed_parts(link, span, sealed, width)
    drawn = buckets.chart(Parts.join(parts), width, points)
    count = int(drawn.count.sum())
    if 2 * np.count_nonzero(drawn.count) > points or count > BURSTS * points:
        return drawn
    t, v = window(link, span)
    if len(t) != count:  # of some only what sums them up is left
        return drawn
    return buckets.chart(Parts.of(t, v), buckets.finer(t, width, points), points)


def _hot(link: Link, span: Span, limit: int | None = None) -> Run:
    most = "" if limit is None else f" LIMIT {limit:d}"
    rows = link.arrays(ROW, f"SELECT ts, value {HOT} ORDER BY ts{most}", *span)
    return rows["t"].copy(), rows["v"].copy()


def _hot_parts(link: Link, span: Span, width: int) -> Parts:
    """Return the hot readings of a span, of which there are some, in steps of `width`.

    A few steps are asked for one by one: SQLite would sort all readings to group them.
    """
    sums = f"SELECT MIN(ts), MAX(ts), COUNT(*), MIN(value), MAX(value), SUM(value) {HOT}"
    ends = f"SELECT (SELECT MIN(ts) {HOT}), (SELECT MAX(ts) {HOT})"
    ((first, last),) = link.rows(ends, *span, *span)
    steps = range(first // width, last // width + 1)
    if len(steps) > FEW_STEPS:
        rows = link.arrays(PART, f"{sums} GROUP BY ts / {width:d} ORDER BY 1", *span)
        return Parts.from_rows(rows)
    found = []
    for step in steps:
        start, end = max(span.start_ms, step * width), min(span.end_ms, (step + 1) * width)
        found += [row for row in link.rows(sums, span.series_id, start, end) if row[2]]
    return Parts.from_rows(np.array(found, PART))


def _which(span: Span) -> tuple[int, ...]:
    """Return the parameters of SEALED."""
    return (span.series_id, span.end_ms, span.start_ms, span.series_id, span.start_ms)


def _sealed(link: Link, span: Span) -> Sealed:
    rows = link.rows(f"SELECT n, t1 - t0 {SEALED} ORDER BY t0 LIMIT {SAMPLE}", *_which(span))
    if not rows:
        return Sealed(0, 0, 0, -1)
    last = f"SELECT t1 {SEALED} ORDER BY t0 DESC LIMIT 1"
    ((until,),) = link.rows(last, *_which(span))
    return Sealed(len(rows), sum(n for n, _ in rows), sum(busy for _, busy in rows), until)


def _forgotten(link: Link, span: Span) -> bool:
    """Return whether of some readings only what sums them up is left."""
    return bool(link.rows(f"SELECT 1 {SEALED} AND body IS NULL LIMIT 1", *_which(span)))


def _unpacked(link: Link, span: Span, limit: int | None) -> tuple[list[Run], int]:
    """Return the readings of chunks, and up to when they are complete."""
    most = "" if limit is None else f" LIMIT {limit // FULL + 2:d}"
    rows = link.rows(
        f"SELECT t1, body {SEALED} AND body IS NOT NULL ORDER BY t0{most}", *_which(span)
    )
    cut = limit is not None and len(rows) == limit // FULL + 2
    end = min(span.end_ms, rows[-1][0] + 1) if cut else span.end_ms
    return [decode(bytes(body)) for _, body in rows], end


def _sealed_parts(link: Link, span: Span, sealed: Sealed, width: int) -> list[Parts]:
    """Return the readings up to the last chunk's, summed up no coarser than `width` asks for.

    Chunks that the span cuts, and those that late readings fall into, are unpacked; of the
    others, whole chunks, their summaries or their readings are taken, as the width demands.
    """
    span = span._replace(end_ms=min(span.end_ms, sealed.until + 1))
    late = _hot(link, span)
    special = _cut(link, span) | _touched(link, span, late[0])
    parts, rest = _special_parts(link, span, special, late)
    parts.append(Parts.of(*rest))
    others = f"{SEALED} AND NOT (t0 {link.among})"
    which = (*_which(span), link.ids(special))
    apart = _apart(span, special, late[0])
    if width >= ERA_MS and sealed.busy_ms < sealed.chunks * ERA_MS and len(apart) <= MOST_APART:
        parts += _by_eras(link, span, special, apart)
    elif width * sealed.chunks >= sealed.busy_ms:
        sums = f"SELECT {SUMS} {others} GROUP BY t0 / {width:d} ORDER BY 1"
        parts.append(Parts.from_rows(link.arrays(PART, sums, *which)))
    elif width * sealed.n >= sealed.busy_ms * PART_READINGS:
        rows = link.rows(f"SELECT summary {others} ORDER BY t0", *which)
        parts.append(unpack_summaries(b"".join(bytes(summary) for (summary,) in rows)))
    else:
        rows = link.rows(f"SELECT summary, body {others} ORDER BY t0", *which)
        parts += [_finest(summary, body) for summary, body in rows]
    return parts


def _apart(span: Span, special: set[int], late: Times) -> set[int]:
    """Return the eras whose sums cannot be used: cut, or with late readings in or between chunks.

    A sum must stand for readings that follow each other.
    """
    ends = {span.start_ms // ERA_MS, span.end_ms // ERA_MS}
    return ends | {t0 // ERA_MS for t0 in special} | set(np.unique(late // ERA_MS).tolist())


def _by_eras(link: Link, span: Span, special: set[int], apart: set[int]) -> list[Parts]:
    """Return the chunks of a span that are not special: by their sums, or one by one."""
    ends = span.start_ms // ERA_MS, span.end_ms // ERA_MS
    sums = "SELECT t0, t1, n, vmin, vmax, vsum FROM era WHERE series_id = ? AND number > ?"
    sums += " AND number < ?"
    which: list[object] = [span.series_id, *ends]
    if between := apart.difference(ends):  # seldom; to ask of each row would take a fifth longer
        sums += f" AND NOT (number {link.among})"
        which.append(link.ids(between))
    parts = [link.arrays(PART, f"{sums} ORDER BY number", *which)]
    ones = f"""SELECT t0, t1, n, vmin, vmax, vsum FROM chunk
        WHERE series_id = ? AND t0 >= ? AND t0 < ? AND NOT (t0 {link.among})"""
    for number in apart:
        start = max(span.start_ms, number * ERA_MS)
        end = min(span.end_ms, (number + 1) * ERA_MS)
        parts.append(link.arrays(PART, ones, span.series_id, start, end, link.ids(special)))
    return [Parts.from_rows(rows) for rows in parts]


def _cut(link: Link, span: Span) -> set[int]:
    """Return the chunks, by first reading, that only partly lie in a span."""
    found = set()
    for moment in (span.start_ms, span.end_ms):
        sql = "SELECT t0, t1 FROM chunk WHERE series_id = ? AND t0 < ? ORDER BY t0 DESC LIMIT 1"
        found |= {t0 for t0, t1 in link.rows(sql, span.series_id, moment) if t1 >= moment}
    return found


def _touched(link: Link, span: Span, late: Times) -> set[int]:
    """Return the chunks, by first reading, that late readings fall into."""
    if not len(late):
        return set()
    near = span._replace(start_ms=int(late[0]), end_ms=int(late[-1]) + 1)
    found = set()
    for t0, t1 in link.rows(f"SELECT t0, t1 {SEALED} ORDER BY t0", *_which(near)):
        start, end = np.searchsorted(late, [t0, t1 + 1])
        if end > start:
            found.add(t0)
    return found


def _special_parts(link: Link, span: Span, special: set[int], late: Run) -> tuple[list[Parts], Run]:
    """Return these chunks together with the late readings in them, and the other late readings."""
    rows = link.rows(
        f"SELECT t0, t1, summary, body FROM chunk WHERE series_id = ? AND t0 {link.among}",
        *(span.series_id, link.ids(special)),
    )
    loose = np.ones(len(late[0]), bool)
    parts = []
    for t0, t1, summary, body in rows:
        if body is None:
            whole = unpack_summaries(bytes(summary))
            parts.append(whole.touching(span.start_ms, span.end_ms))
            continue
        inside = (late[0] >= t0) & (late[0] <= t1)
        loose &= ~inside
        t, v = merged([decode(bytes(body)), (late[0][inside], late[1][inside])])
        part = slice(*np.searchsorted(t, [span.start_ms, span.end_ms]))
        parts.append(Parts.of(t[part], v[part]))
    return parts, (late[0][loose], late[1][loose])


def _finest(summary: bytes, body: bytes | None) -> Parts:
    return unpack_summaries(bytes(summary)) if body is None else Parts.of(*decode(bytes(body)))
