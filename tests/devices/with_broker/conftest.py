"""People with and without rights, and a house of real parts: broker, publisher, live bus."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest

from auth.keys import Keys
from auth.keys import load as load_keys
from clock import utcnow
from config import Settings
from db.base import db
from db.models import Command, Grant, Level, User
from devices import commands, registry
from devices.ports import BrokerAdmin, LiveEvent
from mqtt.brokers import broker_admin
from mqtt.bus import MemoryBus
from mqtt.mosquitto import Mosquitto
from mqtt.publisher import MqttPublisher
from tests.mqtt.conftest import Speaker
from tests.stack import free_port, until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an installation whose broker has a port of its own."""
    instance = tmp_path / "instance"
    instance.mkdir()
    return Settings(instance_dir=instance, bcrypt_cost=4, mqtt_port=free_port())


@dataclass
class House:
    """What services need besides the database, all of it real."""

    settings: Settings
    keys: Keys
    broker: BrokerAdmin
    publisher: MqttPublisher
    mosquitto: Mosquitto
    bus: MemoryBus = field(default_factory=MemoryBus)
    events: list[LiveEvent] = field(default_factory=list)
    speakers: list[Speaker] = field(default_factory=list)

    def person(self, name: str) -> User:
        """A confirmed account."""
        now = utcnow()
        email = f"{name}@example.org"
        user = User(email=email, email_typed=email, created_at=now, confirmed_at=now)
        db.session.add(user)
        db.session.commit()
        return user

    def device(self, by: User, name: str = "Front door", kind: str = "lock", **more: Any):
        """A new device with its secrets."""
        return registry.create(
            name,
            kind,
            by=by,
            now=utcnow(),
            broker=self.broker,
            keys=self.keys,
            namespace=self.settings.mqtt_namespace,
            **more,
        )

    def allow(self, user: User, device, level: Level) -> None:
        """Give somebody a level on a device."""
        db.session.add(Grant(user=user, device=device, level=level, created_at=utcnow()))
        db.session.commit()

    def connect(self, username: str, password: str, **options: Any) -> Speaker:
        """Connect to the broker as somebody."""
        self.speakers.append(Speaker(self.settings.mqtt_port, username, password, **options))
        return self.speakers[-1]

    def wait_for_publisher(self) -> None:
        until(lambda: self.publisher.connected, what="the publisher is connected")


@pytest.fixture
def house(context, settings: Settings) -> Iterator[House]:
    """A running broker, a connected publisher, and a bus that notes what it carries."""
    mosquitto = Mosquitto(settings)
    mosquitto.start()
    made = House(
        settings,
        load_keys(settings),
        broker_admin(settings),
        MqttPublisher(settings),
        mosquitto,
    )
    made.bus.subscribe(made.events.extend)
    made.publisher.start()
    made.wait_for_publisher()
    yield made
    for speaker in made.speakers:
        speaker.close()
    made.publisher.stop()
    mosquitto.stop()


@pytest.fixture
def owner(house: House) -> User:
    return house.person("owner")


@pytest.fixture
def stranger(house: House) -> User:
    return house.person("stranger")


@pytest.fixture
def ask(house):
    """Asks for something as a page does, with a fresh key each time unless told otherwise."""
    made = iter(range(1000))

    def send(device, name="unlock", params=None, *, by, key="", now=None, **more):
        return commands.ask(
            device,
            name,
            {} if params is None else params,
            by=by,
            via="page",
            key=key or f"key-{next(made)}",
            address="192.0.2.1",
            publisher=house.publisher,
            keys=house.keys,
            bus=house.bus,
            namespace=house.settings.mqtt_namespace,
            now=now or utcnow(),
            **more,
        )

    return send


def states(house) -> list[str]:
    return [event.data["state"] for event in house.events if event.kind == "command"]


def after_sent(house) -> list[str]:
    """What pages were told once a command was sent; a broker may be quicker than that word."""
    return list(dropwhile("sent".__eq__, states(house)))


def state(command: Command) -> str:
    db.session.rollback()
    db.session.refresh(command)
    return command.state
