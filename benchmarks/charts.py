"""Measures how long a chart takes to be read, from five minutes to five years of a sensor at 1 Hz.

    .venv/bin/python benchmarks/charts.py [--years 5] [--database URL]

Seals the history into a store of its own in a temporary folder first; the last hours are hot.
"""

import argparse
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import Engine, create_engine  # noqa: E402

from benchmarks.figures import Figure, percentile  # noqa: E402
from db import migrations  # noqa: E402
from db.base import tune  # noqa: E402
from db.telemetry.engines import link_for  # noqa: E402
from db.telemetry.records import Batch, Chart, Floats, Times  # noqa: E402
from db.telemetry.sealing import put, sum_up  # noqa: E402
from db.telemetry.store import TelemetryStore  # noqa: E402
from devices.retention import FRESH  # noqa: E402

DAY_MS = 86_400_000
HOT_MS = int(FRESH.total_seconds() * 1000)
BLOCK = 1_000_000  # readings
TRIES = 30
POINTS = 1000
WINDOWS = {
    "5 min": 300_000,
    "1 h": 3_600_000,
    "6 h": 6 * 3_600_000,
    "1 day": DAY_MS,
    "7 days": 7 * DAY_MS,
    "30 days": 30 * DAY_MS,
    "90 days": 90 * DAY_MS,
    "1 year": 365 * DAY_MS,
    "5 years": 5 * 365 * DAY_MS,
}


def walk(n: int, end_ms: int) -> Iterator[tuple[Times, Floats]]:
    """Yield blocks of a random walk with two decimals, one reading a second until `end_ms`."""
    random = np.random.default_rng(1)
    level = 20.0
    for start in range(0, n, BLOCK):
        count = min(BLOCK, n - start)
        values = np.round(level + np.cumsum(random.normal(0, 0.05, count)), 2)
        level = 20 + (float(values[-1]) - 20) * 0.5
        yield end_ms - (n - start) * 1000 + np.arange(count) * 1000, values


def fill(store: TelemetryStore, series_id: int, n: int, end_ms: int) -> None:
    """Store the walk: the last block through the hot rows, as all readings go in life."""
    link_of = link_for(store.engine)
    for t, v in walk(n, end_ms):
        if t[-1] + 1000 < end_ms:
            with store.engine.connect() as plain:
                connection = plain.execution_options(immediate=True)
                with connection.begin():
                    link = link_of(connection)
                    put(link, series_id, t, v)
                    sum_up(link, series_id, int(t[0]), int(t[-1]))
            continue
        rows = zip([series_id] * len(t), t.tolist(), v.tolist(), strict=True)
        store.write(Batch(values=list(rows)))
        store.seal(before_ms=end_ms - HOT_MS, anyway_ms=0)


def body(chart: Chart) -> bytes:
    """Return a chart as the server sends it."""
    shown = {name: getattr(chart, name) for name in ("t", "low", "mean", "high", "count")}
    return orjson.dumps(shown, option=orjson.OPT_SERIALIZE_NUMPY)


def size_of(engine: Engine) -> int:
    """Return the bytes of the database."""
    sql = "SELECT pg_database_size(current_database())"
    if engine.dialect.name == "sqlite":
        sql = "SELECT (page_count - freelist_count) * page_size"
        sql += " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(sql).scalar_one())


def measure(store: TelemetryStore, series_id: int, n: int, end_ms: int) -> Iterator[Figure]:
    """Yield the 95th percentile for random windows of each width, and what it is in bytes."""
    random = np.random.default_rng(2)
    medians, largest, packed = {}, 0, 0
    for name, width in WINDOWS.items():
        room = max(0, n * 1000 - width)
        took, busy = [], []
        for _ in range(TRIES):
            end = end_ms - int(random.random() * room)
            began, cpu = time.perf_counter(), time.process_time()
            sent = body(store.chart(series_id, end - width, end, POINTS))
            took.append((time.perf_counter() - began) * 1000)
            busy.append((time.process_time() - cpu) * 1000)
            largest = max(largest, len(sent))
        packed = max(packed, len(gzip.compress(sent, 6)))
        medians[name] = statistics.median(busy)
        note = (
            f"by the clock: median {statistics.median(took):.1f}, p95 {percentile(took, 0.95):.1f}"
        )
        p95 = percentile(busy, 0.95)
        yield Figure(f"chart of {name}, processor, p95", p95, "ms", at_most=40, note=note)
    growth = medians["5 years"] / medians["1 day"]
    yield Figure("5 years, of what 1 day takes", growth, "×", at_most=2, note="processor time")
    yield Figure("largest chart, as JSON", largest / 1000, "kB", at_most=60)
    yield Figure("largest chart, compressed", packed / 1000, "kB", at_most=20)


def figures(years: float = 5, database: str = "") -> Iterator[Figure]:
    """Fill a store and yield what was measured in it."""
    n, end_ms = int(years * 365 * 86_400), 1_795_000_000_000
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(database or f"sqlite:///{folder}/telemetry.sqlite")
        tune(engine)
        migrations.upgrade("telemetry", engine)
        store = TelemetryStore(engine)
        series_id = store.add_series(1, "temperature", "number").id
        fill(store, series_id, n, end_ms)
        size = size_of(engine) / n
        yield Figure("sealed reading, two decimals, on disk", size, "bytes", at_most=2)
        yield from measure(store, series_id, n, end_ms)
        store.close()
        engine.dispose()


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=5)
    parser.add_argument("--database", default="", help="an empty one, instead of SQLite")
    given = parser.parse_args()
    for figure in figures(given.years, given.database):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
