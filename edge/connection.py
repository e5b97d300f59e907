"""One MQTT 5 connection that comes back by itself."""

import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.login import Login

KEEPALIVE_S = 30  # the broker sends the last will after one and a half of these
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
CONNECT_TIMEOUT_S = 10.0
FAREWELL_S = 2.0
log = logging.getLogger("gatehouse.edge")


@dataclass(frozen=True, slots=True)
class Events:
    """Who is told what; every call comes from the network thread."""

    up: Callable[[], None]
    down: Callable[[], None]
    message: Callable[[str, bytes, bool], None]  # topic, payload, whether it was retained
    taken: Callable[[int, int], None]  # message number, the broker's reason code (from 128: no)


class Connection:
    """Keeps one device connected; a broken connection is tried again, each time later.

    Waiting times double from half a second to a minute and are drawn at random below that, so
    that a thousand devices do not come back in the same second after the broker was away.
    Each connection begins with nothing under way: what to send again, and in which order, is
    the buffer's decision, not the library's.
    """

    def __init__(self, login: Login, events: Events, *, subscriptions: tuple[str, ...]) -> None:
        self._login = login
        self._events = events
        self._subscriptions = subscriptions
        self._client: Client | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._gone = threading.Event()  # the present connection has ended
        self._wait_s = FIRST_WAIT_S
        self.connected = False
        self.problem = ""  # why there is no connection, in words

    def start(self) -> None:
        """Connect in the background."""
        self._ending = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._ending,), name=self._login.controller_id, daemon=True
        )
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send with QoS 1; returns the message's number, or None if that is not possible now."""
        client = self._client
        if client is None or not self.connected:
            return None
        sent = client.publish(topic, payload, qos=1, retain=retain)
        return sent.mid if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def stop(self) -> None:
        """Say goodbye to the broker, which then keeps the last will to itself."""
        self._ending.set()
        if self._client is not None:
            self._client.disconnect()
        self._finish()

    def cut(self) -> None:
        """Vanish without a word, as if the power had failed: the broker sends the last will."""
        self._ending.set()
        wire = self._client.socket() if self._client is not None else None
        if isinstance(wire, socket.socket):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self._finish()

    def _finish(self) -> None:
        """Wait for the end of a connection; a mere attempt ends by itself."""
        if self._thread is not None and self.connected:
            self._thread.join(FAREWELL_S)

    def _run(self, ending: threading.Event) -> None:
        wait_s = FIRST_WAIT_S
        while not ending.is_set():
            if self._connect_once(ending):
                wait_s = FIRST_WAIT_S
            ending.wait(random.uniform(wait_s / 2, wait_s))  # noqa: S311  jitter, not a secret
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _connect_once(self, ending: threading.Event) -> bool:
        """Stay connected as long as it lasts; returns whether the broker let the device in."""
        client = self._new_client()
        self._gone.clear()
        try:
            client.connect(self._login.host, self._login.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self.problem = f"{self._login.host}:{self._login.port}: {error}"
            return False
        self._client = client
        client.loop_start()
        if ending.is_set():
            client.disconnect()
        self._gone.wait()
        client.loop_stop()
        self._client = None
        was_up, self.connected = self.connected, False
        if was_up:
            self._tell(self._events.down)
        return was_up

    def _new_client(self) -> Client:
        login = self._login
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=login.username,  # the broker takes the user name anyway
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.username_pw_set(login.username, login.password)
        client.will_set(login.topic("status"), b"offline", qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        if login.tls:
            client.tls_set_context(ssl.create_default_context(cafile=login.ca or None))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _p: Any
    ) -> None:
        if code.is_failure:
            self.problem = f"the broker refuses this device: {code}"
            log.warning("%s: %s", self._login.controller_id, self.problem)
            return
        # Retained messages keep their mark even when they arrive live, so that they are known.
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe([(self._login.topic(rest), options) for rest in self._subscriptions])
        self.connected, self.problem = True, ""
        self._tell(self._events.up)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _p: Any
    ) -> None:
        self.problem = self.problem or f"the connection ended: {code}"
        self._gone.set()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._tell(self._events.message, message.topic, bytes(message.payload), message.retain)

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Properties
    ) -> None:
        self._tell(self._events.taken, mid, code.value)

    def _tell(self, listener: Callable[..., None], *what: object) -> None:
        try:
            listener(*what)
        except Exception:  # raised further, it would end the library's thread without a word
            log.exception("%s: an event could not be handled", self._login.controller_id)
