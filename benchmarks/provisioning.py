"""Measures how devices become known to the managed Mosquitto while there are more and more.

    .venv/bin/python benchmarks/provisioning.py [--devices 10000] [--live 500]

The first and the last hundred register one by one over HTTP, as devices do at boot; those between
come by the thousand.  Meanwhile some devices stay connected, and one pings the broker, which
answers nobody while it reads its files.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402
from publisher import Connection  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

import db.base  # noqa: E402
from auth.keys import Keys, load  # noqa: E402
from clock import utcnow  # noqa: E402
from config import Settings  # noqa: E402
from db.models import Device  # noqa: E402
from devices import credentials, usernames  # noqa: E402
from devices.ports import BrokerAdmin  # noqa: E402
from mqtt.brokers import broker_admin  # noqa: E402
from mqtt.mosquitto import endpoint, server_login  # noqa: E402
from tests.stack import Stack, stack  # noqa: E402

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

    @contextmanager
    def longest_in(self, name: str) -> Iterator[None]:
        """Print the longest wait while the block runs."""
        self._took.clear()
        yield
        print(f"  longest wait of another device {name}: {max(self._took) * 1000:.0f} ms")

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


def measured(name: str, pings: Pings, work: Callable[[], list[float]]) -> float:
    """Do something, print how long each of its steps took; return the median in seconds."""
    with pings.longest_in(name):
        took = work()
    median, worst = statistics.median(took) * 1000, max(took) * 1000
    print(f"{name}: median {median:.1f} ms, longest {worst:.1f} ms")
    return median


def run(site: Site, count: int, live: int) -> None:
    """Measure with so many devices, some of them connected."""
    pings = Pings(site.connect(*server_login(site.settings, "bus")))
    begin, end = 1 + ONE_BY_ONE, count - ONE_BY_ONE
    site.register(0)  # whatever is done once
    first = measured(
        f"first {ONE_BY_ONE}, one by one",
        pings,
        lambda: [site.register(number) for number in range(1, begin)],
    )
    start = time.perf_counter()
    site.add(range(begin, begin + AT_ONCE))
    print(f"{AT_ONCE} at once: {time.perf_counter() - start:.2f} s")
    for at in range(begin + AT_ONCE, end, AT_ONCE):
        site.add(range(at, min(at + AT_ONCE, end)))
    connections = [site.connect_device(number) for number in range(begin, begin + live)]
    last = measured(
        f"last {ONE_BY_ONE} of {count}, one by one",
        pings,
        lambda: [site.register(number) for number in range(end, count)],
    )
    print(f"last / first: {last / first:.2f}")
    revoke(site, count - 1)
    pings.stop()
    for connection in connections:
        connection.socket.close()


def revoke(site: Site, number: int) -> None:
    """Print how long after it was refused a device is cut off."""
    connection = site.connect_device(number)
    connection.socket.settimeout(10)
    start = time.perf_counter()
    site.broker.revoke(f"device-{number}")
    with suppress(ConnectionResetError):
        connection.socket.recv(1)
    print(f"revoked to cut off: {(time.perf_counter() - start) * 1000:.0f} ms")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--live", type=int, default=500, help="devices that are connected")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        stack(Path(name), CLAIM_SECRET=SECRET) as house,
    ):
        site = Site(house)
        with site.server.app_context():
            run(site, given.devices, given.live)


if __name__ == "__main__":
    main()
