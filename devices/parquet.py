"""Parquet of any range, as a stream of row groups, for programs that analyse.

    long   time, device, sensor, value, text, unit   one row a reading, one sensor after the other
    wide   time, "device / sensor (unit)", ...        one row a time, one column a sensor

Times are UTC timestamps in milliseconds.  Long: `value` is a double, null of texts; a state is
1.0 or 0.0, where CSV has on or off.  Wide: numbers are doubles, states booleans, texts strings,
and null is no reading.
"""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.export import Column, Layout, heading
from devices.reading_pages import Extent, Found, pages, side_by_side

if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch, Schema

    from db.telemetry.store import TelemetryStore

MEDIA = "application/vnd.apache.parquet"
GROUP = 100_000  # rows of a row group: what is held at once


def parts(
    store: "TelemetryStore", columns: Sequence[Column], extent: Extent, layout: Layout = "long"
) -> Iterator[bytes]:
    """Yield a Parquet document of readings.

    Args:
        store: where the readings are; read in short transactions while the parts are taken.
        columns: what to export; the caller has checked access.
        extent: which time, and the steps of the wide layout; long rows have none.
        layout: "long" or "wide".
    """
    if layout == "long":
        schema = _long_schema()
        return _written(schema, _long(schema, store, columns, extent._replace(step_ms=0)))
    schema = _wide_schema(columns)
    return _written(schema, _wide(schema, store, columns, extent))


def _written(schema: "Schema", batches: Iterable["RecordBatch"]) -> Iterator[bytes]:
    """Yield a file of these rows, one group after the other."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    sink = _Sink()
    with ParquetWriter(sink, schema, compression="zstd") as writer:
        held: list[RecordBatch] = []
        for batch in batches:
            held.append(batch)
            if sum(map(len, held)) >= GROUP:
                writer.write_table(pa.Table.from_batches(held))
                held.clear()
                yield sink.taken()
        if held:
            writer.write_table(pa.Table.from_batches(held))
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file from which is taken what was written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def _time() -> tuple[str, "DataType"]:
    import pyarrow as pa  # 12 MB of memory, which only exports of this form need

    return "time", pa.timestamp("ms", tz="UTC")


def _long_schema() -> "Schema":
    import pyarrow as pa

    text = pa.string()
    named = [("device", text), ("sensor", text), ("value", pa.float64()), ("text", text)]
    return pa.schema([_time(), *named, ("unit", text)])


def _long(
    schema: "Schema", store: "TelemetryStore", columns: Sequence[Column], extent: Extent
) -> Iterator["RecordBatch"]:
    import pyarrow as pa

    for column in columns:
        series = column.series
        for times, values in pages(store, series, extent):
            n = times.size
            names = [pa.repeat(name, n) for name in (column.device, series.name, series.unit)]
            value, text = pa.nulls(n, pa.float64()), pa.nulls(n, pa.string())
            if series.kind == "text":
                text = pa.array(values, pa.string())
            else:
                value = pa.array(values)
            arrays = [pa.array(times, schema.types[0]), *names[:2], value, text, names[2]]
            yield pa.record_batch(arrays, schema=schema)


def _wide_schema(columns: Sequence[Column]) -> "Schema":
    import pyarrow as pa

    types = {"number": pa.float64(), "state": pa.bool_(), "text": pa.string()}
    seen: Counter[str] = Counter({"time": 1})
    fields = [_time()]
    for column in columns:
        name = heading(column)
        seen[name] += 1
        again = f" #{seen[name]}" if seen[name] > 1 else ""  # readers want each name once
        fields.append((name + again, types[column.series.kind]))
    return pa.schema(fields)


def _wide(
    schema: "Schema", store: "TelemetryStore", columns: Sequence[Column], extent: Extent
) -> Iterator["RecordBatch"]:
    import pyarrow as pa

    series = [column.series for column in columns]
    for times, found in side_by_side(store, series, extent):
        arrays = [pa.array(times, schema.types[0])]
        arrays += [
            _spread(one, kind, times.size)
            for one, kind in zip(found, schema.types[1:], strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)


def _spread(found: Found | None, kind: "DataType", rows: int) -> "Array":
    """Return one value for each row, null where nothing was found."""
    import pyarrow as pa

    if found is None:
        return pa.nulls(rows, kind)
    spread = np.zeros(rows, found.values.dtype)
    spread[found.places] = found.values
    silent = np.ones(rows, bool)
    silent[found.places] = False
    if pa.types.is_boolean(kind):
        spread = spread != 0
    return pa.array(spread, kind, mask=silent)
