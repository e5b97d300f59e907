"""Measures the store on a PostgreSQL of its own; time of the clock, as the work is elsewhere.

.venv/bin/python -m benchmarks postgresql
"""

import time
from collections.abc import Iterator

from sqlalchemy import Engine, create_engine

from benchmarks.figures import Figure
from benchmarks.store import END_MS, Bench, Row, batches, figures_of
from db import migrations
from db.telemetry.store import TelemetryStore
from tests.db.cluster import cluster

COPY = "COPY plain (series_id, ts, value) FROM STDIN"
TABLE = """CREATE TABLE plain (series_id bigint, ts bigint, value float8 NOT NULL,
    PRIMARY KEY (series_id, ts))"""


def plainly(engine: Engine, rows: list[Row]) -> float:
    """Write rows with COPY, which does not survive a repeated one; return how many a second."""
    raw = engine.raw_connection()
    cursor = raw.cursor()
    cursor.execute(TABLE)
    raw.commit()
    began = time.perf_counter()
    for some in batches(rows):
        with cursor.copy(COPY) as copy:
            for row in some:
                copy.write_row(row)
        raw.commit()
    rate = len(rows) / (time.perf_counter() - began)
    raw.close()
    return rate


def figures() -> Iterator[Figure]:
    """Yield all figures of PostgreSQL."""
    with cluster("shared_buffers=256MB", "max_wal_size=2GB", "jit=off") as url:
        engine = create_engine(url)
        migrations.upgrade("telemetry", engine)
        store = TelemetryStore(engine)
        store.keep_months(END_MS)
        yield from figures_of(
            Bench(
                store,
                plain=lambda rows: plainly(engine, rows),
                clock=time.perf_counter,
                hot=2,
            )
        )
        store.close()
        engine.dispose()
