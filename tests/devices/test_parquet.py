"""Parquet: read again by another reader's eyes, value for value what was stored."""

import io
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile, read_table

import db.base
from db.telemetry.records import Batch, Series
from db.telemetry.store import TelemetryStore
from devices import parquet
from devices.export import Column
from devices.reading_pages import Extent
from tests.devices.test_export import FOREVER, T0, Endless, numbers


@pytest.fixture
def store(context):
    made = TelemetryStore(db.base.telemetry_engine())
    yield made
    made.close()


def read(store, columns, layout="long", step_ms=0) -> pa.Table:
    parts = parquet.parts(store, columns, Extent(T0, FOREVER, step_ms), layout)
    return read_table(io.BytesIO(b"".join(parts)))


@pytest.fixture
def columns(store) -> list[Column]:
    words = store.add_series(1, "words", "text")
    store.write(Batch(texts=[(words.id, T0 + 10, "=open"), (words.id, T0 + 20, "")]))
    return [
        Column("House", numbers(store, "t", {0: 0.1 + 0.2, 10: -5e-324}, unit="°C")),
        Column("House", numbers(store, "door", {10: 1.0, 30: 0.0}, kind="state")),
        Column("House", words),
    ]


def at(ms: int) -> datetime:
    return datetime.fromtimestamp((T0 + ms) / 1000, UTC)


def test_long_is_one_row_a_reading(store, columns):
    table = read(store, columns)

    assert table.schema.field("time").type == pa.timestamp("ms", tz="UTC")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (at(0), "House", "t", 0.1 + 0.2, None, "°C"),
        (at(10), "House", "t", -5e-324, None, "°C"),
        (at(10), "House", "door", 1.0, None, ""),
        (at(30), "House", "door", 0.0, None, ""),
        (at(10), "House", "words", None, "=open", ""),
        (at(20), "House", "words", None, "", ""),
    ]


def test_wide_is_one_row_a_time_with_a_type_a_column(store, columns):
    table = read(store, [*columns, columns[0]], "wide")

    names = ["time", "House / t (°C)", "House / door", "House / words", "House / t (°C) #2"]
    assert table.column_names == names
    assert [tuple(row.values())[:4] for row in table.to_pylist()] == [
        (at(0), 0.1 + 0.2, None, None),
        (at(10), -5e-324, True, "=open"),
        (at(20), None, None, ""),
        (at(30), None, False, None),
    ]


def test_wide_rows_may_stand_on_a_grid(store, columns):
    table = read(store, columns, "wide", step_ms=1000)

    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (at(0), (0.1 + 0.2) / 2, False, ""),
    ]


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_nothing_is_a_file_without_rows(store, layout):
    assert read(store, [], layout).num_rows == 0


def test_groups_follow_each_other_without_a_seam(store, columns, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP", 2)
    document = b"".join(parquet.parts(store, columns, Extent(T0, FOREVER)))

    assert ParquetFile(io.BytesIO(document)).num_row_groups == 3
    assert read_table(io.BytesIO(document)).num_rows == 6


def test_memory_stays_flat_and_a_closed_download_ends():
    endless = Endless()
    series = Series(1, 1, "s", "number")
    parts = parquet.parts(endless, [Column("d", series)], Extent(T0, FOREVER))
    for _ in range(3):
        next(parts)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    sizes = [len(next(parts)) for _ in range(10)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    parts.close()

    assert min(sizes) > 100_000
    assert peak < 16_000_000
    assert pa.total_allocated_bytes() < before + 16_000_000
    assert endless.closed


def test_nobody_pays_for_it_who_does_not_ask():
    code = "import sys, api.export, dashboard.data; sys.exit('pyarrow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
