"""A served installation, people who are signed in to it, and streams that are read."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from flask import Flask

import db.base
from auth import browsers
from clock import now_ms, utcnow
from config import Settings
from db import migrations
from db.models import Device, Grant, Level, User, UserSession
from db.telemetry.records import Batch, Series
from db.telemetry.store import TelemetryStore
from tests.stack import ROOT, free_port, until

COOKIE = "gatehouse_session"


@dataclass
class Person:
    """Somebody with a session and devices, by public id."""

    user_id: int
    session_id: int
    cookie: str
    devices: list[str]


class Watched:
    """`tests.dashboard.served` under gunicorn, and its databases as seen from outside."""

    def __init__(self, folder: Path, threads: int, check_s: float) -> None:
        self.instance = folder / "instance"
        self.instance.mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": str(self.port),
            "WEB_THREADS": str(threads),
            "LIVE_CHECK_S": str(check_s),
            "INSTANCE_DIR": str(self.instance),
        }
        settings = Settings(instance_dir=self.instance)
        self.outside = Flask("outside")
        db.base.init_app(
            self.outside, app_url=settings.app_database, telemetry_url=settings.telemetry_database
        )
        with self.outside.app_context():
            migrations.upgrade("app", db.base.db.engine)
            migrations.upgrade("telemetry", db.base.telemetry_engine())
            self.store = TelemetryStore(db.base.telemetry_engine())
        self.process: subprocess.Popen[bytes] | None = None
        self._watching: list[Watching] = []

    def start(self) -> "Watched":
        with open(self.instance.parent / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "-c", "tests/dashboard/gunicorn_live.py"),
                    "tests.dashboard.served:create()",
                ],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
            )
        until(self.answers, 20, "the server answers")
        return self

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.instance.parent / "server.log").read_text()
        try:
            return requests.get(self.url + "/test/pool", timeout=30).ok
        except requests.RequestException:
            return False

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End the server; returns after how many seconds it was gone."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        return time.monotonic() - began

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server for a while; it is back for the next test whatever happens."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        for one in self._watching:
            one.close()
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGKILL)
        self.store.close()
        with self.outside.app_context():
            for engine in db.base.db.engines.values():
                engine.dispose()

    def publish(self, *events: tuple[str, str, dict[str, Any]]) -> None:
        answer = requests.post(self.url + "/test/publish", data=orjson.dumps(events), timeout=30)
        assert answer.ok

    def reading(self, device: str, sensor: str, value: float, *, t: int | None = None) -> None:
        """Tell the browsers of a number, and store it as the writer would."""
        t = t or now_ms()
        self.keep(device, sensor, [(t, value)])
        self.publish((device, "reading", {"s": sensor, "t": t, "v": value, "k": kind_of(sensor)}))

    def keep(self, device: str, sensor: str, rows: list[tuple[int, float]]) -> None:
        """Only store readings."""
        series = self.store.add_series(self.device_id(device), sensor, kind_of(sensor))
        self.store.write(Batch(values=[(series.id, t, value) for t, value in rows]))

    def say(self, device: str, sensor: str, rows: list[tuple[int, str]]) -> None:
        """Only store texts."""
        series = self.store.add_series(self.device_id(device), sensor, "text")
        self.store.write(Batch(texts=[(series.id, t, text) for t, text in rows]))

    def device_id(self, device: str) -> int:
        with self.outside.app_context():
            return db.base.db.session.query(Device.id).filter_by(public_id=device).scalar()

    def series(self, device: str) -> list[Series]:
        """The sensors of a device."""
        found = self.device_id(device)
        return self.store.series([found])[found]

    def person(self, devices: int = 1, **user: Any) -> Person:
        """Sign somebody in who owns so many devices."""
        now = utcnow()
        number = time.time_ns()
        with self.outside.app_context():
            with db.base.transaction() as session:
                made = User(
                    email=f"p{number}@example.org",
                    email_typed=f"p{number}@example.org",
                    created_at=now,
                    confirmed_at=now,
                    **user,
                )
                session.add(made)
                session.flush()
                owned = [device(f"d{number}-{n}") for n in range(devices)]
                session.add_all(owned)
                session.flush()
                session.add_all(
                    Grant(user_id=made.id, device_id=one.id, level=Level.OWNER, created_at=now)
                    for one in owned
                )
            row, cookie = browsers.begin(
                made, remember=False, user_agent="test", address="127.0.0.1", now=now
            )
            return Person(made.id, row.id, cookie, [one.public_id for one in owned])

    def change(self, model: type[Any], id_: int, **values: Any) -> None:
        """Set columns of a row, as another process would."""
        with self.outside.app_context(), db.base.transaction() as session:
            row = session.get(model, id_)
            for name, value in values.items():
                setattr(row, name, value)

    def log_out(self, person: Person) -> None:
        self.change(UserSession, person.session_id, revoked_at=utcnow())

    def take_away(self, person: Person) -> None:
        """Take all rights of a person."""
        with self.outside.app_context(), db.base.transaction() as session:
            for grant in session.query(Grant).filter_by(user_id=person.user_id):
                session.delete(grant)

    def give(self, person: Person, public_id: str, level: Level = Level.VIEWER) -> None:
        """Give a person a right on a device."""
        with self.outside.app_context(), db.base.transaction() as session:
            device_id = session.query(Device.id).filter_by(public_id=public_id).scalar()
            session.add(
                Grant(user_id=person.user_id, device_id=device_id, level=level, created_at=utcnow())
            )

    def watch(self, person: Person, **options: Any) -> "Watching":
        made = Watching(self.url, person.cookie, **options)
        self._watching.append(made)
        return made


def kind_of(sensor: str) -> str:
    return "state" if sensor.startswith("led.") else "number"


def device(name: str) -> Device:
    return Device(
        name=name,
        kind="lock",
        controller_id=name,
        mqtt_hash="$7$",
        mqtt_seed=name,
        command_seed=name,
        created_at=utcnow() - timedelta(days=1),
    )


@dataclass
class Frame:
    kind: str
    data: Any
    id: str


@dataclass
class Watching:
    """Reads a stream in a thread; `frames` grows."""

    url: str
    cookie: str
    last: str = ""
    frames: list[Frame] = field(default_factory=list)
    ended: bool = False
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        if self.last:
            headers["Last-Event-ID"] = self.last
        self._connection.request("GET", "/live", headers=headers)
        self.answer = self._connection.getresponse()
        if self.answer.status == 200:
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()
            self.until("hello")

    def _read(self) -> None:
        parts: dict[str, str] = {}
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while line := self.answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    parts[name] = value
                elif "event" in parts:
                    data = orjson.loads(parts["data"])
                    self.frames.append(Frame(parts["event"], data, parts.get("id", "")))
                    parts = {}
        self.ended = True

    def until(self, kind: str, seconds: float = 20.0) -> Frame:
        """Wait for the first frame of a kind."""
        return until(lambda: self.first(kind), seconds, f"a frame {kind}")

    def first(self, kind: str) -> Frame | None:
        return next((frame for frame in self.frames if frame.kind == kind), None)

    def values(self) -> list[float]:
        return [frame.data["v"] for frame in self.frames if frame.kind == "reading"]

    def close(self) -> None:
        """Go away as a closed browser does."""
        if self._connection.sock:
            with contextlib.suppress(OSError):  # the server may have been faster
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            if self._thread:
                self._thread.join(5)
        self._connection.close()


@contextlib.contextmanager
def watched(folder: Path, *, threads: int = 64, check_s: float = 1.0) -> Iterator[Watched]:
    """A server for as long as the block lasts."""
    made = Watched(folder, threads, check_s)
    try:
        yield made.start()
    finally:
        made.close()
