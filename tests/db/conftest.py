"""Telemetry stores on both engines: a SQLite file, and a PostgreSQL started for the tests."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from db import migrations
from db.base import tune
from db.telemetry.store import TelemetryStore
from db.telemetry.tables import metadata
from tests.db.cluster import cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL cluster that lives as long as the tests, with the telemetry tables."""
    with cluster("fsync=off") as url:
        engine = create_engine(url)
        migrations.upgrade("telemetry", engine)
        yield engine
        engine.dispose()


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
