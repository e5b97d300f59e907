"""What all tests share: settings in a folder of their own, and a server with real databases."""

from pathlib import Path

import pytest
from flask import Flask

import db.base
from config import Settings
from db import migrations


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh installation in a temporary folder."""
    instance = tmp_path / "instance"
    instance.mkdir()
    return Settings(instance_dir=instance, bcrypt_cost=4)


@pytest.fixture
def server(settings: Settings) -> Flask:
    """A Flask server with both databases migrated; nothing else is plugged in."""
    server = Flask("gatehouse")
    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    with server.app_context():
        migrations.upgrade("app", db.base.db.engine)
        migrations.upgrade("telemetry", db.base.telemetry_engine())
    return server


@pytest.fixture
def context(server: Flask):
    """An application context around the test."""
    with server.app_context():
        yield server
        db.base.db.session.remove()
        for engine in db.base.db.engines.values():
            engine.dispose()
