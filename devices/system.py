"""Whether the databases answer, and how much there is of everything."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from db.base import db
from db.models import Device, User
from db.telemetry.store import TelemetryStore
from errors import Unavailable

NOBODY = 0  # no device has this id


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are."""

    users: int
    devices: int


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
