"""Puts listener and writer together: the way of a reading from the broker to store and pages."""

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from auth.keys import load
from clock import utcnow
from config import Settings
from db.base import db
from db.models import Device
from db.telemetry.store import TelemetryStore
from devices import commands, credentials, file_delivery
from devices.directory import Directory, KnownDevice
from devices.intake import Intake
from devices.payloads import Limits
from devices.ports import LiveBus
from errors import Unavailable
from mqtt.foreign import ForeignTopics
from mqtt.inbox import Inbox
from mqtt.listener import Listener
from mqtt.mosquitto import client_id
from mqtt.receipts import Receipts
from mqtt.writer import Parts, Writer

log = logging.getLogger(__name__)


class Ingest:
    """Takes in what all devices publish; one for each listening process."""

    def __init__(
        self, server: Flask, settings: Settings, store: TelemetryStore, bus: LiveBus
    ) -> None:
        self._server = server
        self._bus = bus
        self._inbox = Inbox()
        self._listener = Listener(settings, self._inbox)
        self._writer = Writer(
            Parts(
                namespace=settings.mqtt_namespace,
                store=store,
                bus=bus,
                inbox=self._inbox,
                listener=self._listener,
                directory=Directory(server.app_context),
                intake=Intake(
                    store,
                    limits=Limits(payload=settings.mqtt_max_payload),
                    max_sensors=settings.max_sensors_per_device,
                    rate=settings.device_max_rate,
                    key_of=partial(credentials.command_key, load(settings)),
                ),
                receipts=Receipts(client_id(settings, "listener")),
                answer=self._answer,
                foreign=ForeignTopics(
                    server,
                    store,
                    bus,
                    self._listener,
                    namespace=settings.mqtt_namespace,
                    discovery_prefix=settings.discovery_prefix,
                ),
            )
        )
        self._started = time.monotonic()
        self._unsubscribe = bus.subscribe(self._writer.device_changed)

    def start(self) -> None:
        """Begin to listen and to store."""
        self._writer.start()
        self._listener.start()

    def stop(self) -> None:
        """Store and acknowledge what was received, then end the connection."""
        self._writer.stop()
        self._listener.stop()
        self._unsubscribe()

    def health(self) -> dict[str, Any]:
        """Return what is known of the way in, JSON-ready."""
        counters = self._writer.counters
        now = time.monotonic()
        waiting = counters.waiting_since
        return {
            "connected": self._listener.connected,
            "problem": self._listener.problem,
            "writer_alive": self._writer.alive,
            "last_traffic_age_s": round(now - self._listener.client.heard_at, 3),
            "database_away_s": round(now - waiting, 3) if waiting is not None else 0.0,
            "queue": len(self._inbox),
            "messages": counters.messages,
            "batches": counters.batches,
            "stored": counters.stored,
            "repeated": counters.repeated,
            "replaced": counters.replaced,
            "refused": dict(counters.refused),
            "failed": counters.failed,
            "up_s": round(now - self._started, 3),
        }

    def _answer(self, known: KnownDevice, said: Mapping[str, str]) -> None:
        """Hand a device's answer to the command or the file that it belongs to."""
        try:
            with self._server.app_context():
                device = db.session.get(Device, known.id)
                now = utcnow()
                if device and not commands.answer(device, dict(said), bus=self._bus, now=now):
                    file_delivery.answer(device, said)
        except SQLAlchemyError as error:
            raise Unavailable from error
