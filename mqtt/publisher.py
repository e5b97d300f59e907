"""Sends the server's messages to the broker: at once or not at all.

A command that waits for a connection would be carried out late, so nothing is queued.  paho
sends again after a reconnect what was not acknowledged; therefore each connection has a client
of its own, which ends with it.

Whoever publishes also writes to the socket: waking paho's own network thread for that costs a
millisecond in a busy process.  So that thread is ours, it reads, and writers take turns.
"""

import logging
import queue
import select
import socket
import threading
from collections.abc import Callable
from math import floor
from typing import Any

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from config import Settings
from devices.ports import BrokerLog
from mqtt.brokers import broker_log
from mqtt.client import new_client, send_at_once
from mqtt.mosquitto import endpoint

KEEPALIVE_S = 20
MISC_EVERY_MS = 1000  # time for paho to look after its keep-alive
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)  # pauses between tries; the last one stays
NO_SUBSCRIBERS = 0x10  # MQTT 5: the broker took the message, and nobody is subscribed
UNSENT_S = 2  # what did not reach the broker's machine for so long is dropped with the connection
IN_FLIGHT = 2000  # messages the broker has not acknowledged; more are refused
log = logging.getLogger("gatehouse.publisher")


class MqttPublisher:
    """The `Publisher` of this server: MQTT 5, QoS 1, in a thread of its own."""

    def __init__(self, settings: Settings, brokerlog: BrokerLog | None = None) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            settings: say where the broker is.
            brokerlog: what the broker writes down; None: found by the settings.
        """
        self._settings = settings
        self._brokerlog = brokerlog or broker_log(settings)
        self._client: Client | None = None  # only while connected
        self._generation = 0  # of the connection; message ids repeat in each
        self._waiting: dict[tuple[int, int], Callable[[bool], None]] = {}
        self._lock = threading.Lock()  # of the socket's writing end; paho's callbacks never take it
        self._taken: queue.SimpleQueue[tuple[int, int, bool] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._ended = threading.Event()  # of the connection
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to connect, and to reconnect whenever the connection ends."""
        self._threads = [
            threading.Thread(target=self._connect, name="publisher", daemon=True),
            threading.Thread(target=self._tell, name="publisher-taken", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Disconnect and end."""
        self._stop.set()
        with self._lock:
            if self._client:
                self._client.disconnect()
        self._ended.set()
        self._taken.put(None)
        for thread in self._threads:
            thread.join(5)

    @property
    def connected(self) -> bool:
        """Whether a message would be sent at once."""
        return self._client is not None

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._generation

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        expires_in_s: float | None = None,
        retain: bool = False,
        on_taken: Callable[[bool], None] | None = None,
    ) -> bool:
        """Send with QoS 1; never blocks, never raises, never sends later.

        `on_taken` is called in a thread of the publisher, never in the one that reads from the
        network, so it may take its time.
        """
        properties = None
        if expires_in_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            # brokers count in whole seconds and may keep it for one more
            properties.MessageExpiryInterval = max(1, floor(expires_in_s) - 1)
        with self._lock:
            client = self._client
            if client is None or len(self._waiting) >= IN_FLIGHT:
                return False
            try:
                sent = client.publish(topic, payload, qos=1, retain=retain, properties=properties)
            except ValueError:  # wildcards, or too large
                log.exception("cannot publish to %r", topic)
                return False
            if sent.rc != MQTT_ERR_SUCCESS:
                return False
            self._waiting[self._generation, sent.mid] = on_taken or _nothing
        return True

    def is_connected(self, username: str) -> bool | None:
        """Return whether a device is connected to the broker; None: the broker does not say."""
        return self._brokerlog.is_connected(username)

    def _connect(self) -> None:
        tries = 0
        while not self._stop.is_set():
            before = self._generation
            self._ended.clear()
            client = self._new_client()
            try:
                client.connect(*endpoint(self._settings), keepalive=KEEPALIVE_S)
                self._read(client)
                with self._lock:
                    self._waiting.clear()
            except OSError as error:
                log.debug("no connection to the broker: %s", error)
            tries = 0 if self._generation > before else tries + 1
            self._stop.wait(RETRY_S[min(tries, len(RETRY_S) - 1)])

    def _read(self, client: Client) -> None:
        """Take what the broker says, until the connection ends."""
        connection = client.socket()
        if connection is None:
            return
        number, waiting = connection.fileno(), select.poll()  # select() ends at 1,024 sockets
        waiting.register(number, select.POLLIN)
        while client.socket() is not None and not self._ended.is_set():
            waiting.modify(number, select.POLLIN | (select.POLLOUT * client.want_write()))
            waiting.poll(MISC_EVERY_MS)
            client.loop_read()
            while getattr(connection, "pending", int)():  # TLS holds more than the socket shows
                client.loop_read()
            with self._lock:
                if client.want_write():
                    client.loop_write()
                client.loop_misc()

    def _new_client(self) -> Client:
        client = new_client(
            self._settings, "publisher", MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(IN_FLIGHT)
        client.max_queued_messages_set(IN_FLIGHT)
        client.connect_timeout = 5
        client.on_socket_open = _give_up_soon
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.warning("the broker refuses the server: %s", reason)
            self._ended.set()
            return
        self._generation += 1
        self._client = client
        log.info("connected to the broker")

    def _on_disconnect(self, *_: Any) -> None:
        self._client = None
        self._ended.set()

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        heard = not reason.is_failure and reason.value != NO_SUBSCRIBERS
        self._taken.put((self._generation, mid, heard))

    def _tell(self) -> None:
        while (item := self._taken.get()) is not None:
            generation, mid, heard = item
            with self._lock:
                callback = self._waiting.pop((generation, mid), _nothing)
            try:
                callback(heard)
            except Exception:  # the next message has its own callback
                log.exception("what follows a message failed")


def _give_up_soon(_client: Client, _data: Any, connection: Any) -> None:
    """Let no message wait in this machine until a network is back: it would be carried out late."""
    send_at_once(_client, _data, connection)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_S * 1000)


def _nothing(_heard: bool) -> None:
    """Nobody asked."""
