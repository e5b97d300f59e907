"""Finds the device behind a controller id without asking the database for each message."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from db.base import db
from db.models import Device
from errors import Unavailable

FOUND_FOR_S = 60.0  # other processes may change devices; this one hears of it at once
MISSING_FOR_S = 2.0
MOST = 100_000  # names kept; strangers may make up any number


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What taking in a message needs to know of a device."""

    id: int
    public_id: str
    controller_id: str
    expected_interval_s: int
    command_seed: str = field(repr=False, default="")
    sealed: bool = False  # nothing but its presence is believed in the clear


class Directory:
    """Devices by controller id; `context` opens an application context."""

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._known: dict[str, tuple[float, KnownDevice | None]] = {}

    def find(self, controller_id: str) -> KnownDevice | None:
        """Return the device of this controller id, or None.

        Raises:
            Unavailable: the database of devices cannot be reached just now.
        """
        now = time.monotonic()
        until, device = self._known.get(controller_id, (0.0, None))
        if now < until:
            return device
        found = self._read(controller_id)
        device = found[0] if found else None
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[controller_id] = (now + (FOUND_FOR_S if device else MISSING_FOR_S), device)
        return device

    def everyone(self) -> list[KnownDevice]:
        """Return all devices.

        Raises:
            Unavailable: the database of devices cannot be reached just now.
        """
        return self._read(None)

    def forget(self, public_id: str) -> None:
        """Look a device up again, and whoever was not there."""
        self._known = {
            name: entry
            for name, entry in self._known.items()
            if entry[1] is not None and entry[1].public_id != public_id
        }

    def _read(self, controller_id: str | None) -> list[KnownDevice]:
        query = select(
            Device.id,
            Device.public_id,
            Device.controller_id,
            Device.expected_interval_s,
            Device.command_seed,
            Device.sealed,
        )
        if controller_id is not None:
            query = query.where(Device.controller_id == controller_id)
        try:
            with self._context():
                return [KnownDevice(*row) for row in db.session.execute(query)]
        except SQLAlchemyError as error:
            raise Unavailable from error
