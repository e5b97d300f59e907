"""Measures the store on SQLite: writing, sealing, newest values, bytes, growth, backup.

    .venv/bin/python -m benchmarks store

Where everything happens in this process, rates are of processor time, so that other work on the
machine does not count; the same rows go through the plain driver in the same run.
"""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine

from benchmarks.charts import size_of, walk
from benchmarks.figures import Figure, percentile
from db import backup, migrations
from db.base import tune
from db.telemetry.engines import link_for
from db.telemetry.records import Batch
from db.telemetry.sealing import put
from db.telemetry.store import CHECKPOINT, TelemetryStore

Row = tuple[int, int, float]
Clock = Callable[[], float]

SENSORS = 1000
BATCH = 2000  # as the writer has it
END_MS = 1_795_000_000_000
WRITTEN = 400_000
SEALED = 600_000
TRIES = 200
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=NORMAL"),
    *("cache_size=-16384", f"wal_autocheckpoint={CHECKPOINT}"),
)
TABLE = """CREATE TABLE reading (series_id INTEGER, ts INTEGER, value REAL NOT NULL,
    PRIMARY KEY (series_id, ts)) WITHOUT ROWID, STRICT"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A store under test.

    Attributes:
        store: empty at first.
        plain: writes rows as the driver does it best, and returns how many a second.
        clock: in seconds; what the engine does for us must count.
        hot: how many readings, in millions, are rows before growth and backup are measured.
    """

    store: TelemetryStore
    plain: Callable[[list[Row]], float]
    clock: Clock
    hot: int


def fleet(ids: list[int], n: int, start_ms: int) -> list[Row]:
    """Return readings of all sensors by turns, one a second each, as a fleet sends them."""
    values = np.round(20 + np.random.default_rng(1).normal(0, 5, n), 2).tolist()
    return [
        (ids[i % len(ids)], start_ms + i // len(ids) * 1000, value)
        for i, value in enumerate(values)
    ]


def batches(rows: list[Row]) -> Iterator[list[Row]]:
    """Cut rows into batches of the writer's size."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def written(bench: Bench, rows: list[Row]) -> float:
    """Write rows through the store; return how many a second."""
    began = bench.clock()
    for some in batches(rows):
        bench.store.write(Batch(values=some))
    return len(rows) / (bench.clock() - began)


def writing(bench: Bench, ids: list[int]) -> Iterator[Figure]:
    """Measure writing, against the plain driver in the same run."""
    rows = fleet(ids, WRITTEN, END_MS)
    plain = bench.plain(rows)
    empty = size_of(bench.store.engine)
    ours = written(bench, rows)
    yield Figure("plain driver, batches of 2,000", plain, "readings/s")
    yield Figure(
        *("store, the same batches", ours, "readings/s"),
        at_least=20_000,
        note=f"{ours / plain:.2f} of the plain driver, newest values included",
    )
    taken = (size_of(bench.store.engine) - empty) / WRITTEN
    at_most = 25 if bench.store.engine.dialect.name == "sqlite" else None
    yield Figure("hot reading on disk", taken, "bytes", at_most=at_most)


def newest(bench: Bench, ids: list[int]) -> Figure:
    """Measure how long the newest values of all sensors take."""
    took = []
    for _ in range(TRIES):
        began = bench.clock()
        bench.store.newest(ids)
        took.append((bench.clock() - began) * 1000)
    return Figure("newest values of 1,000 sensors", percentile(took, 0.5), "ms", at_most=2)


def sealing(bench: Bench) -> Iterator[Figure]:
    """Measure sealing, and how long another write waits for it."""
    store = bench.store
    series_id = store.add_series(SENSORS + 1, "sealed", "number").id
    for t, v in walk(SEALED, END_MS):
        rows = list(zip([series_id] * len(t), t.tolist(), v.tolist(), strict=True))
        for start in range(0, len(rows), 10 * BATCH):
            store.write(Batch(values=rows[start : start + 10 * BATCH]))
    waits: list[float] = []
    with other_writes(store, waits):
        began = bench.clock()
        sealed = store.seal(before_ms=END_MS, anyway_ms=0, series_id=series_id)
        took = bench.clock() - began
    yield Figure("sealing", sealed / took, "readings/s", at_least=500_000)
    note = f"median {percentile(waits, 0.5):.1f} ms, by the clock"
    longest = max(waits)
    yield Figure("longest wait of another write for it", longest, "ms", at_most=50, note=note)


class other_writes:
    """Another thread that writes one reading after the other; notes how long each took, in ms."""

    def __init__(self, store: TelemetryStore, waits: list[float]) -> None:
        self._store, self._waits = store, waits
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._series_id = self._store.add_series(SENSORS + 2, "beside", "number").id
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.005):
            began = time.perf_counter()
            self._store.write(Batch(values=[(self._series_id, END_MS + len(self._waits), 1.0)]))
            self._waits.append((time.perf_counter() - began) * 1000)


def floats(bench: Bench) -> Figure:
    """Measure what sealed numbers of full precision take."""
    store, n = bench.store, 1_000_000
    series_id = store.add_series(SENSORS + 3, "floats", "number").id
    random = np.random.default_rng(3)
    with store._writing() as link:
        put(link, series_id, np.arange(n) * 1000, 20 + np.cumsum(random.normal(0, 0.05, n)))
    taken = store.disk_use([SENSORS + 3])[SENSORS + 3].bytes / n
    return Figure("sealed reading of full precision on disk", taken, "bytes", at_most=7)


def grow(bench: Bench, millions: int) -> None:
    """Fill the store up: some as rows, the others sealed."""
    store = bench.store
    with store._writing() as link:
        for number in range(bench.hot):
            series_id = 10_000 + number
            link.run(
                "INSERT INTO reading (series_id, ts, value)"
                " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)"
                " SELECT ?, 1700000000000 + i * 1000, (i * 37 & 1023) / 10.0 FROM n",
                series_id,
            )
    for number, (t, v) in enumerate(walk((millions - bench.hot) * 1_000_000, END_MS)):
        with store.engine.connect() as plain:
            connection = plain.execution_options(immediate=True)
            with connection.begin():
                put(link_for(store.engine)(connection), 20_000 + number % 100, t, v)


def growth(bench: Bench, ids: list[int]) -> Iterator[Figure]:
    """Measure a backup with ten million readings, and writing with fifty million stored."""
    before = written(bench, fleet(ids, WRITTEN, END_MS + 10**9))
    grow(bench, 50)
    with tempfile.TemporaryDirectory() as folder:
        waits: list[float] = []
        with other_writes(bench.store, waits):
            began, cpu = time.perf_counter(), time.process_time()
            backup.save({"telemetry": bench.store.engine}, Path(folder) / "copy")
            took, busy = time.perf_counter() - began, time.process_time() - cpu
    yield Figure(
        f"backup of 50 M readings ({bench.hot} M as rows) while others write",
        *(took, "s"),
        at_most=5,
        note=f"processor {busy:.1f} s, longest wait of a write {max(waits):.0f} ms",
    )
    after = written(bench, fleet(ids, WRITTEN, END_MS + 2 * 10**9))
    yield Figure(
        "writing with 50 M readings stored, of writing into an almost empty store",
        *(after / before, "×"),
        at_least=0.8,
    )


def figures_of(bench: Bench) -> Iterator[Figure]:
    """Yield all figures of a store."""
    ids = [bench.store.add_series(device, "value", "number").id for device in range(SENSORS)]
    yield from writing(bench, ids)
    yield newest(bench, ids)
    yield from sealing(bench)
    yield floats(bench)
    yield from growth(bench, ids)


def plainly(path: Path, rows: list[Row]) -> float:
    """Write rows with sqlite3 alone; return how many a second."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:  # the store's own, so that the driver is at its best too
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(TABLE)
    began = time.process_time()
    for some in batches(rows):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO reading VALUES (?, ?, ?)", some)
        connection.execute("COMMIT")
    rate = len(rows) / (time.process_time() - began)
    connection.close()
    return rate


def figures() -> Iterator[Figure]:
    """Yield all figures of SQLite."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = create_engine(f"sqlite:///{folder / 'telemetry.sqlite'}")
        tune(engine)
        migrations.upgrade("telemetry", engine)
        store = TelemetryStore(engine)
        yield from figures_of(
            Bench(
                store,
                plain=lambda rows: plainly(folder / "plain.sqlite", rows),
                clock=time.process_time,
                hot=10,
            )
        )
        store.close()
        engine.dispose()
