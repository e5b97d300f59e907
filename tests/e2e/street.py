"""A street of doors that check nothing: each notes all that it hears and says that it is done."""

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from flask import Flask
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

import wiring
from clock import utcnow
from db.base import db, transaction
from db.models import Command, Device, User
from devices import commands, registry
from tests.portal import at_work
from tests.stack import until

AT_ONCE = 8  # people who press


@dataclass
class Street:
    """Doors, and what they heard: (id of the device, id of the command, when on this clock)."""

    server: Flask
    owner: int
    doors: list[int] = field(default_factory=list)
    heard: list[tuple[int, str, float]] = field(default_factory=list)

    def press(self, number: int) -> tuple[int, str, float]:
        """Ask the next door; returns what it shall hear, and when it was asked."""
        began, door = time.monotonic(), self.doors[number % len(self.doors)]
        with self.server.app_context():
            parts = wiring.current()
            command = commands.ask(
                db.session.get_one(Device, door),
                "unlock",
                {},
                by=db.session.get_one(User, self.owner),
                via="page",
                key=f"press-{number}",
                address="",
                publisher=parts.publisher,
                keys=parts.keys,
                bus=parts.bus,
                namespace=parts.settings.mqtt_namespace,
                now=utcnow(),
            )
            asked = command.public_id
            db.session.remove()
        return door, asked, began

    def presses(self, count: int, a_second: float) -> list[tuple[int, str, float]]:
        """Ask so many times at an even pace; returns what was asked."""
        begin = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as people:
            asked = []
            for number in range(count):
                time.sleep(max(0.0, begin + number / a_second - time.monotonic()))
                asked.append(people.submit(self.press, number))
            return [one.result() for one in asked]


def _client(street: Street, made: registry.Created, port: int, ready: list[int]) -> Client:
    device, identity = made.device, made.device.id  # rows belong to this thread
    topic = f"gatehouse/{device.controller_id}/commands"
    client = Client(CallbackAPIVersion.VERSION2, device.mqtt_username, protocol=MQTTv5)
    client.username_pw_set(device.mqtt_username, made.mqtt_password)

    def hear(identity: int, client: Client, _data, message) -> None:
        command = json.loads(message.payload)["id"]
        street.heard.append((identity, command, time.monotonic()))
        client.publish(f"{topic}/ack", json.dumps({"id": command, "status": "done"}), qos=1)

    client.on_message = partial(hear, identity)
    client.on_connect = lambda *_: client.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: ready.append(identity)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


@contextlib.contextmanager
def street(server: Flask, count: int) -> Iterator[Street]:
    """Run broker, listener and so many doors of one owner until the block ends."""
    with at_work(server), server.app_context():
        parts, now = wiring.current(), utcnow()
        clients: list[Client] = []
        try:
            with transaction() as session:
                email = "host@example.org"
                host = User(email=email, email_typed=email, created_at=now, confirmed_at=now)
                session.add(host)
            made, ready = Street(server, host.id), []
            for number in range(count):
                door = registry.create(
                    f"Door {number}",
                    "lock",
                    by=host,
                    now=now,
                    broker=parts.broker,
                    keys=parts.keys,
                    namespace=parts.settings.mqtt_namespace,
                )
                made.doors.append(door.device.id)
                clients.append(_client(made, door, parts.settings.mqtt_port, ready))
            until(lambda: len(ready) == count, 30, "every door listens")
            yield made
        finally:
            for client in clients:
                client.disconnect()
                client.loop_stop()


def settled(street: Street, count: int) -> bool:
    """Whether the doors have said of so many commands that they are done."""
    with street.server.app_context():
        done = db.session.query(Command).filter_by(state="done").count()
        db.session.remove()
    return done == count
