"""Reads the readings of one series over time: as arrays, in pages, and as charts."""

import numpy as np

from db.telemetry import buckets
from db.telemetry.buckets import MAX_POINTS, Parts
from db.telemetry.engines import Link
from db.telemetry.records import Chart, Floats, Span, Times

ROW = np.dtype([("t", np.int64), ("v", np.float64)])
PART = np.dtype(
    [
        ("first", np.int64),
        ("last", np.int64),
        ("n", np.int64),
        ("low", np.float64),
        ("high", np.float64),
        ("total", np.float64),
    ]
)
WITHIN = "FROM reading WHERE series_id = ? AND ts >= ? AND ts < ?"


def window(link: Link, span: Span, limit: int | None = None) -> tuple[Times, Floats]:
    """Return the readings of a span, oldest first, at most `limit`."""
    most = "" if limit is None else f" LIMIT {limit:d}"
    rows = link.arrays(ROW, f"SELECT ts, value {WITHIN} ORDER BY ts{most}", *span)
    return rows["t"].copy(), rows["v"].copy()


def chart(link: Link, span: Span, points: int) -> Chart:
    """Return the readings of a span in at most `points` rows (1 to 2,000)."""
    points = min(max(points, 1), MAX_POINTS)
    t, v = window(link, span, points + 1)
    if len(t) <= points:
        return buckets.chart(Parts.of(t, v), 0, points)
    width = buckets.width_for(span.start_ms, span.end_ms, points)
    rows = link.arrays(
        PART,
        "SELECT MIN(ts), MAX(ts), COUNT(*), MIN(value), MAX(value), SUM(value)"
        f" {WITHIN} GROUP BY ts / {width:d} ORDER BY 1",
        *span,
    )
    return buckets.chart(Parts(*(rows[name].copy() for name in PART.names or ())), width, points)
