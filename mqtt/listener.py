"""Receives what all devices publish, and acknowledges it once it is stored.

The session is persistent: what is not acknowledged comes again after a crash or a lost
connection.  A message id belongs to one connection; after a lost session the broker uses it for
another message.  So every connection has a generation, and nothing of an older one is ever
acknowledged.
"""

import logging
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from clock import now_ms
from config import Settings
from mqtt import topics
from mqtt.bulk import BulkClient
from mqtt.client import connect, disconnect, set_up, transport
from mqtt.frames import Publication
from mqtt.inbox import Inbox, Message
from mqtt.mosquitto import client_id

log = logging.getLogger(__name__)


class Listener:
    """The one connection over which readings come in; fills an inbox."""

    def __init__(self, settings: Settings, inbox: Inbox) -> None:
        self._settings = settings
        self._inbox = inbox
        self._lock = threading.Lock()  # no acknowledgement while the generation changes
        self.generation = 0
        self.session_since = 0  # the generation with which the broker's session began
        self.connected = False
        self._wanted = False  # between start and stop
        self._foreign: frozenset[str] = frozenset()  # topics that are not our devices'
        self._own_mid: int | None = None  # of the subscription that we cannot do without
        self.problem = ""  # why there is no connection, as the broker said it
        self.client = BulkClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id(settings, "listener"),
            protocol=MQTTProtocolVersion.MQTTv311,
            clean_session=False,
            manual_ack=True,
            on_messages=self._on_messages,
            transport=transport(settings),
        )
        set_up(self.client, settings, "listener")
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe

    def start(self) -> None:
        """Connect in the background."""
        connect(self.client, self._settings)
        self._wanted = True

    def stop(self) -> None:
        """End the connection; the session stays and collects what comes meanwhile."""
        self._wanted = False
        self.connected = False
        disconnect(self.client)

    def revive(self) -> None:
        """Start the network thread again should it ever have died; does nothing otherwise."""
        if self._wanted:
            self.client.loop_start()

    def follow(self, filters: frozenset[str]) -> None:
        """Listen to these topics besides those of our own devices, instead of those before."""
        before, self._foreign = self._foreign, filters
        if not self.connected:
            return  # the next connection begins with them
        if fresh := filters - before:
            self.client.subscribe([(name, 1) for name in sorted(fresh)])
        if gone := before - filters:
            self.client.unsubscribe(sorted(gone))

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that messages of one connection are stored, in order."""
        with self._lock:
            self.client.ack_all(
                message.mid
                for message in messages
                if message.mid and message.generation == self.generation
            )

    def _on_connect(
        self, client: Client, _data: Any, flags: ConnectFlags, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self.problem = str(reason)
            log.warning("the broker refuses the listener: %s", reason)
            return
        self._next_generation()
        if not flags.session_present:
            self.session_since = self.generation
        self.problem = ""
        filters = topics.listened(self._settings.mqtt_namespace)
        _, self._own_mid = client.subscribe([(name, 1) for name in filters])
        if self._foreign:
            client.subscribe([(name, 1) for name in sorted(self._foreign)])

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, reasons: list[Any], _properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if mid != self._own_mid:
            if refused:
                log.warning("the broker refuses %d foreign topics", len(refused))
            return
        if refused:
            self.problem = f"subscription refused: {refused[0]}"
            log.error("the broker refuses %d of the listener's subscriptions", len(refused))
        self.connected = not refused

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if self.connected:
            log.warning("the listener lost the broker: %s", reason)
        self.connected = False
        self._next_generation()

    def _next_generation(self) -> None:
        with self._lock:
            self.generation += 1
        self._inbox.clear()

    def _on_messages(self, messages: list[Publication]) -> None:
        generation, now = self.generation, now_ms()
        self._inbox.put(
            *[
                Message(_name(topic), payload, mid, generation, now, retained, repeated)
                for topic, payload, mid, retained, repeated in messages
            ]
        )


@lru_cache(maxsize=65_536)
def _name(topic: bytes) -> str:
    """Return a topic as text; one that is none belongs to nobody, and is counted as such."""
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return ""
