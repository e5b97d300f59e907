"""Copies everything from the SQLite files to an empty PostgreSQL database, and proves it.

All of it is one transaction of PostgreSQL, checked before it ends: what was interrupted, or is
not equal to the last bit, leaves nothing behind, and the files stay as they are.
"""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import JSON, Boolean, Column, Connection, MetaData, Table, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from db import migrations
from db.base import Base, tune
from db.telemetry import tables
from errors import AppError

AT_ONCE = 10_000  # rows held in memory
METADATA: dict[str, MetaData] = {"app": Base.metadata, "telemetry": tables.metadata}
Row = tuple[Any, ...]


class MoveFailed(AppError):
    """The databases could not be moved; nothing was changed."""

    status, code, text = 500, "move_failed", "Nothing was moved: %(why)s"


@dataclass(slots=True)
class Sums:
    """How many rows there are of each sensor, or of a table without sensors, and what they say.

    The sums do not depend on the order of rows: databases sort texts differently.
    """

    rows: dict[int, int] = field(default_factory=dict)
    said: dict[int, int] = field(default_factory=dict)

    def add(self, key: int, row: Row) -> None:
        """Take a row in."""
        digest = hashlib.blake2b(repr(row).encode(), digest_size=8).digest()
        self.rows[key] = self.rows.get(key, 0) + 1
        self.said[key] = (self.said.get(key, 0) + int.from_bytes(digest)) % 2**64


def move(files: Mapping[str, Path], url: str) -> list[tuple[str, int, int]]:
    """Copy both SQLite files, by history; returns table, rows and sensors (0: has none) of each.

    Raises:
        MoveFailed: a server uses the files, the database is not an empty PostgreSQL or cannot be
            reached, or a row does not fit or did not arrive as it was.
    """
    target = create_engine(_postgres(url))
    tune(target)
    try:
        with ExitStack() as stack:
            sources = {
                history: stack.enter_context(closing(_alone(files[history])))
                for history in METADATA
            }
            for history in METADATA:
                migrations.upgrade(history, target)
            connection = stack.enter_context(target.begin())
            return [
                _table(sources[history], connection, table)
                for history, metadata in METADATA.items()
                for table in metadata.sorted_tables
            ]
    except (sqlite3.Error, DBAPIError, target.dialect.loaded_dbapi.Error, RuntimeError) as error:
        raise MoveFailed(why=str(getattr(error, "orig", error)).strip()) from error
    finally:
        target.dispose()


def _postgres(url: str) -> URL:
    try:
        made = make_url(url)
        driver = made.get_dialect().name
    except (ArgumentError, NoSuchModuleError) as error:
        raise MoveFailed(why=str(error)) from error
    if driver != "postgresql":
        raise MoveFailed(why=f"the new database is {driver}, not PostgreSQL")
    return made


def _alone(path: Path) -> sqlite3.Connection:
    """Open a file that nobody else has open, and keep everybody else out of it."""
    if not path.exists():
        raise MoveFailed(why=f"there is no {path}")
    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise MoveFailed(why=f"{path.name} is in use; stop the server first") from error
    return connection


def _table(source: sqlite3.Connection, target: Connection, table: Table) -> tuple[str, int, int]:
    """Copy one table, read it back, and compare."""
    if target.exec_driver_sql(f"SELECT 1 FROM {table.name} LIMIT 1").first():
        _fail(table, "there are rows in the new database already")
    names = ", ".join(map(_quoted, table.columns))
    truths = [isinstance(column.type, Boolean) for column in table.columns]
    place = next((i for i, c in enumerate(table.columns) if c.name == "series_id"), None)
    sent, arrived = Sums(), Sums()

    def key(row: Row) -> int:
        return 0 if place is None else row[place]

    driver: Any = target.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        rows = source.execute(f"SELECT {names} FROM {table.name}")
        while some := rows.fetchmany(AT_ONCE):
            for raw in some:
                row = _with_truths(raw, truths) if any(truths) else raw
                copy.write_row(row)
                sent.add(key(row), row)
    with driver.cursor(name="moved") as cursor:
        cursor.itersize = AT_ONCE
        for row in cursor.execute(f"SELECT {_as_stored(table)} FROM {table.name}"):
            arrived.add(key(row), row)
    if sent.rows != arrived.rows:
        _fail(table, f"{sum(sent.rows.values())} rows went, {sum(arrived.rows.values())} came")
    if wrong := [one for one in sent.said if sent.said[one] != arrived.said[one]]:
        _fail(table, f"the rows of {wrong[0] or 'the table'} did not come as they went")
    _count_on(target, table)
    return table.name, sum(sent.rows.values()), 0 if place is None else len(sent.rows)


def _with_truths(row: Row, truths: list[bool]) -> Row:
    """SQLite keeps true and false as 1 and 0."""
    return tuple(
        bool(value) if truth and value is not None else value
        for value, truth in zip(row, truths, strict=True)
    )


def _quoted(column: Column[Any]) -> str:
    return f'"{column.name}"'


def _as_stored(table: Table) -> str:
    """JSON is compared as the text that it is kept as."""
    return ", ".join(
        _quoted(column) + ("::text" if isinstance(column.type, JSON) else "")
        for column in table.columns
    )


def _count_on(target: Connection, table: Table) -> None:
    """Let the next row have the number after the highest."""
    if table.autoincrement_column is not None:
        name = table.autoincrement_column.name
        target.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{name}'),"
            f" (SELECT COALESCE(MAX({name}), 0) + 1 FROM {table.name}), false)"
        )


def _fail(table: Table, why: str) -> NoReturn:
    raise MoveFailed(why=f"{table.name}: {why}")
