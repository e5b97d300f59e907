"""One MQTT 5 connection that comes back by itself."""

import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.login import Login

KEEPALIVE_S = 30  # the broker sends the last will after one and a half of these
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
CONNECT_TIMEOUT_S = 10.0
STEADY_S = 20.0  # a connection that held for so long is tried again at once
FAREWELL_S = 2.0
log = logging.getLogger("gatehouse.edge")


class Device(Protocol):
    """Whose connection it is.

    `up`, `work`, `farewell` and `down` come from the connection's own thread, one at a time;
    `heard` and `taken` from the library's, which must not be kept waiting.
    """

    def up(self) -> None:
        """The broker has let the device in, and commands can come."""

    def work(self) -> None:
        """Somebody called `wake` and the broker is there."""

    def farewell(self) -> None:
        """The connection is about to be ended politely."""

    def down(self) -> None:
        """The connection has ended, whether the broker had let the device in or not."""

    def heard(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """A message came on one of the subscribed topics."""

    def taken(self, number: int, code: int) -> None:
        """The broker has a message; reason codes from 128 on say that it refuses it."""


class Connection:
    """Keeps one device connected; a broken connection is tried again, each time later.

    Waiting times double from half a second to a minute and are drawn at random below that, so
    that a thousand devices do not come back in the same second after the broker was away.
    Each connection begins with nothing under way: what to send again, and in which order, is
    the device's decision, not the library's.
    """

    def __init__(self, login: Login, device: Device, *, subscriptions: tuple[str, ...]) -> None:
        self._login = login
        self._device = device
        self._subscriptions = subscriptions
        self._client: Client | None = None
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._polite = True
        self._wakeup = threading.Event()
        self._accepted = False  # by the broker, in the present connection
        self._gone = threading.Event()  # the present connection has ended
        self.problem = ""  # why there is no connection, in words

    def start(self) -> None:
        """Connect in the background."""
        self._ending = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._ending,), name=self._login.controller_id, daemon=True
        )
        self._thread.start()

    def wake(self) -> None:
        """Have `work` called soon, if the broker is there."""
        self._wakeup.set()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Send with QoS 1, from within `up`, `work` or `farewell`; returns the message's number."""
        assert self._client is not None
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def stop(self) -> None:
        """Say goodbye to the broker, which then keeps the last will to itself."""
        self._end(polite=True)

    def cut(self) -> None:
        """Vanish without a word, as if the power had failed: the broker sends the last will."""
        self._end(polite=False)

    def _end(self, *, polite: bool) -> None:
        self._polite = polite
        self._ending.set()
        self._wakeup.set()
        if self._thread is not None and self._accepted:  # a mere attempt ends by itself
            self._thread.join(2 * FAREWELL_S)

    def _run(self, ending: threading.Event) -> None:
        wait_s = FIRST_WAIT_S
        while not ending.is_set():
            began = time.monotonic()
            self._connect_once(ending)
            if time.monotonic() - began > STEADY_S:
                wait_s = FIRST_WAIT_S
            ending.wait(random.uniform(wait_s / 2, wait_s))  # noqa: S311  jitter, not a secret
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _connect_once(self, ending: threading.Event) -> None:
        """Stay connected as long as it lasts."""
        client = self._new_client()
        self._gone.clear()
        try:
            client.connect(self._login.host, self._login.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self.problem = f"{self._login.host}:{self._login.port}: {error}"
            return
        self._client = client
        client.loop_start()
        self._serve(client, ending)
        client.loop_stop()
        self._client, self._accepted = None, False
        self._tell(self._device.down)

    def _serve(self, client: Client, ending: threading.Event) -> None:
        was_up = False
        while not self._gone.is_set():
            if self._accepted and not was_up:
                was_up = True
                self._tell(self._device.up)
            if ending.is_set():
                self._leave(client)
                break
            if was_up:
                self._tell(self._device.work)
            self._wakeup.wait()
            self._wakeup.clear()

    def _leave(self, client: Client) -> None:
        wire = client.socket()
        if self._polite:
            if self._accepted:
                self._tell(self._device.farewell)
            client.disconnect()
        elif isinstance(wire, socket.socket):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self._gone.wait(FAREWELL_S)

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
        client.on_subscribe = self._on_subscribe
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

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _p: Any
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        self.problem = f"the broker refuses commands: {refused[0]}" if refused else ""
        self._accepted = True  # only now: who says "online" must hear what is said to it
        self._wakeup.set()

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, code: ReasonCode, _p: Any
    ) -> None:
        self.problem = self.problem or f"the connection ended: {code}"
        self._gone.set()
        self._wakeup.set()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._tell(
            lambda: self._device.heard(
                message.topic, bytes(message.payload), retained=bool(message.retain)
            )
        )

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Properties
    ) -> None:
        self._tell(lambda: self._device.taken(mid, code.value))

    def _tell(self, event: Callable[[], None]) -> None:
        try:
            event()
        except Exception:  # raised further, it would end a thread without a word
            log.exception("%s: an event could not be handled", self._login.controller_id)
