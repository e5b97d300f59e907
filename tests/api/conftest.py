"""A server with the REST interface, and people who call it."""

import secrets
from collections.abc import Callable, Iterator
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import wiring
from app import create_app
from auth import passwords, refresh, throttle
from clock import utcnow
from config import Settings
from db.base import Base, db, telemetry_engine, transaction
from db.models import User
from db.telemetry import tables
from tests.portal import at_work
from tests.stack import free_port

PASSWORD = "long copper kettle"


def installation(folder: Path) -> Flask:
    """The whole product as a Flask server; nothing beside it runs."""
    return create_app(
        Settings(instance_dir=folder / "instance", bcrypt_cost=4, mqtt_port=free_port())
    )


def close(server: Flask) -> None:
    with server.app_context():
        wiring.current().store.close()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A server that is emptied before each test."""
    server = installation(tmp_path_factory.mktemp("house"))
    yield server
    close(server)


@pytest.fixture(scope="session")
def live_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A server with its Mosquitto, listener and writer; it keeps what tests leave in it."""
    server = installation(tmp_path_factory.mktemp("live-house"))
    with at_work(server):
        yield server
    close(server)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A server in its context: the live one for tests that ask for `running`, else an empty one."""
    live = "running" in request.fixturenames
    house: Flask = request.getfixturevalue("live_house" if live else "house")
    with house.app_context():
        if not live:
            empty()
        yield house
        db.session.remove()


@pytest.fixture
def running(server: Flask) -> Flask:
    """The server, with its Mosquitto, listener and writer."""
    return server


def empty() -> None:
    """Forget all rows and all counted tries."""
    for metadata, engine in ((Base.metadata, db.engine), (tables.metadata, telemetry_engine())):
        with engine.execution_options(immediate=True).begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
    throttle._shared(wiring.current().settings.limits_storage_url).reset()


@pytest.fixture
def settings(server: Flask) -> Settings:
    """The settings of the server."""
    return wiring.current().settings


@dataclass
class Program:
    """Somebody's program: calls the interface with a token."""

    client: FlaskClient
    token: str
    email: str = ""

    def __call__(self, method: str, path: str, **options) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        options |= {"method": method, "headers": headers}
        # outside of the test's own application context, as in a thread of the web server
        answer: TestResponse = Context().run(self.client.open, "/api/v1" + path, **options)
        if has_app_context():
            db.session.rollback()  # what the test has read before may have changed
        return answer


@pytest.fixture
def person(server: Flask) -> Callable[..., User]:
    """Make an account that is confirmed."""

    def make(name: str = "alice", **columns: object) -> User:
        email = f"{name}-{secrets.token_hex(4)}@example.org"
        with transaction() as session:
            user = User(
                email=email,
                email_typed=email,
                password_hash=passwords.hash_password(PASSWORD),
                created_at=utcnow(),
                **({"confirmed_at": utcnow()} | columns),
            )
            session.add(user)
        return user

    return make


@pytest.fixture
def program(server: Flask, person: Callable[..., User]) -> Callable[..., Program]:
    """Make an account and log a program in to it."""

    def make(name: str = "alice", **columns: object) -> Program:
        user = person(name, **columns)
        keys = wiring.current().keys
        pair = refresh.begin(user, keys=keys, label="test", now=utcnow())
        return Program(server.test_client(), pair.access_token, user.email)

    return make
