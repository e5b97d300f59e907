"""A real Mosquitto in a folder of its own, and clients that note what they get."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from config import Settings
from mqtt.mosquitto import Mosquitto
from tests.stack import free_port, until


class Speaker:
    """One MQTT client that never reconnects by itself."""

    def __init__(
        self,
        port: int,
        username: str,
        password: str,
        *,
        client_id: str = "",
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
        clean_session: bool | None = None,
    ) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.reason: int | None = None  # of the answer to CONNECT; 0: let in
        self.ended = threading.Event()
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id or username,
            protocol=protocol,
            clean_session=clean_session,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(username, password)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = lambda *_: self.ended.set()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, message: self.got.append(
            (message.topic, message.payload)
        )
        self._client.connect("127.0.0.1", port, keepalive=30)
        self._connection = self._client.socket()
        self._client.loop_start()
        until(lambda: self.reason is not None, what="an answer to CONNECT")

    def _on_connect(self, _client, _userdata, _flags, reason, _properties) -> None:
        self.reason = reason.value

    @property
    def is_in(self) -> bool:
        return self.reason == 0 and not self.ended.is_set()

    def subscribe(self, topic: str) -> None:
        self._subscribed.clear()
        self._client.subscribe(topic, 1)
        assert self._subscribed.wait(5)

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish and wait until the broker has it, or has thrown us out for it."""
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        end = time.monotonic() + 20
        while not (sent.is_published() or self.ended.is_set()):
            assert time.monotonic() < end, "no acknowledgement"
            sent.wait_for_publish(0.1)

    def close(self) -> None:
        """Leave, and wait until the broker knows: it ends the connection."""
        client, self._client = self._client, None  # its sockets go with it, at once
        if client is None:
            return
        with suppress(OSError), self._connection.dup() as still_open:
            client.disconnect()
            still_open.settimeout(5)
            while still_open.recv(4096):
                pass
        client.loop_stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an installation whose broker has a port of its own."""
    instance = tmp_path / "instance"
    instance.mkdir()
    return Settings(instance_dir=instance, bcrypt_cost=4, mqtt_port=free_port())


@pytest.fixture
def mosquitto(settings: Settings) -> Iterator[Mosquitto]:
    """The broker of the installation, running."""
    broker = Mosquitto(settings)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def speak(settings: Settings) -> Iterator[Callable[..., Speaker]]:
    """Connects clients to the broker; they are closed at the end."""
    made: list[Speaker] = []

    def connect(username: str, password: str, **options) -> Speaker:
        made.append(Speaker(settings.mqtt_port, username, password, **options))
        return made[-1]

    yield connect
    for speaker in made:
        speaker.close()


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
