"""Telemetry stores on both engines: a SQLite file, and a PostgreSQL started for the tests."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from db import migrations
from db.base import tune
from db.telemetry.store import TelemetryStore
from db.telemetry.tables import metadata
from tests.stack import free_port

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def as_postgres(*command: str) -> None:
    """Run a program; PostgreSQL's refuse to run as root."""
    root = os.geteuid() == 0
    done = subprocess.run(
        command,
        user=pwd.getpwnam("postgres").pw_uid if root else None,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL cluster that lives as long as the tests, with the telemetry tables."""
    programs, port = POSTGRES[-1], free_port()
    # not in pytest's own folder, which only the user of the tests may enter
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres")
        data = f"{name}/data"
        as_postgres(
            *(str(programs / "initdb"), "-D", data, "-U", "gatehouse"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {name}"
        control = (str(programs / "pg_ctl"), "-D", data, "-w")
        as_postgres(*control, "-l", f"{name}/log", "-o", options, "start")
        engine = create_engine(f"postgresql+psycopg://gatehouse@127.0.0.1:{port}/postgres")
        migrations.upgrade("telemetry", engine)
        yield engine
        engine.dispose()
        as_postgres(*control, "-m", "immediate", "stop")


@pytest.fixture
def database(postgres: Engine) -> Iterator[str]:
    """The address of an empty database of its own in that cluster."""
    name = f"made_{secrets.token_hex(4)}"
    with postgres.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield postgres.url.set(database=name).render_as_string()
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def emptied(postgres: Engine) -> Engine:
    """That cluster without a row."""
    with postgres.begin() as connection:
        for table in metadata.tables:
            connection.exec_driver_sql(f"TRUNCATE {table}")
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty telemetry database of each kind."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'telemetry.sqlite'}")
        tune(made)
        migrations.upgrade("telemetry", made)
        yield made
        made.dispose()
        return
    yield request.getfixturevalue("emptied")


@pytest.fixture
def store(engine: Engine) -> Iterator[TelemetryStore]:
    """A store in it."""
    made = TelemetryStore(engine)
    yield made
    made.close()
