"""Asks every second whether those who watch may still watch."""

import logging
import threading
import time
from collections.abc import Callable

from flask import Flask

import wiring
from auth import watch
from clock import utcnow
from dashboard.hub import Hub
from devices.ports import LiveEvent
from errors import Unavailable

log = logging.getLogger(__name__)

CHECK_S = 1.0
PATIENCE_S = 10.0  # streams end when nobody could be asked for so long


class Warden:
    """Feeds a hub from the bus and keeps its streams to what their people may see."""

    def __init__(self, server: Flask, hub: Hub) -> None:
        self._server = server
        self._hub = hub
        self._wake = threading.Event()
        self._stopped = False
        self._told: dict[str, bool] = {}
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to listen and to check; called in the process that serves, after any fork."""
        with self._server.app_context():
            self._unsubscribe = wiring.current().bus.subscribe(self._receive)
        threading.Thread(target=self._run, name="live-warden", daemon=True).start()

    def stop(self) -> None:
        """End every stream and the thread; safe in a signal handler."""
        self._stopped = True
        self._hub.stop()
        self._wake.set()

    def _receive(self, events: list[LiveEvent]) -> None:
        self._hub.receive(events)
        if any(event.kind == "device" for event in events):
            self._wake.set()

    def _run(self) -> None:
        try:
            self._watch()
        finally:  # nobody is left who would check: nobody may go on watching
            self._hub.stop()
            if self._unsubscribe:
                self._unsubscribe()

    def _watch(self) -> None:
        checked = time.monotonic()
        while not self._stopped:
            self._wake.wait(CHECK_S)
            self._wake.clear()
            try:
                self._check()
                checked = time.monotonic()
            except Unavailable:
                if time.monotonic() - checked > PATIENCE_S:
                    log.warning("live streams end: the database does not answer")
                    self._hub.end_all("unavailable")

    def _check(self) -> None:
        sessions = {stream.session_id for stream in self._hub.streams()}
        if not sessions:
            return
        with self._server.app_context():
            self._hub.allow(sessions, watch.seen_by(sessions, now=utcnow()))
            working = wiring.current().working
        if working != self._told:
            self._told = working
            self._hub.tell("system", working)
