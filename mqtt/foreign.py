"""What comes on topics that are not ours: values of mapped devices, and announcements."""

import hashlib
import logging
from collections import deque
from typing import Protocol

from flask import Flask
from sqlalchemy.exc import DataError, SQLAlchemyError

from clock import utcnow
from db.telemetry.store import TelemetryStore
from devices import asking, proposals
from devices.foreign import announcements
from devices.intake import Arrival, Intake, Outcome, refuse
from devices.mapped import Mapped
from devices.ports import LiveBus
from errors import Unavailable
from mqtt.decide import covers

log = logging.getLogger(__name__)

LARGEST = 65_536  # bytes of an announcement
MOST_SEEN = 20_000  # announcements that are not looked at twice


class Follower(Protocol):
    """What subscribes."""

    def follow(self, filters: frozenset[str]) -> None:
        """Listen to these topics, besides those of our own devices."""


class ForeignTopics:
    """Takes in what the devices of others say; for the writer's thread."""

    def __init__(
        self,
        server: Flask,
        store: TelemetryStore,
        bus: LiveBus,
        listener: Follower,
        *,
        namespace: str,
        discovery_prefix: str,
    ) -> None:
        self._server = server
        self._store = store
        self._bus = bus
        self._listener = listener
        self._namespace = namespace
        self._mapped = Mapped(server.app_context)
        self._prefix = discovery_prefix
        listener.follow(announcements.filters(discovery_prefix))
        self._seen: dict[str, bytes] = {}  # topic -> what was announced there last
        self._announced: deque[tuple[str, bytes]] = deque()  # topic it is kept under, payload
        self._shown: deque[tuple[int, str, float | str]] = deque()

    def changed(self) -> None:
        """Look mappings up again at the next message; any thread."""
        self._mapped.changed()

    def refresh(self) -> None:
        """Follow what mappings there are now.

        Raises:
            Unavailable: the database cannot be reached just now.
        """
        if self._mapped.refresh():
            announced = announcements.filters(self._prefix)
            self._listener.follow(without_overlap(self._mapped.filters | announced))

    def take(self, arrival: Arrival, intake: Intake, out: Outcome) -> None:
        """Add what a message on a foreign topic comes to.

        Raises:
            Unavailable: the store cannot be reached just now; the message can be given again.
        """
        found = self._mapped.find(arrival.topic)
        for device, reader in found:
            said = intake.take_foreign(device, reader, arrival, out)
            watched = self._mapped.expected.get(device.id, frozenset())
            self._shown.extend(
                (device.id, one.sensor, one.value) for one in said if one.sensor in watched
            )
        if kept := announcements.kept_as(arrival.topic, self._prefix):
            self._announced.append((kept, arrival.payload))
        elif not found:
            refuse(out, "unknown_topic", arrival)

    def fall_back(self, intake: Intake, now_ms: int, out: Outcome) -> None:
        """Add which sensors went off by themselves.

        Raises:
            Unavailable: the store cannot be reached just now; calling again goes on.
        """
        for device, reader in self._mapped.falling:
            intake.fall_back(device, reader, now_ms, out)

    def settle(self) -> None:
        """Take down what was announced, and close commands that were seen to be done.

        Raises:
            Unavailable: a database cannot be reached just now; calling again goes on.
        """
        try:
            while self._announced:
                self._announce_safely(*self._announced[0])
                self._announced.popleft()
            while self._shown:
                with self._server.app_context():
                    asking.confirm(*self._shown[0], bus=self._bus, now=utcnow())
                self._shown.popleft()
        except SQLAlchemyError as error:
            raise Unavailable from error

    def _announce_safely(self, topic: str, said: bytes) -> None:
        """Take an announcement down; one that breaks us must not keep readings from coming in."""
        try:
            self._announce(topic, said)
        except DataError:
            log.exception("an announcement on %r could not be stored", topic)
        except (SQLAlchemyError, Unavailable):
            raise
        except Exception:
            log.exception("an announcement on %r could not be understood", topic)

    def _announce(self, topic: str, said: bytes) -> None:
        if len(said) > LARGEST:
            return
        payload = said.decode("utf-8", "replace")
        shape = hashlib.sha256(announcements.shape(topic, payload).encode()).digest()
        if self._seen.get(topic) == shape:
            return
        with self._server.app_context():
            proposals.announce(
                topic,
                payload,
                namespace=self._namespace,
                store=self._store,
                bus=self._bus,
                now=utcnow(),
            )
        whole = not payload and announcements.ends_device(topic)
        if whole or len(self._seen) >= MOST_SEEN:
            self._seen.clear()  # a device that comes back says again what it said before
        self._seen[topic] = shape


def without_overlap(filters: frozenset[str]) -> frozenset[str]:
    """Return filters that match the same; a broker may deliver once for each that matches."""
    wide = {one for one in filters if "+" in one or "#" in one}
    return frozenset(
        one for one in filters if not any(other != one and covers(other, one) for other in wide)
    )
