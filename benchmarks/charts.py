"""Measures how long a chart takes to be read, from five minutes to five years of a sensor at 1 Hz.

    .venv/bin/python benchmarks/charts.py [--years 5] [--database URL]

Seals the history into a store of its own in a temporary folder first; the last six hours are hot.
"""

import argparse
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

from db import migrations  # noqa: E402
from db.base import tune  # noqa: E402
from db.telemetry.engines import link_for  # noqa: E402
from db.telemetry.records import Batch, Chart, Floats, Times  # noqa: E402
from db.telemetry.sealing import put, sum_up  # noqa: E402
from db.telemetry.store import TelemetryStore  # noqa: E402

DAY_MS = 86_400_000
HOT_MS = 6 * 3_600_000
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


def fill(store: TelemetryStore, series_id: int, n: int, end_ms: int) -> float:
    """Store the walk; return how many readings a second were sealed.

    Only the last block goes through the hot rows, as all readings do in life.
    """
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
        began = time.perf_counter()
        sealed = store.seal(before_ms=end_ms - HOT_MS, anyway_ms=0)
        return sealed / (time.perf_counter() - began)
    return 0.0


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


def measure(store: TelemetryStore, series_id: int, n: int, end_ms: int) -> None:
    """Print median, 95th percentile and size for random windows of each width."""
    random = np.random.default_rng(2)
    print("window | median ms | p95 ms | rows | bytes")
    for name, width in WINDOWS.items():
        room = max(0, n * 1000 - width)
        took, sent, rows = [], 0, 0
        for _ in range(TRIES):
            end = end_ms - int(random.random() * room)
            began = time.perf_counter()
            chart = store.chart(series_id, end - width, end, POINTS)
            sent = len(body(chart))
            took.append((time.perf_counter() - began) * 1000)
            rows = len(chart.t)
        took.sort()
        p95 = took[int(0.95 * TRIES)]
        print(f"{name} | {statistics.median(took):.1f} | {p95:.1f} | {rows} | {sent}")


def main() -> None:
    """Fill a store and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=5)
    parser.add_argument("--database", default="", help="an empty one, instead of SQLite")
    given = parser.parse_args()
    n, end_ms = int(given.years * 365 * 86_400), 1_795_000_000_000
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(given.database or f"sqlite:///{folder}/telemetry.sqlite")
        tune(engine)
        migrations.upgrade("telemetry", engine)
        store = TelemetryStore(engine)
        series_id = store.add_series(1, "temperature", "number").id
        rate = fill(store, series_id, n, end_ms)
        print(f"{n} readings, {size_of(engine) / n:.2f} bytes each")
        print(f"sealed {rate:,.0f} readings/s")
        measure(store, series_id, n, end_ms)
        store.close()
        engine.dispose()


if __name__ == "__main__":
    main()
