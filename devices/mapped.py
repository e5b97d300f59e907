"""Finds the devices that a foreign topic belongs to without asking the database each time."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from db.base import db
from db.models import Device, ForeignAction, Mapping, Proposal
from devices.directory import KnownDevice
from devices.foreign.entities import Availability, Signal, Source
from devices.foreign.reader import Reader, matches
from devices.mappings import source_of
from errors import Unavailable

KNOWN_FOR_S = 60.0  # other processes may change mappings; this one hears of it at once
MOST_TOPICS = 20_000  # whose devices are remembered


class Mapped:
    """Devices with mappings, and how each is read; `context` opens an application context.

    For one thread, but for `changed`.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._known: dict[int, tuple[KnownDevice, Reader]] = {}
        self._until = 0.0
        self._by_topic = lru_cache(maxsize=MOST_TOPICS)(self._look)
        self.filters: frozenset[str] = frozenset()
        self.expected: dict[int, frozenset[str]] = {}  # sensors that say what came of commands
        self.falling: list[
            tuple[KnownDevice, Reader]
        ] = []  # with sensors that go off by themselves

    def changed(self) -> None:
        """Look again at the next message; any thread."""
        self._until = 0.0

    def refresh(self) -> bool:
        """Read mappings again if it is time to; returns whether other topics are wanted now.

        Raises:
            Unavailable: the database of devices cannot be reached just now.
        """
        now = time.monotonic()
        if now < self._until:
            return False
        self._until = now + KNOWN_FOR_S
        try:
            fresh = self._read()
        except Unavailable:
            self._until = 0.0
            raise
        for key, (_, reader) in fresh.items():
            if key in self._known:
                reader.remember(self._known[key][1])
        self._known = fresh
        self.falling = [one for one in fresh.values() if one[1].off_delays]
        self._by_topic.cache_clear()
        wanted = frozenset(topic for _, reader in fresh.values() for topic in reader.topics)
        before, self.filters = self.filters, wanted
        return wanted != before

    def find(self, topic: str) -> list[tuple[KnownDevice, Reader]]:
        """Return the devices that a topic is mapped to."""
        return self._by_topic(topic)

    def _look(self, topic: str) -> list[tuple[KnownDevice, Reader]]:
        return [
            (device, reader)
            for device, reader in self._known.values()
            if any(matches(wanted, topic) for wanted in reader.topics)
        ]

    def _read(self) -> dict[int, tuple[KnownDevice, Reader]]:
        columns = (
            Device.id,
            Device.public_id,
            Device.controller_id,
            Device.expected_interval_s,
            Device.command_seed,
        )
        try:
            with self._context():
                sources: dict[int, list[Source]] = {}
                for mapping in db.session.scalars(select(Mapping).order_by(Mapping.id)):
                    sources.setdefault(mapping.device_id, []).append(source_of(mapping))
                presence = {
                    proposal.device_id: proposal.presence
                    for proposal in db.session.scalars(
                        select(Proposal).where(Proposal.device_id.is_not(None))
                    )
                }
                self.expected = _expected()
                wanted = sources.keys() | presence.keys()
                rows = db.session.execute(select(*columns).where(Device.id.in_(wanted)))
                devices = [KnownDevice(*row) for row in rows]
        except SQLAlchemyError as error:
            raise Unavailable from error
        return {
            device.id: (device, _reader(sources.get(device.id, []), presence.get(device.id)))
            for device in devices
        }


def _expected() -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    columns = (ForeignAction.device_id, ForeignAction.sensor)
    for device_id, sensor in db.session.execute(select(*columns).where(ForeignAction.sensor != "")):
        found.setdefault(device_id, set()).add(sensor)
    return {device_id: frozenset(sensors) for device_id, sensors in found.items()}


def _reader(sources: list[Source], presence: dict[str, Any] | None) -> Reader:
    told = (presence or {}).get("availability", ())
    return Reader(
        sources,
        [
            Availability(tuple(Signal(**signal) for signal in part["signals"]), part["mode"])
            for part in told
        ],
    )
