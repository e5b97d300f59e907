"""The threads beside the web server: listener, writer, publisher, mail, housekeeping."""

import logging
import threading
from typing import Protocol, cast

from flask import Flask

import wiring
from clock import utcnow
from db.base import db
from devices import commands
from mqtt.ingest import Ingest
from notify.worker import Worker

TICK_S = 0.25
log = logging.getLogger("gatehouse.background")


class Housekeeping:
    """Settles commands that nobody answered; a quarter of a second is the resolution."""

    def __init__(self, server: Flask) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin to look after open commands."""
        self._thread.start()

    def stop(self) -> None:
        """End within one tick."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            try:
                with self._server.app_context():
                    commands.settle(bus=wiring.current().bus, now=utcnow())
                    db.session.remove()
            except Exception:  # the next tick tries again; a dead thread would not
                log.exception("housekeeping failed")


class Part(Protocol):
    """Something with threads of its own."""

    def start(self) -> None:
        """Begin; call it after a fork, never before."""

    def stop(self) -> None:
        """End within seconds."""


class Background:
    """Everything that runs beside the web threads of one process."""

    def __init__(self, server: Flask) -> None:
        with server.app_context():
            parts = wiring.current()
        self._parts = parts
        self.ingest = Ingest(server, parts.settings, parts.store, parts.bus)
        self._workers: list[Part] = [
            cast(Part, parts.publisher),
            self.ingest,
            Worker(server),
            Housekeeping(server),
        ]
        server.extensions["gatehouse.background"] = self

    def start(self) -> None:
        """Start all threads; call it after a fork, never before."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop all threads, the way in first."""
        for worker in reversed(self._workers):
            worker.stop()
