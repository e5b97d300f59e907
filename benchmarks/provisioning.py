"""Measures how devices become known to the managed Mosquitto while there are more and more.

    .venv/bin/python -m benchmarks provisioning

The first and the last hundred register one by one over HTTP, as devices do at boot; those between
come by the thousand.  Meanwhile some devices stay connected, and one pings the broker, which
answers nobody while it reads its files.
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

import db.base
from auth.keys import Keys, load
from benchmarks.figures import Figure
from benchmarks.publisher import Connection
from clock import utcnow
from config import Settings
from db.models import Device
from devices import credentials, usernames
from devices.ports import BrokerAdmin
from mqtt.brokers import broker_admin
from mqtt.mosquitto import endpoint, server_login
from tests.stack import Stack, stack

DEVICES, LIVE = 10_000, 500  # known; connected
ONE_BY_ONE, AT_ONCE = 100, 1000
SECRET = "benchmark-only-" + "x" * 32  # of a server that lives for a minute


class Pings:
    """How long the broker leaves a connected device without an answer."""

    def __init__(self, connection: Connection) -> None:
        connection.socket.settimeout(60)
        self._socket = connection.socket
        self._took: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._ended.wait(0.001):
            start = time.perf_counter()
            self._socket.sendall(b"\xc0\0")
            self._socket.recv(2)
            self._took.append(time.perf_counter() - start)

    def longest_ms(self) -> float:
        """Return the longest wait since last asked."""
        took, self._took = self._took, []
        return max(took) * 1000

    def stop(self) -> None:
        """Ping no longer."""
        self._ended.set()
        self._thread.join()


class Site:
    """A running installation, and what this program needs to add devices behind its back."""

    def __init__(self, house: Stack) -> None:
        self.settings = Settings(instance_dir=house.instance, mqtt_port=house.mqtt_port)
        self.keys: Keys = load(self.settings)
        self.broker: BrokerAdmin = broker_admin(self.settings)
        self.server = Flask("benchmark")
        db.base.init_app(
            self.server,
            app_url=self.settings.app_database,
            telemetry_url=self.settings.telemetry_database,
        )
        self._web = http.client.HTTPConnection("localhost", house.port, timeout=60)

    def register(self, number: int) -> float:
        """Register one device as it does at boot; return how many seconds of wall time it took."""
        asked = {
            "hardware_id": f"hw-{number}",
            "controller_id": f"device-{number}",
            "firmware": "1",
            "claim_secret": SECRET,
        }
        start = time.perf_counter()
        self._web.request(
            "POST",
            "/api/v1/devices/register",
            json.dumps(asked),
            {"Content-Type": "application/json"},
        )
        answer = self._web.getresponse()
        said = answer.read()
        took = time.perf_counter() - start
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(said.decode())
        return took

    def add(self, numbers: range) -> None:
        """Make many devices known at once."""
        with db.base.transaction() as session:
            made = [self._row(session, number) for number in numbers]
            session.add_all(made)
            session.flush()
            identities = [credentials.identity(device) for device in made]
        self.broker.upsert(*identities)
        self._web.close()  # the server has hung up by now; the next request connects again

    def _row(self, session: Session, number: int) -> Device:
        seed, name = credentials.new_seed(), f"device-{number}"
        return Device(
            name=name,
            controller_id=name,
            mqtt_username=usernames.choose(session, name, self.broker),
            mqtt_hash=credentials.mosquitto_hash(credentials.mqtt_password(self.keys, seed)),
            mqtt_seed=seed,
            command_seed=credentials.new_seed(),
            created_at=utcnow(),
        )

    def connect(self, username: str, password: str) -> Connection:
        """Connect to the broker."""
        login = {"topic": "", "username": username, "password": password}
        return Connection(endpoint(self.settings), login)

    def connect_device(self, number: int) -> Connection:
        """Connect as a device."""
        with db.base.transaction() as session:
            device = session.query(Device).filter_by(controller_id=f"device-{number}").one()
        password = credentials.mqtt_password(self.keys, device.mqtt_seed)
        return self.connect(device.mqtt_username, password)


def figures() -> Iterator[Figure]:
    """Measure with ten thousand devices, some of them connected."""
    with tempfile.TemporaryDirectory() as name, stack(Path(name), CLAIM_SECRET=SECRET) as house:
        site = Site(house)
        with site.server.app_context():
            yield from _figures(site)


def _figures(site: Site) -> Iterator[Figure]:
    pings = Pings(site.connect(*server_login(site.settings, "bus")))
    begin, end = 1 + ONE_BY_ONE, DEVICES - ONE_BY_ONE
    site.register(0)  # whatever is done once
    medians: list[float] = []
    for name, numbers in (
        (f"the first {ONE_BY_ONE}", range(1, begin)),
        (f"the last {ONE_BY_ONE} of {DEVICES:,}", range(end, DEVICES)),
    ):
        if medians:
            yield _many(site, range(begin, end))
            connections = [site.connect_device(number) for number in range(begin, begin + LIVE)]
        pings.longest_ms()
        took = [site.register(number) * 1000 for number in numbers]
        medians.append(statistics.median(took))
        note = f"longest {max(took):.0f} ms"
        yield Figure(f"register over HTTP, {name}, median", medians[-1], "ms", 50, note=note)
        yield Figure(
            f"longest wait of a connected device meanwhile, {name}", pings.longest_ms(), "ms"
        )
    yield Figure("last / first", medians[1] / medians[0], "", 1.5)
    yield _revoke(site, DEVICES - 1)
    pings.stop()
    for connection in connections:
        connection.socket.close()


def _many(site: Site, numbers: range) -> Figure:
    """Add devices by the thousand; return how long the first thousand took."""
    took = []
    for at in range(numbers.start, numbers.stop, AT_ONCE):
        start = time.perf_counter()
        site.add(range(at, min(at + AT_ONCE, numbers.stop)))
        took.append(time.perf_counter() - start)
    return Figure(f"{AT_ONCE:,} at once, rows and broker", max(took), "s", 10, note="the slowest")


def _revoke(site: Site, number: int) -> Figure:
    """Return how long after it was refused a device is cut off."""
    connection = site.connect_device(number)
    connection.socket.settimeout(10)
    start = time.perf_counter()
    site.broker.revoke(f"device-{number}")
    with suppress(ConnectionResetError):
        connection.socket.recv(1)
    return Figure(
        f"revoked to cut off, of {DEVICES:,}", (time.perf_counter() - start) * 1000, "ms", 1000
    )
