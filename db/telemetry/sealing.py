"""Packs readings that are old enough into chunks, and forgets what is too old.

Each step is one short transaction that takes readings out of the hot table and puts them into
chunks, so a crash at any moment leaves every reading in exactly one of the two.  Readings that
came late are merged with the chunks they fall into; of two at one time, the later word stays.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from db.telemetry.chunks import FULL, decode, encode, pack_summary, summary
from db.telemetry.engines import Link
from db.telemetry.records import Floats, Times
from db.telemetry.writing import note_replaced

SLICE = 3 * FULL  # readings a step: no other write waits long for it
ERA_MS = 2**25  # 9.3 hours
DAY_MS = 86_400_000
CHUNK_BYTES = 150  # of a chunk besides summary and body: key, sums, indexes; as measured
DUE = """SELECT ts, value FROM reading WHERE series_id = ? AND ts >= ? AND ts < ?
    ORDER BY ts LIMIT ?"""
NEIGHBOUR = "t0, t1, n, LENGTH(summary), body"
ROW = np.dtype([("t", np.int64), ("v", np.float64)])
CHUNK = {
    "series_id": "bigint",
    "t0": "bigint",
    "t1": "bigint",
    "n": "integer",
    "vmin": "float8",
    "vmax": "float8",
    "vsum": "float8",
    "summary": "bytea",
    "body": "bytea",
}


Run = tuple[Times, Floats]


class Due(NamedTuple):
    """Which readings of a series may be packed: those before `before_ms`.

    Fewer than a full chunk stay hot, unless some are from before `anyway_ms`.
    """

    series_id: int
    before_ms: int
    anyway_ms: int
    since_ms: int = 0  # what is before is packed: PostgreSQL would walk over what it left behind

    def most(self, limit: int) -> tuple[int, int, int, int]:
        """Return the parameters of DUE for at most so many readings."""
        return self.series_id, self.since_ms, self.before_ms, limit


def seal(link: Link, due: Due) -> tuple[int, Due | None]:
    """Pack the oldest readings that are due; return how many, and what may be due still.

    All that this transaction reads must be of one moment: what others write between the look at
    the readings and their deletion must not go with them.
    """
    link.never_sort()
    ((count, first),) = link.rows(f"SELECT COUNT(*), MIN(ts) FROM ({DUE}) AS due", *due.most(FULL))
    if not count:
        return 0, None
    anyway = first <= _sealed_until(link, due.series_id) or first < due.anyway_ms
    if count < FULL and not anyway:
        return 0, None
    hot = link.arrays(ROW, DUE, *due.most(link.slices * SLICE))
    if not anyway:
        hot = hot[: len(hot) // FULL * FULL]
    last = int(hot["t"][-1])
    link.run(
        "DELETE FROM reading WHERE series_id = ? AND ts >= ? AND ts <= ?",
        *(due.series_id, first, last),
    )
    t, v = _with_neighbours(link, due.series_id, hot["t"], hot["v"])
    put(link, due.series_id, t, v)
    if len(t):
        sum_up(link, due.series_id, int(t[0]), int(t[-1]))
    return len(hot), due._replace(since_ms=last + 1)


def cut(link: Link, due: Due) -> None:
    """Make two chunks of the one with readings before `due.before_ms` and others from then on.

    A chunk of a slow sensor holds months.  Nothing is done unless some of it is from before
    `due.anyway_ms`.
    """
    series_id, before_ms, anyway_ms, _ = due
    for t0, t1, _, length, body in link.rows(
        f"SELECT {NEIGHBOUR} FROM chunk WHERE series_id = ? AND t0 < ? ORDER BY t0 DESC LIMIT 1",
        *(series_id, anyway_ms),
    ):
        if body is None or t1 < before_ms:
            return
        t, v = decode(bytes(body))
        at = int(np.searchsorted(t, before_ms))
        _take_out(link, series_id, t0, length + len(body))
        put(link, series_id, t[:at], v[:at])
        put(link, series_id, t[at:], v[at:])
        sum_up(link, series_id, t0, t1)


def drop_bodies(link: Link, series_id: int, before_ms: int, most: int) -> int:
    """Forget the readings of whole chunks before a time, and keep what sums them up.

    Returns how many chunks, at most `most`.
    """
    rows = link.rows(
        "SELECT t0, LENGTH(body) FROM chunk"
        " WHERE series_id = ? AND t1 < ? AND body IS NOT NULL ORDER BY t0 LIMIT ?",
        *(series_id, before_ms, most),
    )
    if rows:
        link.run(
            f"UPDATE chunk SET body = NULL WHERE series_id = ? AND t0 {link.among}",
            *(series_id, link.ids(t0 for t0, _ in rows)),
        )
        _weigh(link, series_id, -sum(length for _, length in rows))
    return len(rows)


def _weigh(link: Link, series_id: int, grown: int) -> None:
    """Note that the chunks of a series have grown by so many bytes."""
    link.run("UPDATE series SET sealed_bytes = sealed_bytes + ? WHERE id = ?", *(grown, series_id))


def _take_out(link: Link, series_id: int, t0: int, length: int) -> None:
    """Delete a chunk whose summary and body have so many bytes."""
    link.run("DELETE FROM chunk WHERE series_id = ? AND t0 = ?", series_id, t0)
    _weigh(link, series_id, -(CHUNK_BYTES + length))


def _sealed_until(link: Link, series_id: int) -> int:
    rows = link.rows("SELECT t1 FROM chunk WHERE series_id = ? ORDER BY t0 DESC LIMIT 1", series_id)
    return rows[0][0] if rows else -1


def _with_neighbours(link: Link, series_id: int, t: Times, v: Floats) -> Run:
    """Take the chunks out that these readings fall into, or that still have room; merge them.

    What falls where readings were forgotten already is forgotten too.
    """
    first, last = int(t[0]), int(t[-1])
    before = link.rows(
        f"SELECT {NEIGHBOUR} FROM chunk WHERE series_id = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1",
        *(series_id, first),
    )
    within = link.rows(
        f"SELECT {NEIGHBOUR} FROM chunk WHERE series_id = ? AND t0 > ? AND t0 <= ? ORDER BY t0",
        *(series_id, first, last),
    )
    near = [row for row in before if row[1] >= first or row[2] < FULL] + list(within)
    keep = np.ones(len(t), bool)
    packed = []
    for t0, t1, _, length, body in near:
        if body is None:
            keep &= (t < t0) | (t > t1)
            continue
        packed.append(decode(bytes(body)))
        _take_out(link, series_id, t0, length + len(body))
    t, v = t[keep], v[keep]
    if packed:
        note_replaced(link, Counter({series_id: _changed(merged(packed), (t, v))}))
    return merged([*packed, (t, v)])


def _changed(old: Run, new: Run) -> int:
    """Return at how many times two runs say different things."""
    at = np.minimum(np.searchsorted(old[0], new[0]), len(old[0]) - 1)
    return int(((old[0][at] == new[0]) & (old[1][at] != new[1])).sum())


def merged(runs: list[Run]) -> Run:
    """Return readings in order of time; of two at one time, that of the later run."""
    t = np.concatenate([run[0] for run in runs])
    v = np.concatenate([run[1] for run in runs])
    if len(runs) == 1:
        return t, v
    order = np.argsort(t, kind="stable")
    t, v = t[order], v[order]
    last = np.append(t[1:] != t[:-1], True)[: len(t)]
    return t[last], v[last]


def put(link: Link, series_id: int, t: Times, v: Floats) -> None:
    """Store readings in order of time as chunks, where there are none yet."""
    rows = []
    for start in range(0, len(t), FULL):
        times, values = t[start : start + FULL], v[start : start + FULL]
        rows.append(
            (
                *(series_id, int(times[0]), int(times[-1]), len(times)),
                *(float(values.min()), float(values.max()), float(values.sum())),
                *(pack_summary(summary(times, values)), encode(times, values)),
            )
        )
    if rows:
        link.insert("chunk", CHUNK, rows, "")
        _weigh(link, series_id, sum(CHUNK_BYTES + len(row[-2]) + len(row[-1]) for row in rows))


def sum_up(link: Link, series_id: int, first: int, last: int) -> None:
    """Sum up anew the chunks that begin in the eras from one reading to another."""
    numbers = first // ERA_MS, last // ERA_MS
    link.run("DELETE FROM era WHERE series_id = ? AND number BETWEEN ? AND ?", series_id, *numbers)
    link.run(
        "INSERT INTO era (series_id, number, t0, t1, n, vmin, vmax, vsum)"
        f" SELECT series_id, t0 / {ERA_MS}, MIN(t0), MAX(t1), SUM(n), MIN(vmin), MAX(vmax),"
        " SUM(vsum) FROM chunk WHERE series_id = ? AND t0 >= ? AND t0 < ?"
        f" GROUP BY series_id, t0 / {ERA_MS}",
        *(series_id, numbers[0] * ERA_MS, (numbers[1] + 1) * ERA_MS),
    )
