"""The session, the base of all models, and how transactions begin.

SQLite needs two kinds of transactions: BEGIN for reads, BEGIN IMMEDIATE for writes.  With the
driver's own implicit BEGIN, updates get lost; with a deferred BEGIN before a write, half of all
concurrent updates fail with "database is locked".  `transaction()` asks for the right one.

Services check first and act then, in one transaction, and rely on nobody changing what they
checked meanwhile.  SQLite has one writer anyway; on PostgreSQL writers of the application database
take turns by an advisory lock, whichever process they are in.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    Delete,
    Engine,
    Integer,
    MetaData,
    Update,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from clock import from_ms, to_ms

TELEMETRY = "telemetry"  # the bind of readings
PRIVATE = 0o600
AWAY = (OperationalError, InterfaceError, NoConnection)  # the database's fault, not the question's
POSTGRESQL: dict[str, str | int] = {  # what the address does not say itself
    "client_encoding": "utf8",  # the driver takes bytes for texts if a database names none
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # ms until a machine that confirms nothing counts as gone
    "keepalives_idle": 10,  # seconds until who says nothing is asked whether it is there
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
TURN = 0x67617465  # the number of the advisory lock; any, as long as all agree

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# an integer key that counts up on both engines
Key = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as milliseconds since 1970 (SQLite drops time zones)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuse naive datetimes rather than guess their zone."""
        return None if value is None else to_ms(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        return None if value is None else from_ms(value).astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all models of the application database."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES), type_annotation_map={datetime: Moment}
    )


db = SQLAlchemy(model_class=Base, session_options={"autoflush": False, "expire_on_commit": False})


@contextmanager
def transaction(*, fresh: bool = True) -> Iterator[Session]:
    """One write transaction: commits at the end, rolls back when anything is raised.

    A transaction inside another joins it.

    Args:
        fresh: what was read before is read again inside, so a check made in here is made on what
            is true now.  False saves those queries where every check in here asks anew by itself.
    """
    session = db.session()
    if session.info.get("writing"):
        yield session
        return
    if fresh:
        session.rollback()  # ends the read transaction that this thread may have open
        session.expire_all()  # if there is none, rolling back forgets nothing
    else:
        session.commit()  # ends it too, and forgets nothing
    session.connection(execution_options={"immediate": True})
    session.info["writing"] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False


def changed(session: Session, statement: Update | Delete) -> int:
    """Carry out an UPDATE or DELETE and return how many rows it met."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


Begin = Callable[[], AbstractContextManager[Session]]


def elsewhere() -> Begin:
    """Return how another thread begins transactions of this application."""
    server: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    @contextmanager
    def begin() -> Iterator[Session]:
        with server.app_context(), transaction() as session:
            yield session

    return begin


def init_app(server: Flask, *, app_url: str, telemetry_url: str) -> None:
    """Connect the two databases to a Flask server."""
    server.config["SQLALCHEMY_DATABASE_URI"] = app_url
    server.config["SQLALCHEMY_BINDS"] = {TELEMETRY: telemetry_url}
    server.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": 8,
        "max_overflow": 24,
        "pool_pre_ping": not all(map(_is_file, (app_url, telemetry_url))),  # these never hang up
    }
    for url in (app_url, telemetry_url):
        _keep_private(url)
    db.init_app(server)
    with server.app_context():
        for engine in db.engines.values():
            tune(engine)
        if db.engine.dialect.name == "postgresql":
            event.listen(db.engine, "begin", _take_turns)


def _is_file(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _keep_private(url: str) -> None:
    """Let nobody else read a database file; SQLite gives its journals the same mode."""
    if not _is_file(url) or not (name := make_url(url).database):
        return
    file = os.open(name, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        if os.fstat(file).st_mode & 0o077:  # made by something else
            os.fchmod(file, PRIVATE)
    finally:
        os.close(file)


def telemetry_engine() -> Engine:
    """Return the engine of readings; needs an application context."""
    return db.engines[TELEMETRY]


def tune(engine: Engine) -> None:
    """Set an engine up: pragmas and explicit transactions on SQLite, patience on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        event.listen(engine, "do_connect", _not_for_ever)
        return
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin)


def _not_for_ever(
    _dialect: Dialect, _record: object, _args: list[Any], named: dict[str, Any]
) -> None:
    """Wait seconds for a machine that is gone; the system itself would wait for minutes."""
    for name, value in POSTGRESQL.items():
        named.setdefault(name, value)


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "cache_size=-16384",
        "temp_store=MEMORY",
        "trusted_schema=OFF",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _take_turns(connection: Connection) -> None:
    if connection.get_execution_options().get("immediate"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
