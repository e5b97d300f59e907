"""A real Mosquitto with a few devices, and a server's ear and voice on it."""

import getpass
import json
import shutil
import socket
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge import commands
from edge.login import Login
from tests.stack import free_port, until

DEVICES = [f"device-{number}" for number in range(60)]
KEY = "a-command-key-of-the-tests"
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

Message = namedtuple("Message", "topic payload retain at")


class Broker:
    """One Mosquitto with a password and topics of its own for each device."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        passwords, rights = folder / "passwords", folder / "rights"
        passwords.write_text("".join(f"{name}:secret\n" for name in ["server", *DEVICES]))
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
        rights.write_text("user server\ntopic readwrite #\npattern readwrite gatehouse/%u/#\n")
        self._config.write_text(
            f"user {getpass.getuser()}\nlistener {self.port} 127.0.0.1\n"
            f"allow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {rights}\nuse_username_as_clientid true\nset_tcp_nodelay true\n"
            "max_queued_messages 0\nmax_inflight_messages 0\nlog_type none\n"
        )
        self._process = None

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)])
        try:
            until(self._answers)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0


class Server:
    """Hears everything that devices say, and sends them what it is told to."""

    def __init__(self, port: int, username: str = "server", password: str = "secret") -> None:
        self.heard: list[Message] = []
        self._ready = False
        self._client = Client(
            CallbackAPIVersion.VERSION2, username, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.username_pw_set(username, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("gatehouse/#", qos=1)
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._gone
        self._client.on_message = lambda _c, _d, message: self.heard.append(
            Message(
                message.topic,
                message.payload.decode("utf-8", "replace"),
                message.retain,
                time.monotonic(),
            )
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait_until_ready()

    def _subscribed(self, *_args) -> None:
        self._ready = True

    def _gone(self, *_args) -> None:
        self._ready = False

    def wait_until_ready(self) -> None:
        until(lambda: self._ready)

    def on(self, name: str, rest: str) -> list[str]:
        """Return what came on one of a device's topics."""
        return [m.payload for m in self.heard if m.topic == f"gatehouse/{name}/{rest}"]

    def acks(self, name: str) -> list[dict]:
        return [json.loads(payload) for payload in self.on(name, "commands/ack")]

    def readings(self, name: str) -> list[dict]:
        """Return every {"ts", "values"} of a device, from batches too, in order of arrival."""
        read = [json.loads(payload) for payload in self.on(name, "telemetry")]
        return [item for part in read for item in (part if isinstance(part, list) else [part])]

    def say(
        self, name: str, message: object, *, rest: str = "commands", retain: bool = False
    ) -> None:
        payload = message if isinstance(message, str | bytes) else json.dumps(message)
        self._client.publish(f"gatehouse/{name}/{rest}", payload, qos=1, retain=retain)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def command(name: str = "unlock", *, number: int = 1, key: str = KEY, late_ms: int = -4000, **more):
    """Return a signed command; `late_ms` after its expiry it is sent."""
    now = time.time_ns() // 1_000_000
    message = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": name,
        "params": {},
        "issued": now - late_ms - 4000,
        "expires": now - late_ms,
    } | more
    message["sig"] = commands.sign(
        key,
        command_id=message["id"],
        name=message["name"],
        params=message["params"],
        issued=message["issued"],
        expires=message["expires"],
    )
    return message


@pytest.fixture
def broker(tmp_path):
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def server(broker):
    server = Server(broker.port)
    yield server
    server.stop()


@pytest.fixture
def login(broker):
    """Return how a device logs in."""

    def make(name: str = "device-0", **more) -> Login:
        return Login(
            **(
                {
                    "controller_id": name,
                    "username": name,
                    "password": "secret",
                    "port": broker.port,
                    "command_key": KEY,
                }
                | more
            )
        )

    return make
