"""The one door to the telemetry database; the same on SQLite and PostgreSQL."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from clock import now_ms
from db.base import tune
from db.telemetry import history, months, reading, sealing, writing
from db.telemetry.engines import Link, link_for
from db.telemetry.records import (
    Batch,
    Chart,
    DiskFull,
    DiskUse,
    Floats,
    LogLine,
    Newest,
    Outrun,
    PresenceRow,
    ReadOnly,
    Refusal,
    Series,
    Span,
    StoreAway,
    Times,
    Written,
)
from db.telemetry.sealing import Due
from db.telemetry.turns import Turns

T = TypeVar("T")

PAGE = 20_000  # readings a page of an export
EMPTIED_AT_ONCE = 200  # chunks a transaction
LINES_AT_ONCE = 2000  # texts or lines of logs a transaction
CHECKPOINT = 2000  # pages
PATIENCE_S = 30  # for the other writers of a SQLite file
KEPT_FREE = 50_000_000  # bytes of the disk that readings leave to accounts, commands and logs
log = logging.getLogger("gatehouse.store")
GIVEN = {"22", "23", "54"}  # classes of SQLSTATE that blame a row, not the database
REASONS = {  # by how the code of an error begins
    "SQLITE_FULL": DiskFull,
    "53100": DiskFull,
    "SQLITE_READONLY": ReadOnly,
    "25006": ReadOnly,
    "40001": Outrun,
    "40P01": Outrun,
}
TABLES_BY_SERIES = ("reading", "event", "latest", "chunk", "era")
TABLES_BY_DEVICE = ("presence", "refusal", "device_log", "sealed", "series")


class TelemetryStore:
    """Readings, newest values, presence, refusals and logs of all devices.

    Every method is one short transaction and may be called from any thread.  On SQLite all that
    write share one connection of their own: two that write and checkpoint the same file at the
    same instant could hurt it before SQLite 3.51.3.

    Attributes:
        trouble: why nothing can be written just now, as the code of an error; empty: it can.
    """

    def __init__(self, engine: Engine, *, kept_free: int = KEPT_FREE) -> None:
        self.engine = engine
        self.trouble = ""
        self._kept_free = kept_free
        self._link = link_for(engine)
        self._turn: Callable[[], AbstractContextManager[None]]
        if engine.dialect.name == "sqlite":
            self._reader, self._writer = engine, _only_writer(engine)
            self._turn = partial(Turns().mine, PATIENCE_S)
            self._sealer = self._writer
        else:  # what several queries say together must be true of one moment, as on SQLite
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer, self._sealer = engine, self._reader
            self._turn = nullcontext

    def close(self) -> None:
        """Close the connection that writes."""
        if self._writer is not self.engine:
            self._writer.dispose()

    # writing

    def write(self, batch: Batch) -> Written:
        """Store a batch in one transaction.

        If the database refuses it, its rows are tried one by one, so that one bad row does not
        cost the others; those that fail are named in the result.

        Raises:
            StoreAway: nothing was stored, because the database cannot be reached or written.
            DiskFull: nothing was stored, because the disk is full or nearly so.
        """
        self._need_room()
        try:
            with self._writing() as link:
                return writing.write(link, batch)
        except StoreAway:
            raise
        except (SQLAlchemyError, OverflowError, ValueError, TypeError):
            return self._write_one_by_one(batch)

    def _write_one_by_one(self, batch: Batch) -> Written:
        done = Written()
        with self._writing() as link:
            for row in writing.one_by_one(batch):
                try:
                    with link.connection.begin_nested():
                        one = writing.write(link, row)
                except (SQLAlchemyError, OverflowError, ValueError, TypeError) as error:
                    if _is_away(error):
                        raise
                    done.failed.append(f"{type(error).__name__}: {row!r:.200}")
                    continue
                done.stored += one.stored
                done.repeated += one.repeated
                done.replaced += one.replaced
        return done

    def add_series(self, device_id: int, name: str, kind: str, unit: str = "") -> Series:
        """Return the series of this name; make it with this kind if it is new."""
        with self._writing() as link:
            link.run(
                "INSERT INTO series (device_id, name, kind, unit, created_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (device_id, name) DO NOTHING",
                *(device_id, name, kind, unit, now_ms()),
            )
            (row,) = link.rows(
                f"SELECT {reading.SERIES} FROM series WHERE device_id = ? AND name = ?",
                *(device_id, name),
            )
            return Series(*row)

    def describe(self, series_id: int, **changes: str | float | None) -> None:
        """Set how a sensor is shown, as `Series` has it; what is not given stays.

        Raises:
            ValueError: a change that is none of `reading.DESCRIBED`.
        """
        if unknown := changes.keys() - reading.DESCRIBED:
            raise ValueError(f"a sensor has no {sorted(unknown)}")
        if changes:
            sets = ", ".join(f"{name} = ?" for name in changes)
            sql = f"UPDATE series SET {sets} WHERE id = ?"
            with self._writing() as link:
                link.run(sql, *changes.values(), series_id)

    def forget(self, device_id: int) -> None:
        """Delete everything a device ever said."""
        with self._writing() as link:
            for table in TABLES_BY_SERIES:
                link.run(
                    f"DELETE FROM {table} WHERE series_id IN"
                    " (SELECT id FROM series WHERE device_id = ?)",
                    device_id,
                )
            for table in TABLES_BY_DEVICE:
                link.run(
                    f"DELETE FROM {table} WHERE device_id = ?",
                    device_id,
                )

    def keep_months(self, now_ms: int) -> None:
        """Make PostgreSQL's tables of the months to come, and drop those that were emptied.

        A table that somebody uses for long is left for the next call.

        Raises:
            StoreAway: the database cannot be reached or written just now.
        """
        if self.engine.dialect.name != "postgresql":
            return
        with self._reading() as link:
            wanted, emptied = months.missing(link, now_ms), months.over(link, now_ms)
        for step, several in ((months.make, wanted), (months.drop, emptied)):
            for month in several:
                with self._writing() as link:
                    step(link, month)

    def seal(self, *, before_ms: int, anyway_ms: int, series_id: int | None = None) -> int:
        """Pack readings older than `before_ms` into chunks; return how many.

        Less than a full chunk stays as it is, unless some of it is older than `anyway_ms`.  Each
        step is a short transaction, so others write in between, and an interrupted run goes on
        with the next call.  A sensor whose readings cannot be packed keeps no other from it.

        Raises:
            StoreAway: the database cannot be reached or written just now.
        """
        with self._reading() as link:
            every = reading.numeric_series(link) if series_id is None else [series_id]
        done = 0
        for one in every:
            due: Due | None = Due(one, before_ms, anyway_ms)
            while due:
                try:
                    sealed, due = self._packing(sealing.seal, due)
                except StoreAway:
                    raise
                except Exception:  # whatever it is, it comes again with the next call
                    log.exception("readings of sensor %s cannot be packed", one)
                    break
                done += sealed
        return done

    def _packing(self, step: Callable[[Link, Due], T], due: Due) -> T:
        """Do a step of packing in a transaction of its own; again where another was quicker."""
        while True:
            with contextlib.suppress(Outrun), self._writing(self._sealer) as link:
                return step(link, due)

    def drop_readings(self, series_id: int, *, before_ms: int) -> int:
        """Forget the readings of a series before a time, and keep for ever what sums them up.

        Returns how many chunks were emptied.  What does not fill a chunk may stay for a day more,
        so that not every call leaves a small one.
        """
        due = Due(series_id, before_ms, before_ms - sealing.DAY_MS)
        self.seal(before_ms=due.before_ms, anyway_ms=due.anyway_ms, series_id=series_id)
        self._packing(sealing.cut, due)
        done = 0
        while True:
            with self._writing() as link:
                emptied = sealing.drop_bodies(link, series_id, before_ms, EMPTIED_AT_ONCE)
            done += emptied
            if emptied < EMPTIED_AT_ONCE:
                return done

    def drop_texts(self, series_id: int, *, before_ms: int) -> None:
        """Forget the texts of a series before a time."""
        found = "SELECT ts FROM event WHERE series_id = ? AND ts < ? ORDER BY ts LIMIT ?"
        self._drop("event", "series_id", "ts", found, series_id, before_ms)

    def drop_logs(self, device_id: int, *, before_ms: int, most: int) -> None:
        """Forget the lines of a device's log before a time, and all but the newest `most`."""
        found = "SELECT id FROM device_log WHERE device_id = ? AND ts < ? ORDER BY ts, id LIMIT ?"
        with self._reading() as link:
            beyond = reading.log_beyond(link, device_id, most)
        self._drop("device_log", "device_id", "id", found, device_id, max(before_ms, beyond))

    def _drop(self, table: str, of: str, key: str, found: str, one: int, before_ms: int) -> None:
        """Delete the rows of one series or device whose keys a query finds, some at a time."""
        gone = LINES_AT_ONCE
        while gone == LINES_AT_ONCE:
            with self._writing() as link:
                gone = link.run(
                    f"DELETE FROM {table} WHERE {of} = ? AND {key} IN ({found})",
                    *(one, one, before_ms, LINES_AT_ONCE),
                )

    # reading

    def series(self, device_ids: Iterable[int]) -> dict[int, list[Series]]:
        """Return the sensors of devices, by name; a device without sensors has an empty list."""
        with self._reading() as link:
            return reading.series(link, device_ids)

    def newest(self, series_ids: Iterable[int]) -> dict[int, Newest]:
        """Return the newest reading of each series that has one."""
        with self._reading() as link:
            return reading.newest(link, series_ids)

    def window(
        self, series_id: int, start_ms: int, end_ms: int, limit: int | None = None
    ) -> tuple[Times, Floats]:
        """Return times and values in [start, end), oldest first, at most `limit`."""
        with self._reading() as link:
            return history.window(link, Span(series_id, start_ms, end_ms), limit)

    def pages(
        self, series_id: int, start_ms: int, end_ms: int, size: int = PAGE
    ) -> Iterator[tuple[Times, Floats]]:
        """Yield times and values in [start, end) in pages of at most `size`, oldest first.

        Each page is a short transaction of its own, so a slow reader holds nothing up.
        """
        while start_ms < end_ms:
            t, v = self.window(series_id, start_ms, end_ms, size)
            if not len(t):
                return
            yield t, v
            start_ms = int(t[-1]) + 1

    def chart(self, series_id: int, start_ms: int, end_ms: int, points: int) -> Chart:
        """Return [start, end) in at most `points` rows (1 to 2,000) with true extremes."""
        with self._reading() as link:
            return history.chart(link, Span(series_id, start_ms, end_ms), points)

    def before(self, series_id: int, ms: int) -> tuple[int, float] | None:
        """Return time and value of the last reading before a time, or None if it is not known."""
        with self._reading() as link:
            return history.before(link, series_id, ms)

    def values_at(self, series_id: int, times: Times) -> Floats:
        """Return the readings at exactly these times, NaN where none is left."""
        with self._reading() as link:
            return history.values_at(link, series_id, times)

    def sparks(
        self, series_ids: Iterable[int], start_ms: int, end_ms: int, points: int
    ) -> dict[int, Floats]:
        """Return one reading for each of `points` steps of [start, end), NaN for none."""
        with self._reading() as link:
            return reading.sparks(link, series_ids, (start_ms, end_ms), points)

    def texts(
        self, series_id: int, start_ms: int, end_ms: int, limit: int
    ) -> list[tuple[int, str]]:
        """Return the newest `limit` texts of [start, end), oldest first, with their times."""
        with self._reading() as link:
            return reading.texts(link, Span(series_id, start_ms, end_ms), limit)

    def first_texts(
        self, series_id: int, start_ms: int, end_ms: int, limit: int
    ) -> list[tuple[int, str]]:
        """Return the oldest `limit` texts of [start, end): one page of an export."""
        with self._reading() as link:
            return reading.first_texts(link, Span(series_id, start_ms, end_ms), limit)

    def presence(self, device_ids: Iterable[int]) -> dict[int, PresenceRow]:
        """Return the presence of each device that was ever heard of."""
        with self._reading() as link:
            return reading.presence(link, device_ids)

    def counters(self, device_ids: Iterable[int]) -> dict[int, int]:
        """Return how far devices have counted their sealed messages, where any came."""
        with self._reading() as link:
            return reading.counters(link, device_ids)

    def refusals(self, device_id: int) -> list[Refusal]:
        """Return what was refused of a device (0: of nobody known), newest reason first."""
        with self._reading() as link:
            return reading.refusals(link, device_id)

    def logs(self, device_id: int, limit: int = 200) -> list[LogLine]:
        """Return the newest lines of a device's log, newest first."""
        with self._reading() as link:
            return reading.logs(link, device_id, limit)

    def receipts(self, listener: str) -> list[tuple[int, bytes]]:
        """Return the kept receipts of a listener, oldest first."""
        with self._reading() as link:
            return reading.receipts(link, listener)

    def disk_use(self, device_ids: Iterable[int]) -> dict[int, DiskUse]:
        """Return what the numbers and states of devices take on the disk, by device."""
        with self._reading() as link:
            return reading.disk_use(link, device_ids)

    def size(self) -> int:
        """Return how many bytes the whole store takes on its disk."""
        with self._reading() as link:
            return int(link.rows(link.size)[0][0])

    @contextmanager
    def _reading(self) -> Iterator[Link]:
        """One read transaction.

        Raises:
            StoreAway: the database cannot be reached just now.
        """
        try:
            with self._reader.connect() as connection:
                yield self._link(connection)
        except SQLAlchemyError as error:
            if _is_away(error):
                raise StoreAway from error
            raise

    @contextmanager
    def _writing(self, engine: Engine | None = None) -> Iterator[Link]:
        """One write transaction on the connection that writes, or with this engine's isolation.

        Raises:
            StoreAway: the database cannot be reached or written just now.
            Outrun: because another transaction was quicker to write the same.
            DiskFull: because there is no room.
            ReadOnly: because it can only be read.
        """
        try:
            with self._turn(), (engine or self._writer).connect() as plain:
                connection = plain.execution_options(immediate=True)
                with connection.begin():
                    yield self._link(connection)
        except TimeoutError as error:
            self.trouble = StoreAway.code
            raise StoreAway from error
        except SQLAlchemyError as error:
            if _is_away(error):
                why = _why(error)
                self.trouble = why.code
                raise why from error
            raise
        self.trouble = ""

    def _need_room(self) -> None:
        """Stop before the last of the disk is gone: doors must open still.

        Raises:
            DiskFull: less is free than is kept free.
            StoreAway: the folder is gone.
        """
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return
        try:
            disk = os.statvfs(Path(self.engine.url.database).parent)
        except OSError as error:
            self.trouble = StoreAway.code
            raise StoreAway from error
        if disk.f_bavail * disk.f_frsize < self._kept_free:
            self.trouble = DiskFull.code
            raise DiskFull


def _is_away(error: Exception) -> bool:
    """Whether the database itself is in trouble, and not what it was given."""
    if isinstance(error, DBAPIError):
        if state := getattr(error.orig, "sqlstate", None):
            return state[:2] not in GIVEN
        return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return isinstance(error, SQLAlchemyError)


def _why(error: Exception) -> StoreAway:
    """Return what keeps the database from being written, as far as it says so."""
    said = getattr(error, "orig", None)
    code = getattr(said, "sqlite_errorname", None) or getattr(said, "sqlstate", None) or ""
    return next((why() for start, why in REASONS.items() if code.startswith(start)), StoreAway())


def _only_writer(engine: Engine) -> Engine:
    """Return a second engine on the same SQLite file, with one connection that writes."""
    writer = create_engine(
        engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=PATIENCE_S
    )
    tune(writer)
    event.listen(
        writer,
        "connect",
        # a checkpoint holds up the writes behind it: with 8,000 pages for 80 ms, with these for 30
        lambda connection, _record: connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}"),
    )
    return writer
