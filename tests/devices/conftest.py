"""A house with people and doors, and a book of what went out to the broker."""

from datetime import UTC, datetime, timedelta

import pytest

import notify.language
import notify.post
import wiring
from auth import keys
from db.base import db, transaction
from db.models import Device, Grant, Level, User
from mqtt.bus import MemoryBus

NOW = datetime.now(UTC).replace(hour=9, minute=30, second=0, microsecond=0) + timedelta(days=365)


class Outgoing:
    """Stands where the broker is: writes down what is published, and says it was taken."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic, payload, *, expires_in_s=None, retain=False, on_taken=None) -> bool:
        assert not retain
        self.sent.append((topic, payload))
        return True


@pytest.fixture
def publisher() -> Outgoing:
    return Outgoing()


@pytest.fixture
def parts(server, settings, publisher):
    """A server with everything that services ask for, inside its context."""
    server.config.update(SECRET_KEY="x" * 32)
    made = wiring.Wiring(settings, keys.load(settings), None, MemoryBus(), publisher, None)
    wiring.attach(server, made)
    notify.language.init_app(server)
    notify.post.init_app(server, settings)
    with server.app_context():
        yield made
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def person(name: str) -> User:
    with transaction() as session:
        email = f"{name}@example.org"
        user = User(email=email, email_typed=email, created_at=NOW, confirmed_at=NOW)
        session.add(user)
    return user


@pytest.fixture
def owner(parts) -> User:
    return person("owner")


@pytest.fixture
def stranger(parts) -> User:
    return person("stranger")


@pytest.fixture
def door(owner: User) -> Device:
    """A lock of the owner's."""
    with transaction() as session:
        device = Device(
            name="Room 1",
            kind="lock",
            controller_id="room1",
            mqtt_hash="",
            mqtt_seed="a",
            command_seed="b",
            created_at=NOW,
        )
        session.add_all(
            [device, Grant(user=owner, device=device, level=Level.OWNER, created_at=NOW)]
        )
    return device


def give(user: User, device: Device, level: Level) -> None:
    """Let somebody have a level without further ado."""
    with transaction() as session:
        session.add(Grant(user=user, device=device, level=level, created_at=NOW))
