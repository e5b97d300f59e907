"""A weekend of a guesthouse: what the log says is what the doors did, and nothing else."""

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import wiring
from clock import utcnow
from db.base import db, transaction
from db.models import Command, Device, User
from devices import guests, registry
from devices.guest_terms import Terms
from edge.client import DeviceClient
from edge.login import Login
from tests.api.conftest import close, installation
from tests.guest import open_page, press
from tests.portal import at_work
from tests.stack import until

HOUR = timedelta(hours=1)
FINAL = {"done", "refused", "failed", "expired", "no_answer"}


class Door:
    """A door with the real client of a device; it notes each time that it opens."""

    def __init__(self, made: registry.Created, port: int) -> None:
        self.made, self.port = made, port
        self.opened: list[str] = []  # ids of commands
        self.client = self._connect()

    def _connect(self) -> DeviceClient:
        device = self.made.device
        login = Login(
            controller_id=device.controller_id,
            username=device.mqtt_username,
            password=self.made.mqtt_password,
            command_key=self.made.command_key,
            port=self.port,
        )
        client = DeviceClient(login, on_command=self._open)
        client.start()
        until(lambda: client.connected, what="the door is connected")
        return client

    def _open(self, command) -> None:
        self.opened.append(command.id)
        self.client.answer(command, "done")

    def lose_network(self) -> None:
        self.client.cut()

    def come_back(self) -> None:
        self.client = self._connect()


@pytest.fixture
def house(tmp_path):
    server = installation(tmp_path)
    with at_work(server):
        yield server
    close(server)


def rent(server: Flask, names: list[str]) -> tuple[int, list[Door]]:
    """An owner with a door for each room."""
    with server.app_context():
        parts, now = wiring.current(), utcnow()
        with transaction() as session:
            owner = User(
                email="host@example.org",
                email_typed="host@example.org",
                created_at=now,
                confirmed_at=now,
            )
            session.add(owner)
        doors = []
        for name in names:
            made = registry.create(
                name,
                "lock",
                by=owner,
                now=now,
                broker=parts.broker,
                keys=parts.keys,
                namespace=parts.settings.mqtt_namespace,
            )
            db.session.refresh(made.device)
            db.session.expunge(made.device)
            doors.append(Door(made, parts.settings.mqtt_port))
        return owner.id, doors


def link(server: Flask, owner: int, door: Door, guest: str, begins, ends, **more) -> str:
    """A link that was made two days ago; returns the path of its page."""
    now = utcnow()
    with server.app_context():
        terms = Terms(guest, now + begins, now + ends, "Europe/Berlin", **more)
        _, url = guests.create(
            db.session.get_one(Device, door.made.device.id),
            terms,
            by=db.session.get_one(User, owner),
            keys=wiring.current().keys,
            url="",
            now=now - 48 * HOUR,
            address="",
        )
        return url


def log(server: Flask, door: Door) -> list[tuple[str, str, str]]:
    """Who, what came of it, and the id: of every command to a door, oldest first."""
    with server.app_context():
        rows = (
            db.session.query(Command).filter_by(device_id=door.made.device.id).order_by(Command.id)
        )
        return [(row.actor, row.state, row.public_id) for row in rows]


def settled(server: Flask, door: Door, count: int) -> bool:
    rows = log(server, door)
    return len(rows) == count and all(state in FINAL for _, state, _ in rows)


def test_a_weekend_of_a_guesthouse(house: Flask):
    owner, [one, two, three] = rent(house, ["Room 1", "Room 2", "Room 3"])
    on_time = link(house, owner, one, "Mia", -HOUR, 24 * HOUR)
    early = link(house, owner, two, "Otto", 3 * HOUR, 24 * HOUR)
    late = link(house, owner, two, "Ada", -24 * HOUR, -HOUR)
    leaked = link(house, owner, three, "Ivo", -HOUR, 24 * HOUR, max_uses=5)

    # on time, with a double press and a preview of the link
    for _ in range(5):
        assert house.test_client().get(on_time).status_code == 200
    page = open_page(house, on_time)
    assert press(house, on_time, page).status_code == 303
    assert press(house, on_time, page).status_code == 303
    until(lambda: settled(house, one, 1), what="Mia is in")

    # early and late: nothing is sent at all
    assert press(house, early).status_code == 403
    assert press(house, late).status_code == 404
    assert log(house, two) == []

    # the leaked link works until it is revoked
    assert press(house, leaked).status_code == 303
    until(lambda: settled(house, three, 1), what="Ivo is in")
    with house.app_context():
        device = db.session.get_one(Device, three.made.device.id)
        by = db.session.get_one(User, owner)
        [made] = guests.of(device, by=by)
        guests.revoke(device, made.public_id, by=by, now=utcnow(), address="")
    assert press(house, leaked).status_code == 404

    # the network of the first door drops twice; what was pressed meanwhile never opens it
    for _ in range(2):
        before = list(one.opened)
        one.lose_network()
        press(house, on_time)
        until(lambda: log(house, one)[-1][1] in FINAL, what="the page says no answer")
        one.come_back()
        assert one.opened == before
        press(house, on_time)
        until(lambda: log(house, one)[-1][1] == "done", what="the door opens again")

    for door in (one, two, three):
        rows = log(house, door)
        assert [public_id for _, state, public_id in rows if state == "done"] == door.opened
    assert [(who, state) for who, state, _ in log(house, one)] == [
        ("Mia", "done"),
        ("Mia", "no_answer"),
        ("Mia", "done"),
        ("Mia", "no_answer"),
        ("Mia", "done"),
    ]
    assert [(who, state) for who, state, _ in log(house, three)] == [("Ivo", "done")]
    for door in (one, two, three):
        door.client.stop()


def test_a_recorded_command_opens_no_door_again(house: Flask):
    owner, [door] = rent(house, ["Room 1"])
    heard: list[tuple[str, bytes]] = []
    taken = door.client.heard
    door.client.heard = lambda topic, payload, *, retained: (  # a recorder on the wire
        heard.append((topic, payload)),
        taken(topic, payload, retained=retained),
    )
    press(house, link(house, owner, door, "Mia", -HOUR, HOUR))
    until(lambda: settled(house, door, 1), what="Mia is in")
    [(topic, recorded)] = [one for one in heard if one[0].endswith("/commands")]
    late = json.loads(recorded) | {"expires": json.loads(recorded)["issued"] - 1}
    forged = json.loads(recorded) | {"id": "00000000-0000-4000-8000-000000000001"}
    bare = {name: part for name, part in forged.items() if name != "sig"}

    taken(topic, recorded, retained=False)  # the same again
    taken(topic, recorded, retained=True)  # kept by a broker
    taken(topic, json.dumps(late).encode(), retained=False)  # another time written into it
    taken(topic, json.dumps(forged).encode(), retained=False)  # another id written into it
    taken(topic, json.dumps(bare).encode(), retained=False)  # another id, and no signature
    assert door.opened == [log(house, door)[0][2]]

    door.client.stop()


@contextlib.contextmanager
def naive(door: Door) -> Iterator[list[bytes]]:
    """A door that checks nothing, and for which the broker keeps what it misses; what it hears."""
    heard: list[bytes] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, "naive", protocol=MQTTv5)
    client.username_pw_set(door.made.device.mqtt_username, door.made.mqtt_password)
    topic = f"gatehouse/{door.made.device.controller_id}/commands"
    client.on_message = lambda _client, _data, message: heard.append(message.payload)
    client.on_connect = lambda *_: client.subscribe(topic, qos=1)
    client.on_subscribe = lambda *_: ready.set()
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 3600
    client.connect("127.0.0.1", door.port, clean_start=False, properties=kept)
    client.loop_start()
    assert ready.wait(10)
    yield heard
    client.disconnect()
    client.loop_stop()


def test_a_door_that_was_away_is_said_not_to_answer_and_does_not_open_later(house: Flask):
    owner, [door] = rent(house, ["Room 1"])
    door.client.stop()
    with naive(door):
        pass
    path = link(house, owner, door, "Mia", -HOUR, HOUR)
    page = press(house, path).headers["Location"]
    said = "The door does not answer."
    until(lambda: said in house.test_client().get(page).text, what="the page says no answer")
    with naive(door) as heard:
        press(house, path)
        until(lambda: heard, what="the door hears what is asked now")
    [_missed, (_, _, now)] = log(house, door)
    assert [json.loads(payload)["id"] for payload in heard] == [now]
