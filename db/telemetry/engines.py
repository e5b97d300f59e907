"""Where SQLite and PostgreSQL differ for the telemetry store."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

Row = tuple[Any, ...]

ARRAY_HEAD = 20  # bytes before the elements of a PostgreSQL array of one dimension
ELEMENT_BYTES = 12  # each has its length before its eight bytes
BINARY = 1  # psycopg.pq.Format; the driver is loaded only where it is used
NUMBERS = {"bigint", "integer", "float8"}


class Link:
    """A connection inside a transaction; statements are written with `?` marks.

    This one speaks SQLite: many rows by the driver's executemany, id lists as JSON.
    """

    among = "IN (SELECT value FROM json_each(?))"  # completes "WHERE id ..." for `ids(...)`
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"  # bytes
    row_bytes = 24  # of a reading that is a row, with its key, as measured
    slices = 1  # that are packed in one step, for which other writes wait

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def ids(self, ids: Iterable[int]) -> Any:
        """Return a set of ids as one parameter."""
        return json.dumps(list(ids))

    def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return the rows of a query."""
        cursor: Any = self.connection.exec_driver_sql(sql, values).cursor
        return cast(Sequence[Row], cursor.fetchall())

    def arrays(self, dtype: np.dtype[np.void], sql: str, *values: object) -> NDArray[np.void]:
        """Return the rows of a query of numbers as a structured array."""
        cursor: Any = self.connection.exec_driver_sql(sql, values).cursor
        return np.fromiter(self._each(cursor), dtype)

    def _each(self, cursor: Any) -> Iterable[Row]:
        return cast(Iterable[Row], cursor)

    def run(self, sql: str, *values: object) -> int:
        """Run a statement; return how many rows it touched."""
        return self.connection.exec_driver_sql(sql, values).rowcount

    def never_sort(self) -> None:
        """Have queries of this transaction walk along indexes; SQLite does so anyway."""

    def insert(self, table: str, columns: dict[str, str], rows: Sequence[Row], rest: str) -> int:
        """Insert many rows in one go; return how many were inserted or changed.

        `columns` gives the PostgreSQL type by column name, `rest` is the ON CONFLICT clause.
        """
        marks = ",".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks}) {rest}"
        return self.connection.exec_driver_sql(sql, list(rows)).rowcount

    def insert_counted(
        self, table: str, columns: dict[str, str], rows: Sequence[Row], rest: str
    ) -> Counter[int]:
        """Insert like `insert`; return how many were inserted or changed, by first column."""
        groups: dict[int, list[Row]] = {}
        for row in rows:
            groups.setdefault(row[0], []).append(row)
        return Counter(
            {first: self.insert(table, columns, some, rest) for first, some in groups.items()}
        )


class PostgresLink(Link):
    """Speaks PostgreSQL: many rows by one array a column, id lists as arrays."""

    among = "= ANY(?::bigint[])"
    size = "SELECT pg_database_size(current_database())"
    row_bytes = 94
    slices = 4  # nobody waits

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        driver: Any = connection.connection.driver_connection
        # a statement that the driver has prepared is soon planned for any values; of spans of
        # time that plan is bad: it sorts all readings of a sensor to find the oldest few
        driver.prepare_threshold = None
        if isinstance(driver.cursor_factory, type):  # as the driver made it
            driver.cursor_factory = partial(_binary_cursor, driver.cursor_factory)

    def ids(self, ids: Iterable[int]) -> Any:
        """Return a set of ids as one parameter."""
        return _array(ids)

    def rows(self, sql: str, *values: object) -> Sequence[Row]:
        """Return the rows of a query."""
        return super().rows(sql.replace("?", "%s"), *values)

    def arrays(self, dtype: np.dtype[np.void], sql: str, *values: object) -> NDArray[np.void]:
        """Return the rows of a query of numbers as a structured array.

        Each column comes as one array in binary form: a row costs nothing but its bytes.
        """
        kinds = {name: ">i8" if dtype[name].kind == "i" else ">f8" for name in dtype.names or ()}
        types = {">i8": "bigint", ">f8": "float8"}
        packed = (f'array_send(array_agg("{name}"::{types[kind]}))' for name, kind in kinds.items())
        names = ", ".join(f'"{name}"' for name in kinds)
        (columns,) = self.rows(
            f"WITH found ({names}) AS ({sql}) SELECT {', '.join(packed)} FROM found", *values
        )
        if columns[0] is None:
            return np.empty(0, dtype)
        rows = np.empty((len(columns[0]) - ARRAY_HEAD) // ELEMENT_BYTES, dtype)
        for name, kind, column in zip(kinds, kinds.values(), columns, strict=True):
            element = np.dtype([("size", ">i4"), ("value", kind)])
            rows[name] = np.frombuffer(column, element, offset=ARRAY_HEAD)["value"]
        return rows

    def _each(self, cursor: Any) -> Iterable[Row]:
        return cast(Iterable[Row], cursor.fetchall())  # in C; one by one would be in Python

    def run(self, sql: str, *values: object) -> int:
        """Run a statement; return how many rows it touched."""
        return super().run(sql.replace("?", "%s"), *values)

    def never_sort(self) -> None:
        """Have queries of this transaction walk along indexes.

        Of a table that nobody has analysed yet the planner takes a few rows to be due, and sorts
        them all for each step.
        """
        self.run("SET LOCAL enable_sort = off")

    def insert(self, table: str, columns: dict[str, str], rows: Sequence[Row], rest: str) -> int:
        """Insert many rows in one go; return how many were inserted or changed."""
        return self.run(_unnest(table, columns, rest), *_columns(columns, rows))

    def insert_counted(
        self, table: str, columns: dict[str, str], rows: Sequence[Row], rest: str
    ) -> Counter[int]:
        """Insert like `insert`; return how many were inserted or changed, by first column."""
        returning = f"{_unnest(table, columns, rest)} RETURNING {table}.{next(iter(columns))}"
        return Counter(first for (first,) in self.rows(returning, *_columns(columns, rows)))


def _binary_cursor(make: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return a cursor to which numbers come as bytes; as digits they take a third longer."""
    cursor = make(*given, **named)
    cursor.format = BINARY
    return cursor


def _unnest(table: str, columns: dict[str, str], rest: str) -> str:
    arrays = ",".join(f"?::{kind}[]" for kind in columns.values())
    return f"INSERT INTO {table} ({','.join(columns)}) SELECT * FROM unnest({arrays}) {rest}"


def _columns(columns: dict[str, str], rows: Sequence[Row]) -> list[Any]:
    """Return rows as one parameter a column."""
    return [
        _array(column) if kind in NUMBERS else list(column)
        for kind, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
    ]


def _array(numbers: Iterable[float]) -> str:
    """Return an array as PostgreSQL writes it; the driver takes ten times as long for a list."""
    return f"{{{','.join(map(str, numbers))}}}"


def link_for(engine: Engine) -> type[Link]:
    """Return how to talk to an engine.

    Raises:
        ValueError: neither SQLite nor PostgreSQL.
    """
    links = {"sqlite": Link, "postgresql": PostgresLink}
    try:
        return links[engine.dialect.name]
    except KeyError:
        raise ValueError(
            f"readings are kept in SQLite or PostgreSQL, not in {engine.dialect.name}"
        ) from None
