"""What `app.py` plugged in, for the entry points: pages, REST, command line, listener."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Flask, current_app

from auth.keys import Keys
from config import Settings
from db.base import AWAY
from db.models import User
from devices import admission
from devices.downloads import Downloads
from devices.file_delivery import Way
from devices.ports import BrokerAdmin, BrokerLog, LiveBus, NoBrokerLog, Publisher

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore

DATABASE_AWAY = AWAY  # what a question to the database raises that does not answer


@dataclass(slots=True)
class Wiring:
    """The parts of one running application."""

    settings: Settings
    keys: Keys
    store: "TelemetryStore"
    bus: LiveBus
    publisher: Publisher
    broker: BrokerAdmin
    brokerlog: BrokerLog = field(default_factory=NoBrokerLog)
    downloads: Downloads = field(default_factory=Downloads)

    @property
    def working(self) -> dict[str, bool]:
        """Whether the broker is reached, and whether readings could be stored when last tried."""
        return {"broker": self.publisher.connected, "store": not self.store.trouble}

    @property
    def file_way(self) -> Way:
        """The way of a file to its device."""
        return Way(
            self.settings.instance_dir / "files",
            self.settings.url,
            self.publisher,
            self.keys,
            self.settings.mqtt_namespace,
        )

    def follow_owner(self, user: User) -> None:
        """Have the broker let in the devices that a person owns, or shut them out, as is right now.

        Raises:
            Unavailable: the broker cannot be told now.
        """
        admission.follow_owner(self.broker, user)


def attach(server: Flask, parts: Wiring) -> None:
    """Make the parts known to a Flask server."""
    server.extensions["gatehouse"] = parts


def current() -> Wiring:
    """Return the parts of the application whose context is active."""
    parts: Wiring = current_app.extensions["gatehouse"]
    return parts
