"""Whether the databases answer, how much there is of everything, and which versions run."""

import platform
import shutil
import sqlite3
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from db.base import db
from db.models import Device, User
from db.telemetry.store import TelemetryStore
from errors import Unavailable

NOBODY = 0  # no device has this id
NAMES = select(Device.id, Device.name)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are."""

    users: int
    devices: int


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes."""

    store: int  # that readings and history take
    free: int  # on the disk of the instance


def database_answers() -> bool:
    """Return whether accounts, devices and rights can be read."""
    try:
        db.session.execute(select(1))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


def store_answers(store: TelemetryStore) -> bool:
    """Return whether readings can be read."""
    try:
        store.presence([NOBODY])
    except Unavailable:
        return False
    return True


def sizes() -> Sizes:
    """Return how many people and devices there are."""
    users = db.session.scalar(select(func.count()).select_from(User)) or 0
    return Sizes(users, db.session.scalar(select(func.count()).select_from(Device)) or 0)


def disk(instance: Path, store: TelemetryStore) -> Disk:
    """Return how much room readings take, and how much is left."""
    return Disk(store.size(), shutil.disk_usage(instance).free)


def largest(store: TelemetryStore, most: int) -> list[tuple[str, int]]:
    """Return names and bytes of the devices whose readings take most, the largest first."""
    names = {row.id: row.name for row in db.session.execute(NAMES)}
    used = [(names[device_id], use.bytes) for device_id, use in store.disk_use(names).items()]
    return sorted(used, key=lambda one: -one[1])[:most]


def versions() -> list[tuple[str, str]]:
    """Return the name and version of what everything rests on."""
    packages = ("Dash", "Flask", "SQLAlchemy", "paho-mqtt")
    return [
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        *((name, version(name)) for name in packages),
    ]
