"""The house of the REST tests, on PostgreSQL: one database for everything."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import create_app
from config import Settings
from tests.api.conftest import close, person, program, server, settings
from tests.api.test_refresh import alice, keys, now, pair
from tests.db.conftest import postgres
from tests.stack import free_port

__all__ = ["alice", "keys", "now", "pair", "person", "postgres", "program", "server", "settings"]


@pytest.fixture(scope="session")
def house(postgres: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A server that is emptied before each test."""
    made = create_app(
        Settings(
            instance_dir=tmp_path_factory.mktemp("house") / "instance",
            bcrypt_cost=4,
            mqtt_port=free_port(),
            database_url=postgres.url.render_as_string(),
        )
    )
    yield made
    close(made)
