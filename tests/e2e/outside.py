"""The databases of a running house as seen from this process, to make people and end their rights.

What is written here the server finds as if another of its processes had written it.
"""

import contextlib
import hashlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask

import db.base
from auth import browsers, keys, refresh, tokens
from clock import utcnow
from config import Settings
from db.models import Device, DeviceFile, Grant, Level, User
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from tests.dashboard.watching import COOKIE, device
from tests.stack import Stack

_numbers = itertools.count()


@dataclass
class Person:
    """Somebody who is signed in with a browser and with a program."""

    user_id: int
    session_id: int
    cookie: str
    program: refresh.Pair

    @property
    def browser(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.cookie}"}

    @property
    def rest(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.program.access_token}"}


class Outside:
    """Writes what a person or a device would have the server write."""

    def __init__(self, house: Stack) -> None:
        settings = Settings(instance_dir=house.instance)
        self.files = house.instance / "files"
        self.keys = keys.load(settings)
        self.app = Flask("outside")
        db.base.init_app(
            self.app, app_url=settings.app_database, telemetry_url=settings.telemetry_database
        )
        with self.app.app_context():
            self.store = TelemetryStore(db.base.telemetry_engine())

    def close(self) -> None:
        self.store.close()
        with self.app.app_context():
            for engine in db.base.db.engines.values():
                engine.dispose()

    def person(self, *devices: str, level: Level = Level.OWNER, role: str = "user") -> Person:
        """Somebody new with a level on devices."""
        now, email = utcnow(), f"right-{next(_numbers)}@example.org"
        with self.app.app_context():
            with db.base.transaction() as session:
                user = User(
                    email=email, email_typed=email, role=role, created_at=now, confirmed_at=now
                )
                session.add(user)
                session.flush()
                for public_id in devices:
                    id_ = self._device(public_id).id
                    session.add(Grant(user_id=user.id, device_id=id_, level=level, created_at=now))
            row, cookie = browsers.begin(user, remember=False, user_agent="", address="", now=now)
            pair = refresh.begin(user, keys=self.keys, label="test", now=now)
            return Person(user.id, row.id, cookie, pair)

    def device(self, readings: int) -> str:
        """A new lock that has said so many long texts, which no packing makes short.

        Returns its public id.
        """
        chance = random.Random(1)
        with self.app.app_context():
            with db.base.transaction() as session:
                made = device(f"right-{next(_numbers)}")
                session.add(made)
            series = self.store.add_series(made.id, "said", "text")
            texts = [(series.id, n * 1000, chance.randbytes(120).hex()) for n in range(readings)]
            self.store.write(Batch(texts=texts))
            return made.public_id

    def file(self, public_id: str, content: bytes, token: str = "") -> str:
        """A whole file for a device, under an address that ends in a token; returns its id."""
        now, size = utcnow(), len(content)
        self.files.mkdir(exist_ok=True)
        with self.app.app_context(), db.base.transaction() as session:
            made = DeviceFile(
                device=self._device(public_id),
                direction="download",
                name="firmware.bin",
                size=size,
                received=size,
                sha256=hashlib.sha256(content).hexdigest(),
                state="whole",
                url_hash=keys.sha256(token) if token else None,
                url_expires_at=now + timedelta(minutes=10),
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
            session.add(made)
            session.flush()
            (self.files / made.public_id).write_bytes(content)
            return made.public_id

    def token(self, public_id: str) -> tuple[int, dict[str, str]]:
        """A token of a device: its row, and the header for it."""
        with self.app.app_context(), db.base.transaction() as session:
            row, secret = tokens.issue(session, self._device(public_id), label="", now=utcnow())
            session.flush()
            return row.id, {"Authorization": f"Bearer {secret}"}

    def change(self, model: type[Any], id_: int, **values: Any) -> None:
        """Set columns of a row."""
        with self.app.app_context(), db.base.transaction() as session:
            row = session.get(model, id_)
            for name, value in values.items():
                setattr(row, name, value)

    def take_away(self, person: Person) -> None:
        """Take all levels of a person."""
        with self.app.app_context(), db.base.transaction() as session:
            session.query(Grant).filter_by(user_id=person.user_id).delete()

    def lower(self, person: Person, level: Level) -> None:
        """Give a person another level wherever they have one."""
        with self.app.app_context(), db.base.transaction() as session:
            session.query(Grant).filter_by(user_id=person.user_id).update({"level": level})

    def shut_out(self, public_id: str) -> None:
        """Revoke a device."""
        with self.app.app_context(), db.base.transaction():
            self._device(public_id).revoked_at = utcnow()

    def delete(self, public_id: str) -> None:
        """Delete a device with its readings: another one may get its place."""
        with self.app.app_context():
            with db.base.transaction() as session:
                device = self._device(public_id)
                key = device.id
                session.delete(device)
            self.store.forget(key)

    def _device(self, public_id: str) -> Device:
        return db.base.db.session.query(Device).filter_by(public_id=public_id).one()


@contextlib.contextmanager
def outside(house: Stack) -> Iterator[Outside]:
    """Open the databases of a house until the block ends."""
    made = Outside(house)
    try:
        yield made
    finally:
        made.close()
