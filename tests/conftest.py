"""What all tests share: settings in a folder of their own, and a server with real databases."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import freezegun
import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import create_engine

import db.base
from config import Settings
from db import migrations
from tests.browsers import CHROMIUM, PROGRAM

# connections to a broker live on in their threads while other tests turn the clock
freezegun.configure(extend_ignore_list=["paho", "mqtt"])
# how fast something is shown is measured in benchmarks/; here the machine may be a busy one
expect.set_options(timeout=15_000)
hypothesis.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("busy")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh installation in a temporary folder."""
    instance = tmp_path / "instance"
    instance.mkdir()
    return Settings(instance_dir=instance, bcrypt_cost=4)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both databases, migrated and empty; migrating takes longer than a copy."""
    folder = tmp_path_factory.mktemp("migrated")
    for history in migrations.HISTORIES:
        engine = create_engine(f"sqlite:///{folder / history}.sqlite")
        db.base.tune(engine)
        migrations.upgrade(history, engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    return folder


@pytest.fixture
def server(settings: Settings, migrated: Path) -> Flask:
    """A Flask server with both databases; nothing else is plugged in."""
    for history in migrations.HISTORIES:
        shutil.copy(migrated / f"{history}.sqlite", settings.instance_dir)
    server = Flask("gatehouse")
    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    return server


@pytest.fixture
def context(server: Flask):
    """An application context around the test."""
    with server.app_context():
        yield server
        db.base.db.session.remove()
        for engine in db.base.db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process; each opens contexts of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=CHROMIUM)
        yield started
        started.close()
