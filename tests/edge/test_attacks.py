"""Each attack of docs/attacks.md, against a plain broker and against Gatehouse's own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import Settings
from devices.credentials import mosquitto_hash
from devices.ports import BrokerIdentity
from edge.client import DeviceClient
from edge.login import Login
from mqtt.broker_files import FileBroker
from mqtt.mosquitto import Mosquitto, accounts, folder_of, server_login
from tests.edge.conftest import KEY, MOSQUITTO, Server, command
from tests.stack import free_port, until

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = ROOT / "docs/attacks"
VICTIM, ATTACKER = "front-door-x7k2", "students-board"


class Program:
    """One of the programs of docs/attacks, running; what it says is kept."""

    def __init__(self, log: Path, name: str, *arguments: object) -> None:
        self._log = log / f"{name}-{time.monotonic_ns()}.txt"
        with open(self._log, "wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, ATTACKS / f"{name}.py", *map(str, arguments)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def code(self) -> int:
        return self.process.wait(20)


@pytest.fixture
def program(tmp_path):
    started = []

    def start(name: str, *arguments: object) -> Program:
        started.append(Program(tmp_path, name, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def plain(tmp_path):
    """The port of a broker as tutorials have it."""
    port = free_port()
    config = tmp_path / "plain.conf"
    config.write_text((ATTACKS / "plain.conf").read_text().replace("1884", str(port)))
    process = subprocess.Popen([MOSQUITTO, "-c", config], stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait()


@pytest.fixture
def plain_lock(plain, program):
    """A lock as tutorials have it, listening."""
    lock = program("plain_lock", "--port", plain)
    until(lambda: "ready" in lock.said or lock.process.poll() is not None)
    return lock


@pytest.fixture
def guarded(tmp_path):
    """The broker that Gatehouse runs, with a lock and an attacker's own board."""
    instance = tmp_path / "instance"
    instance.mkdir()
    settings = Settings(instance_dir=instance, mqtt_port=free_port())
    broker = Mosquitto(settings)
    FileBroker(
        folder_of(settings),
        settings.mqtt_namespace,
        accounts=accounts(settings),
        known=lambda: (),
        reload=broker.reload,
    ).upsert(
        *(
            BrokerIdentity(f"u-{name}", mosquitto_hash("secret"), name)
            for name in (VICTIM, ATTACKER)
        )
    )
    broker.start()
    yield settings
    broker.stop()


@pytest.fixture
def server(guarded):
    """What the server hears and says."""
    server = Server(guarded.mqtt_port, *server_login(guarded, "listener"))
    yield server
    server.stop()


@pytest.fixture
def publisher(guarded):
    """The only account that may write commands; here in the wrong hands."""
    publisher = Server(guarded.mqtt_port, *server_login(guarded, "publisher"))
    yield publisher
    publisher.stop()


@pytest.fixture
def lock(guarded):
    """A lock with the client of `edge/`; what it would carry out is in `opened`."""
    opened = []
    login = Login(VICTIM, f"u-{VICTIM}", "secret", port=guarded.mqtt_port, command_key=KEY)
    lock = DeviceClient(login, on_command=opened.append)
    lock.opened = opened
    lock.start()
    until(lambda: lock.connected)
    yield lock
    lock.stop()


@pytest.fixture
def attacker(guarded):
    """How the attacker logs in: with a device of his own."""
    return ["--port", guarded.mqtt_port, "--username", f"u-{ATTACKER}", "--password", "secret"]


def test_eavesdropping_works_on_a_plain_broker(plain, plain_lock, program):
    spy = program("eavesdrop", "--port", plain, "--seconds", 3)
    until(lambda: "listening" in spy.said)
    program("poison", "--port", plain, "home/front-door/commands", "unlock").code()

    assert spy.code() == 0
    assert "home/front-door/commands b'unlock'" in spy.said


def test_eavesdropping_hears_nothing_here(server, lock, publisher, attacker, program):
    spy = program("eavesdrop", *attacker, "--own", f"gatehouse/{ATTACKER}/", "--seconds", 3)
    until(lambda: "listening" in spy.said)
    lock.publish({"temperature": 21.5})
    publisher.say(VICTIM, command())
    until(lambda: lock.opened)
    until(lambda: server.readings(VICTIM))

    assert spy.code() == 1


def test_a_stranger_without_credentials_is_not_let_in(guarded, program):
    spy = program("eavesdrop", "--port", guarded.mqtt_port, "--seconds", 1)

    assert spy.code() == 1
    assert "listening" not in spy.said


def test_poisoning_works_on_a_plain_broker(plain, plain_lock, program):
    program("poison", "--port", plain, "home/front-door/commands", "unlock").code()

    until(lambda: "OPEN b'unlock'" in plain_lock.said)


def test_a_false_reading_does_not_reach_the_server(server, lock, attacker, program):
    for rest in ("telemetry", "status", "led/hall", "commands/ack", "sealed"):
        program(
            "poison", *attacker, f"gatehouse/{VICTIM}/{rest}", '{"temperature": "false"}'
        ).code()
    lock.publish({"temperature": 21.5})

    until(lambda: server.readings(VICTIM))
    assert not [message for message in server.heard if "false" in message.payload]


def test_an_unlock_of_somebody_else_does_not_reach_the_lock(lock, publisher, attacker, program):
    program("poison", *attacker, f"gatehouse/{VICTIM}/commands", "unlock").code()
    program("poison", *attacker, "--retain", f"gatehouse/{VICTIM}/commands", "unlock").code()
    publisher.say(VICTIM, command())

    until(lambda: lock.opened)
    assert lock.counters.commands == {"accepted": 1}


def test_a_retained_unlock_opens_a_plain_lock_at_each_start(plain, program):
    program("poison", "--port", plain, "--retain", "home/front-door/commands", "unlock").code()

    for _start in range(2):
        lock = program("plain_lock", "--port", plain)
        until(lambda lock=lock: "OPEN" in lock.said)
        lock.process.kill()


def test_a_retained_unlock_does_nothing_here_even_with_the_servers_account(lock, publisher):
    publisher.say(VICTIM, command(), retain=True)
    until(lambda: lock.counters.commands.get("retained"))
    lock.cut()
    lock.start()

    until(lambda: lock.counters.commands["retained"] == 2)
    assert lock.opened == []


def test_a_replay_works_on_a_plain_broker(plain, plain_lock, program, tmp_path):
    what = ("--port", plain, "home/front-door/commands", tmp_path / "command.bin")
    recorder = program("replay", "record", *what)
    until(lambda: "listening" in recorder.said)
    program("poison", "--port", plain, "home/front-door/commands", "unlock-7731").code()
    assert recorder.code() == 0

    program("replay", "send", *what).code()

    until(lambda: plain_lock.said.count("OPEN b'unlock-7731'") == 2)


def test_a_command_cannot_be_recorded_here(lock, publisher, attacker, program, tmp_path):
    topic = f"gatehouse/{VICTIM}/commands"
    recorder = program("replay", "record", *attacker, "--seconds", 3, topic, tmp_path / "c.bin")
    until(lambda: "listening" in recorder.said)
    publisher.say(VICTIM, command())
    until(lambda: lock.opened)

    assert recorder.code() == 1


def test_a_recorded_command_does_nothing_here_even_with_the_servers_account(
    guarded, lock, publisher, program, tmp_path
):
    recorded = tmp_path / "command.bin"
    message = command()
    publisher.say(VICTIM, message)
    until(lambda: lock.opened)
    username, password = server_login(guarded, "publisher")
    login = ["--port", guarded.mqtt_port, "--username", username, "--password", password]
    for stolen in (message, command(number=2, late_ms=1)):
        recorded.write_text(json.dumps(stolen))
        program("replay", "send", *login, f"gatehouse/{VICTIM}/commands", recorded).code()

    until(lambda: lock.counters.commands == {"accepted": 1, "replayed": 1, "expired": 1})
    assert len(lock.opened) == 1


def test_a_client_id_is_taken_over_on_a_plain_broker(plain, plain_lock, program):
    program("hijack", "--port", plain, "--seconds", 1, "front-door").code()

    assert "disconnected" in plain_lock.said


def test_a_client_id_cannot_be_taken_over_here(server, lock, attacker, program):
    for client_id in (f"u-{VICTIM}", VICTIM, "server-listener"):
        program("hijack", *attacker, "--seconds", 1, client_id).code()
    lock.publish({"temperature": 21.5})

    until(lambda: server.readings(VICTIM))
    assert server.on(VICTIM, "status") == ["online"]
    until(lambda: lock.counters.sent == 2)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_wiretap_reads_what_is_not_sealed(guarded, server, program, sealed):
    port = free_port()
    tap = program("wiretap", "--listen", port, "--port", guarded.mqtt_port)
    until(lambda: "listening" in tap.said)
    login = Login(VICTIM, f"u-{VICTIM}", "secret", port=port, command_key=KEY)
    device = DeviceClient(login, on_command=print, sealed=sealed)
    device.start()
    device.publish({"temperature": 21.5})
    until(lambda: device.counters.sent == 2)
    device.stop()

    until(lambda: "offline" in tap.said)
    assert ("temperature" in tap.said) is not sealed
    assert f"gatehouse/{VICTIM}/{'sealed' if sealed else 'telemetry'}" in tap.said


def test_every_attack_is_described():
    page = (ROOT / "docs/attacks.md").read_text()

    for script in ATTACKS.glob("*.py"):
        assert script.name in page
