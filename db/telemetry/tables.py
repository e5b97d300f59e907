"""The tables of the telemetry database, as SQLAlchemy Core.

They may live in a database of their own: nothing here refers to a table outside, and
`series_id` leads every key of a large table, so that a cluster can be cut along it.  Times are
milliseconds since 1970-01-01 UTC.
"""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from db.base import NAMES

metadata = MetaData(naming_convention=NAMES)

Ms = BigInteger().with_variant(Integer, "sqlite")
Real: Any = Double().with_variant(REAL, "sqlite")
Words = Text().with_variant(Text, "sqlite")
PACKED: dict[str, Any] = {"sqlite_with_rowid": False, "sqlite_strict": True}

series = Table(
    "series",
    metadata,
    Column("id", Ms, primary_key=True),
    Column("device_id", Ms, nullable=False),  # Device.id, without a foreign key
    Column("name", String(64), nullable=False),
    Column("kind", String(8), nullable=False),  # number, state, text
    Column("unit", String(16), nullable=False, server_default=""),
    Column("decimals", Integer),  # empty: as reported
    Column("label", String(80), nullable=False, server_default=""),
    Column("colour", String(16), nullable=False, server_default=""),
    Column("created_at", Ms, nullable=False),
    Column("sealed_bytes", Ms, nullable=False, server_default=text("0")),  # of its chunks
    Column("low", Real),  # values are expected not to be below; empty: no such bound
    Column("high", Real),  # nor above
    UniqueConstraint("device_id", "name"),
    sqlite_autoincrement=True,  # what is written to a key is one sensor's for ever
)

reading = Table(  # numbers, and states as 0 and 1
    "reading",
    metadata,
    Column("series_id", Ms, primary_key=True, autoincrement=False),
    Column("ts", Ms, primary_key=True, autoincrement=False),
    Column("value", Real, nullable=False),
    **PACKED,
)

event = Table(  # texts
    "event",
    metadata,
    Column("series_id", Ms, primary_key=True, autoincrement=False),
    Column("ts", Ms, primary_key=True, autoincrement=False),
    Column("text", Words, nullable=False),
    **PACKED,
)

latest = Table(  # the newest of each series: `value` of numbers and states, `text` of texts
    "latest",
    metadata,
    Column("series_id", Ms, primary_key=True, autoincrement=False),
    Column("ts", Ms, nullable=False),
    Column("value", Real),
    Column("text", Words),
    **PACKED,
)

chunk = Table(  # sealed history; `body` may be dropped by retention, `summary` stays
    "chunk",
    metadata,
    Column("series_id", Ms, primary_key=True, autoincrement=False),
    Column("t0", Ms, primary_key=True, autoincrement=False),
    Column("t1", Ms, nullable=False),
    Column("n", Integer, nullable=False),
    Column("vmin", Real, nullable=False),
    Column("vmax", Real, nullable=False),
    Column("vsum", Real, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    # everything but the bytes, so that years can be drawn without reading past them
    Index("ix_chunk_overview", "series_id", "t0", "t1", "n", "vmin", "vmax", "vsum"),
)

era = Table(  # the chunks that begin in the same 9.3 hours, summed up; kept by `sealing`
    "era",
    metadata,
    Column("series_id", Ms, primary_key=True, autoincrement=False),
    Column("number", Ms, primary_key=True, autoincrement=False),  # of ERA_MS since 1970
    Column("t0", Ms, nullable=False),
    Column("t1", Ms, nullable=False),
    Column("n", Ms, nullable=False),
    Column("vmin", Real, nullable=False),
    Column("vmax", Real, nullable=False),
    Column("vsum", Real, nullable=False),
    **PACKED,
)

presence = Table(
    "presence",
    metadata,
    Column("device_id", Ms, primary_key=True, autoincrement=False),
    Column("said", String(8), nullable=False),  # online, offline: what the device or its will said
    Column("since", Ms, nullable=False),  # when it said that first
    Column("last_seen", Ms, nullable=False),  # last life sign: any message but the last will
    Column("attributes", Text, nullable=False, server_default="{}"),  # JSON, from `status`
)

refusal = Table(  # what was dropped, by reason, with one sample each; device 0: no such device
    "refusal",
    metadata,
    Column("device_id", Ms, primary_key=True, autoincrement=False),
    Column("reason", String(32), primary_key=True),
    Column("count", Ms, nullable=False),
    Column("last", Ms, nullable=False),
    Column("topic", String(200), nullable=False),
    Column("sample", Text, nullable=False),  # at most 200 characters, unprintable ones escaped
)

sealed = Table(  # how far each device has counted its sealed messages
    "sealed",
    metadata,
    Column("device_id", Ms, primary_key=True, autoincrement=False),
    Column("n", Ms, nullable=False),
)

device_log = Table(
    "device_log",
    metadata,
    Column("id", Ms, primary_key=True),
    Column("device_id", Ms, nullable=False),
    Column("ts", Ms, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_device_log_device_id_ts", "device_id", "ts"),
)

receipt = Table(  # messages of the last batches, which the broker may send once more
    "receipt",
    metadata,
    Column("listener", String(64), primary_key=True),
    Column("number", Ms, primary_key=True, autoincrement=False),
    Column("messages", LargeBinary, nullable=False),  # 2 bytes message id, 4 bytes CRC-32 each
)
