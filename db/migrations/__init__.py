"""Alembic histories: `app` for accounts, devices and rights, `telemetry` for readings.

Revisions of a history are numbered in a line, 0001, 0002, ...; Alembic itself is imported only
when there is something to migrate.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

HERE = Path(__file__).parent
HISTORIES = ("app", "telemetry")


def config(history: str, connection: Connection | None = None) -> "Config":
    """Return Alembic's configuration of one history."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("version_locations", str(HERE / history))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.set_main_option("truncate_slug_length", "60")
    made.attributes.update(history=history, connection=connection)
    return made


def newest(history: str) -> str:
    """Return the number of the newest revision of a history."""
    return max(path.name[:4] for path in (HERE / history).glob("[0-9]*.py"))


def current(history: str, engine: Engine) -> str | None:
    """Return the number of the revision that a database is at; None: it is empty.

    Raises:
        RuntimeError: the database was written by a newer version of this program, or cannot keep
            every text.
    """
    table = f"alembic_version_{history}"
    with engine.connect() as connection:
        _check_encoding(connection)
        if not inspect(connection).has_table(table):
            return None
        at: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
    if at is not None and at > newest(history):
        raise RuntimeError(
            f"the {history} database is at revision {at}, this program knows {newest(history)}: "
            "install the newer program, or restore a backup"
        )
    return at


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise RuntimeError(
            f"the database keeps texts as {encoding}, which has no room for all of them: "
            "make it with `createdb --encoding=UTF8 --template=template0`"
        )


def upgrade(history: str, engine: Engine) -> bool:
    """Bring one database to the newest revision; returns whether there was anything to do.

    A failed step leaves nothing half done.
    """
    if current(history, engine) == newest(history):
        return False
    from alembic import command

    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # rebuilding a table would empty the tables that refer to it
            raw: Any = connection.connection.dbapi_connection
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.execution_options(immediate=True).begin():
                command.upgrade(config(history, connection), "head")
                if sqlite:
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                    if broken:
                        raise RuntimeError(f"the migration would break {len(broken)} references")
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")
    return True
