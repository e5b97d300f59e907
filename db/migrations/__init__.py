"""Alembic histories: `app` for accounts, devices and rights, `telemetry` for readings."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

HERE = Path(__file__).parent
HISTORIES = ("app", "telemetry")


def config(history: str, connection: Connection | None = None) -> Config:
    """Return Alembic's configuration of one history."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.set_main_option("version_locations", str(HERE / history))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.set_main_option("truncate_slug_length", "60")
    made.attributes.update(history=history, connection=connection)
    return made


def upgrade(history: str, engine: Engine) -> None:
    """Bring one database to the newest revision; a failed step leaves nothing half done."""
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # rebuilding a table would empty the tables that refer to it
            raw = connection.connection.dbapi_connection
            assert raw is not None
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


def is_current(history: str, engine: Engine) -> bool:
    """Return whether a database has every revision of its history."""
    script = ScriptDirectory.from_config(config(history))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": f"alembic_version_{history}"}
        )
        return set(context.get_current_heads()) == set(script.get_heads())
