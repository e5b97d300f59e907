"""The threads beside the web server: listener, writer, publisher, mail, housekeeping."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol, cast

from flask import Flask

import wiring
from auth import browsers, refresh
from clock import utcnow
from db.base import db
from devices import (
    admission,
    app_tokens,
    commands,
    config_delivery,
    config_reports,
    downloads,
    kept_files,
    retention,
    share_tokens,
)
from errors import Unavailable
from mqtt.ingest import Ingest
from notify.worker import Worker

log = logging.getLogger("gatehouse.background")

INTRODUCED_FOR_S = 600.0  # then the broker is told again which devices there are


class Periodic:
    """Does one job again and again, in a thread and an application context of its own."""

    def __init__(self, server: Flask, job: Callable[[], object], every_s: float) -> None:
        """Prepare; nothing is done before `start`.

        Args:
            server: whose context the job runs in.
            job: to be done; what it raises is logged.
            every_s: the pause between two times.
        """
        self._server, self._job, self._every_s = server, job, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=job.__name__, daemon=True)

    def start(self) -> None:
        """Do it now, and then every so many seconds."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            self._do()
            if self._stop.wait(self._every_s):
                return

    def _do(self) -> None:
        try:
            with self._server.app_context():
                self._job()
                db.session.remove()
        except Unavailable as error:
            log.warning("%s has to wait: %s", self._job.__name__, error)
        except Exception:  # it is tried again; a dead thread would not
            log.exception("%s failed", self._job.__name__)


def settle() -> None:
    """Close commands that nobody answered."""
    commands.settle(bus=wiring.current().bus, now=utcnow())


def forget() -> None:
    """Delete sessions, tokens and files that have ended."""
    now = utcnow()
    for kind in (browsers, refresh, app_tokens, share_tokens):
        kind.forget_ended(now=now)
    kept_files.sweep(folder=wiring.current().file_way.folder, now=now)


def tidy() -> None:
    """Seal old readings and delete what retention says."""
    parts = wiring.current()
    retention.tidy(parts.store, now=utcnow(), default_days=parts.settings.retention_days)


class Introductions:
    """Makes the broker know exactly the devices that may come in, whatever it missed or lost."""

    def __init__(self) -> None:
        self._connections = -1  # of the publisher, when the broker was told last
        self._due = 0.0

    def introduce(self) -> None:
        """Tell the broker if it was away since it was told, or that was long ago."""
        parts, now = wiring.current(), time.monotonic()
        connections = parts.publisher.connections
        if connections != self._connections or now >= self._due:
            parts.broker.reconcile(admission.each_identity())
            self._connections, self._due = connections, now + INTRODUCED_FOR_S


class Configurations:
    """Keeps the broker and the history of configurations true; one for each process."""

    def __init__(self) -> None:
        self._connections = 0  # of the publisher, when it was looked at last

    def reconcile(self) -> None:
        """Send what the broker does not have, and keep what devices said of what they got."""
        parts = wiring.current()
        if parts.publisher.connections != self._connections:
            self._connections = parts.publisher.connections
            config_delivery.doubt()
        config_delivery.deliver(
            publisher=parts.publisher, keys=parts.keys, namespace=parts.settings.mqtt_namespace
        )
        config_reports.hear(parts.store, now=utcnow())


def end_downloads() -> None:
    """End the downloads of this process whose readers may no longer have them."""
    wiring.current().downloads.end_forbidden(now=utcnow())


def housekeeping(server: Flask) -> list["Part"]:
    """Return the jobs of one installation; `settle` gives "no answer" its resolution."""
    return [
        Periodic(server, Introductions().introduce, 2),
        Periodic(server, settle, 0.25),
        Periodic(server, Configurations().reconcile, 2),
        Periodic(server, forget, 3600),
        Periodic(server, tidy, 600),
    ]


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
            Periodic(server, end_downloads, downloads.CHECK_S),
            *housekeeping(server),
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
        self._parts.store.close()
