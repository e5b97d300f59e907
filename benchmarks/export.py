"""Measures exports: rows a second, the first byte, memory, and what others feel meanwhile.

    .venv/bin/python benchmarks/export.py [--millions 10] [--database URL]

One sensor at 1 Hz; its history is sealed, the newest 300,000 readings are hot.  The same hot rows
are written by a plain cursor and the csv module as well, for comparison.
"""

import argparse
import csv
import io
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import create_engine  # noqa: E402

from auth.watch import Proof  # noqa: E402
from benchmarks.charts import walk  # noqa: E402
from benchmarks.figures import Figure  # noqa: E402
from db import migrations  # noqa: E402
from db.base import tune  # noqa: E402
from db.telemetry.engines import link_for  # noqa: E402
from db.telemetry.records import Batch, Series  # noqa: E402
from db.telemetry.sealing import put  # noqa: E402
from db.telemetry.store import TelemetryStore  # noqa: E402
from devices import export, parquet  # noqa: E402
from devices.downloads import Downloads, Reader  # noqa: E402
from devices.export import Column  # noqa: E402
from devices.reading_pages import Extent  # noqa: E402

HOT = 300_000  # readings
END_MS = 1_795_000_000_000
BATCH = 20_000
PROBES = 300
PROBE_MS = 300_000  # what a live page asks for: the last five minutes


def fill(store: TelemetryStore, series: Series, n: int) -> None:
    """Store the walk, all but the newest readings as chunks."""
    for t, v in walk(n - HOT, END_MS - HOT * 1000):
        with store.engine.connect() as plain:
            connection = plain.execution_options(immediate=True)
            with connection.begin():
                put(link_for(store.engine)(connection), series.id, t, v)
    for t, v in walk(HOT, END_MS):
        rows = list(zip([series.id] * HOT, t.tolist(), v.tolist(), strict=True))
        for start in range(0, HOT, BATCH):
            store.write(Batch(values=rows[start : start + BATCH]))


def plain_csv(store: TelemetryStore) -> Iterator[bytes]:
    """Write the hot rows as any script would: a cursor and the csv module."""
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT ts, value FROM reading ORDER BY series_id, ts")
        while some := rows.fetchmany(BATCH):
            page = io.StringIO()
            csv.writer(page).writerows(some)
            yield page.getvalue().encode()


class Watched:
    """The most memory that the process has while something runs, above what it had before."""

    def __enter__(self) -> "Watched":
        self._process = psutil.Process()
        self._before = self._most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.rise_mb = (self._most - self._before) / 1e6

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, self._process.memory_info().rss)


def measure(
    name: str, rows: int, make: Callable[[], Iterator[bytes]], at_least: float | None = None
) -> Iterator[Figure]:
    """Yield how one export runs."""
    with Watched() as watched:
        began, cpu = time.perf_counter(), time.process_time()
        parts = make()
        size = len(next(parts)) + len(next(parts))  # the head, and the first rows
        first_ms = (time.perf_counter() - began) * 1000
        size += sum(map(len, parts))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    note = f"{rows / wall:,.0f} by the clock, {size / rows:.1f} bytes a row"
    yield Figure(f"{name}, of processor time", rows / cpu, "rows/s", at_least=at_least, note=note)
    if at_least:
        yield Figure(f"{name}: first byte", first_ms, "ms", at_most=50)
        yield Figure(f"{name}: rise of memory", watched.rise_mb, "MB", at_most=40)


def probe(store: TelemetryStore, series: Series) -> tuple[float, float]:
    """Return median and 95th percentile of what a live page asks, in milliseconds."""
    took = []
    for _ in range(PROBES):
        began = time.perf_counter()
        store.chart(series.id, END_MS - PROBE_MS, END_MS, 500)
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    took.sort()
    return statistics.median(took), took[int(0.95 * PROBES)]


def meanwhile(store: TelemetryStore, series: Series, make: Callable[[], Iterator[bytes]]) -> Figure:
    """Return how much longer a live page waits with an export in the same process."""
    quiet, over = probe(store, series), threading.Event()
    reader = Reader("benchmark", Proof("session", 0), lambda: None)

    def run() -> None:
        while not over.is_set():
            for _ in Downloads().begin(reader, [], make()):
                if over.is_set():
                    return

    thread = threading.Thread(target=run)
    thread.start()
    beside = probe(store, series)
    over.set()
    thread.join()
    note = f"p95 {quiet[1]:.1f} ms quiet, {beside[1]:.1f} ms beside it"
    return Figure("live page beside an export", beside[1] / quiet[1], "×", at_most=2, note=note)


def figures(millions: float = 10, database: str = "") -> Iterator[Figure]:
    """Fill a store and yield what was measured in it."""
    sys.setswitchinterval(0.001)  # as the server has it
    n = max(int(millions * 1e6), 2 * HOT)
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(database or f"sqlite:///{folder}/telemetry.sqlite")
        tune(engine)
        migrations.upgrade("telemetry", engine)
        store = TelemetryStore(engine)
        series = store.add_series(1, "temperature", "number", "°C")
        fill(store, series, n)
        columns = [Column("House", series)]
        every, hot = Extent(0, END_MS), Extent(END_MS - HOT * 1000, END_MS)

        def long() -> Iterator[bytes]:
            return export.csv_rows(store, columns, every)

        def wide() -> Iterator[bytes]:
            return export.csv_rows(store, columns, every, "wide")

        yield from measure("plain cursor and csv, fresh rows", HOT, lambda: plain_csv(store))
        yield from measure("CSV, fresh rows", HOT, lambda: export.csv_rows(store, columns, hot))
        yield from measure("CSV", n, long, 1_000_000)
        yield from measure("CSV, wide", n, wide)
        yield from measure("CSV, gzip", n, lambda: export.gzipped(long()))
        yield from measure("Parquet", n, lambda: parquet.parts(store, columns, every))
        yield meanwhile(store, series, long)
        store.close()
        engine.dispose()


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=10)
    parser.add_argument("--database", default="", help="an empty one, instead of SQLite")
    given = parser.parse_args()
    for figure in figures(given.millions, given.database):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
