"""What the ACL file lets devices do, topic by topic on a real Mosquitto, against `decide`."""

import itertools
import socket

import pytest

from devices import credentials
from devices.ports import BrokerIdentity
from mqtt import topics
from mqtt.broker_files import FileBroker
from mqtt.broker_rules import exceptions, for_all
from mqtt.decide import READ, WRITE, decide
from mqtt.mosquitto import accounts, folder_of, server_login
from tests.stack import until

NS = "gatehouse"
HEX = "5f" * 32


def device(username: str, controller_id: str, *, reads=(), trees=()) -> BrokerIdentity:
    hashed = credentials.mosquitto_hash(username)  # the password is the name
    return BrokerIdentity(username, hashed, controller_id, reads=reads, trees=trees)


BEFORE = {
    "usual": device("c1", "c1"),
    "renamed": device("old", "old"),
    "renamed lock": device("gate", "gate", reads=(HEX,)),
    "swapped": device("left", "left"),
    "other swapped": device("right", "right"),
}
AFTER = {
    "usual": device("c1", "c1"),
    "renamed": device("old", "new"),
    "successor": device("d2", "old"),
    "opaque": device("d3", "c3"),
    "named like the opaque": device("d4", "d3"),
    "lock": device("c5", "c5", reads=("a" + HEX[1:],)),
    "renamed lock": device("gate", "portal", reads=(HEX,), trees=("shed",)),
    "with branches": device("c6", "c6", trees=("zigbee2mqtt", "tele/attic light")),
    "swapped": device("left", "right"),
    "other swapped": device("right", "left"),
}
IDS = sorted({name for one in AFTER.values() for name in (one.username, one.controller_id)})
RESTS = [rest.replace("+", "x") for rest in (*topics.DEVICE_WRITES, *topics.DEVICE_READS)]
TOPICS = [
    *(topics.of(NS, name, rest) for name in IDS for rest in [*RESTS, "other", "telemetry/x/y"]),
    *(
        f"{tree}{rest}"
        for tree in ("shed", "zigbee2mqtt", "tele/attic light")
        for rest in ("", "/a")
    ),
    *(HEX, "a" + HEX[1:], "tele/cellar", "elsewhere"),
]


@pytest.fixture
def admin(settings, mosquitto):
    return FileBroker(
        folder_of(settings),
        NS,
        accounts=accounts(settings),
        known=tuple,
        reload=mosquitto.reload,
    )


def packet(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


class Plain:
    """The least that is an MQTT client; comes again whenever the broker throws it out."""

    def __init__(self, port: int, name: str, password: str) -> None:
        self._port, self._login, self._socket = port, (name, password), None

    def publish(self, topic: str, payload: bytes) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            name, password = (text(one) for one in self._login)
            self._socket.sendall(
                packet(0x10, text("MQTT"), b"\x04\xc2\0\x3c", name, name, password)
            )
            assert self._socket.recv(4) == b"\x20\x02\0\0"
        self._socket.sendall(packet(0x30, text(topic), payload) + b"\xc0\0")
        try:
            answer = self._socket.recv(2)
        except ConnectionResetError:
            answer = b""
        if not answer:
            self.close()

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


def expected(action) -> set[tuple[str, str]]:
    return {
        (name, topic)
        for (name, one), topic in itertools.product(AFTER.items(), TOPICS)
        if decide(one, action, topic, namespace=NS)
    }


def test_devices_publish_exactly_what_is_decided(settings, admin, speak):
    admin.upsert(*BEFORE.values())
    admin.upsert(*AFTER.values())
    observer = speak(*server_login(settings, "listener"))
    observer.subscribe("#")
    for name, one in AFTER.items():
        client = Plain(settings.mqtt_port, one.username, one.username)
        for topic in TOPICS:
            client.publish(topic, name.encode())
        client.publish(topics.of(NS, one.controller_id, "log"), b"the last")
        client.close()
    until(lambda: [payload for _, payload in observer.got].count(b"the last") == len(AFTER))
    got = {(payload.decode(), topic) for topic, payload in observer.got if payload != b"the last"}
    assert got == expected(WRITE)


def test_devices_hear_exactly_what_is_decided_also_who_was_there_before(settings, admin, speak):
    admin.upsert(*BEFORE.values())
    speakers = {name: speak(one.username, one.username) for name, one in BEFORE.items()}
    for name, speaker in speakers.items():
        speaker.subscribe("#")
        speaker.subscribe(topics.of(NS, BEFORE[name].controller_id, "commands"))
    admin.upsert(*AFTER.values())
    for name, one in AFTER.items():
        if name not in speakers:
            speakers[name] = speak(one.username, one.username)
            speakers[name].subscribe("#")
    publisher = Plain(settings.mqtt_port, *server_login(settings, "publisher"))
    for topic in TOPICS:
        publisher.publish(topic, b"x")
    for one in AFTER.values():
        publisher.publish(topics.of(NS, one.controller_id, "files"), b"the last")
    publisher.close()
    for speaker in speakers.values():
        until(lambda who=speaker: any(payload == b"the last" for _, payload in who.got))
    got = {(name, topic) for name, speaker in speakers.items() for topic, _ in speaker.got}
    assert got == expected(READ)
    assert all(speaker.is_in for speaker in speakers.values())


def test_usual_devices_need_no_lines_of_their_own(settings, admin):
    admin.upsert(device("c1", "c1"))
    before = (folder_of(settings) / "acl").read_text()
    admin.upsert(*(device(f"c{number}", f"c{number}") for number in range(2, 100)))
    assert (folder_of(settings) / "acl").read_text() == before
    assert for_all(NS) in before


def test_a_device_that_has_its_first_name_again_has_no_lines_again(settings, admin):
    files = [(folder_of(settings) / name) for name in ("acl", "passwords")]
    usual = device("c1", "c1")
    admin.upsert(usual)
    before = [path.read_text() for path in files]
    admin.upsert(BrokerIdentity("c1", usual.password_hash, "c2"))
    assert [path.read_text() for path in files] != before
    admin.upsert(usual)
    assert [path.read_text() for path in files] == before


def test_a_renamed_device_is_refused_its_old_topics_before_anything_else():
    lines = exceptions(device("old", "new"), NS).splitlines()
    assert lines[:2] == ["user old", f"topic deny {NS}/old/#"]


def test_the_servers_own_names_are_given_to_no_device(admin):
    assert admin.username_for("server-listener") is None
    assert admin.username_for("garage") == "garage"
