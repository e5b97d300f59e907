"""The threads beside the web server: listener, writer, publisher, mail, housekeeping."""

import logging
import threading
import time
from typing import Protocol, cast

from flask import Flask

import wiring
from auth import browsers
from clock import utcnow
from db.base import db
from devices import commands, files
from mqtt.ingest import Ingest
from notify.worker import Worker

TICK_S = 0.25  # the resolution of "no answer"
HOUR_S = 3600.0
log = logging.getLogger("gatehouse.background")


class Housekeeping:
    """Settles commands that nobody answered, and forgets what has ended."""

    def __init__(self, server: Flask) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin to keep house."""
        self._thread.start()

    def stop(self) -> None:
        """End within one tick."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        due = dict.fromkeys((self._settle, self._forget), 0.0)
        every = {self._settle: TICK_S, self._forget: HOUR_S}
        while not self._stop.wait(TICK_S):
            for job, at in due.items():
                if time.monotonic() < at:
                    continue
                due[job] = time.monotonic() + every[job]
                try:
                    with self._server.app_context():
                        job()
                        db.session.remove()
                except Exception:  # it is tried again; a dead thread would not
                    log.exception("housekeeping failed")

    def _settle(self) -> None:
        commands.settle(bus=wiring.current().bus, now=utcnow())

    def _forget(self) -> None:
        now = utcnow()
        browsers.forget_ended(now=now)
        files.sweep(folder=wiring.current().settings.instance_dir / "files", now=now)


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
