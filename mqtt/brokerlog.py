"""Reads in the log of our Mosquitto who is connected, and why a device is not heard.

Connections and refused logins are always there, written before the broker does anything else.  A
topic that was refused is named only while Mosquitto logs everything; `watch` switches that on for
some seconds, and it rests when there is much traffic.
"""

import re
import threading
import time
from collections import deque
from pathlib import Path

from config import Settings
from devices.ports import BrokerNote
from mqtt.logfile import LogFile
from mqtt.mosquitto import STARTS, Mosquitto, folder_of

LINGER_S = 10.0  # how long one `watch` lasts
TICK_S = 0.25
MOST_LOGGED = 4_000_000  # bytes; then everything is too much
REST_S = 60.0
KEPT = 1000  # notes

CONNECTION = re.compile(r"New connection from (\S+?)(?::\d+)? on port")
ENTERED = re.compile(r"New client connected from (\S+?)(?::\d+)? as (\S+) ")
LEFT = re.compile(r"(?:Client|Bad socket read/write on client) (\S+?):? (?!already connected)")
NOT_LET_IN = re.compile(r"Client .* disconnected[,:] not authori[sz]ed", re.IGNORECASE)
THROWN_OUT = re.compile(r"Bad socket read/write on client (\S+): Unknown error")
DENIED = re.compile(r"Denied PUBLISH from (\S+) \([^']*'(.*)', \.\.\. \(")
TOO_LARGE = re.compile(r"Dropped too large PUBLISH from (\S+) \(.*\((\d+) bytes\)\)")


class MosquittoLog:
    """The `BrokerLog` of the Mosquitto that this server starts."""

    def __init__(self, settings: Settings, *, linger_s: float = LINGER_S) -> None:
        self._mosquitto = Mosquitto(settings)
        self._path: Path = folder_of(settings) / "log"
        self._linger_s = linger_s
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # of the next five
        self._file = LogFile(self._path, self._path.with_name("log.1"))
        self._notes: deque[tuple[str, BrokerNote]] = deque(maxlen=KEPT)  # by user name
        self._address = ""  # of the newest connection
        self._connected: dict[str, bool] = {}  # who has come or gone, by user name
        self._knows_all = False  # the log reaches back to the start of the broker
        self._until = 0.0  # somebody waits
        self._rests_until = 0.0
        self._watcher: threading.Thread | None = None

    def watch(self) -> None:
        """Have everything logged for some seconds: somebody waits for a device."""
        now = time.monotonic()
        with self._lock:
            self._until = now + self._linger_s
            if self._watcher is not None or now < self._rests_until:
                return
            self._watcher = threading.Thread(target=self._watch, name="broker-log", daemon=True)
            self._watcher.start()

    def notes(self, username: str, since_ms: int) -> list[BrokerNote]:
        """Return what the log says of a user, and of logins that nobody knows whose they were."""
        with self._reading:
            self._read()
            return [
                note for name, note in self._notes if name in {username, ""} and note.at >= since_ms
            ]

    def is_connected(self, username: str) -> bool | None:
        """Return whether a user is connected; None: the log does not reach back so far."""
        with self._reading:
            self._read()
            return self._connected.get(username, False if self._knows_all else None)

    def _watch(self) -> None:
        self._mosquitto.log_everything(True)
        start = self._size()
        while time.monotonic() < self._until:
            time.sleep(TICK_S)
            if self._size() - start > MOST_LOGGED:
                self._rests_until = time.monotonic() + REST_S
                break
        with self._lock:
            self._mosquitto.log_everything(False)
            self._watcher = None

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _read(self) -> None:
        """Take in what was written since the last look."""
        for line in self._file.lines():
            stamp, _, said = line.partition(": ")
            if stamp.isdigit():
                self._take(int(stamp) * 1000, said)
        if self._file.missed:
            self._file.missed, self._knows_all = False, False
            self._connected.clear()

    def _take(self, at: int, said: str) -> None:
        if said == STARTS:
            self._connected.clear()
            self._knows_all = True
        elif found := CONNECTION.match(said):
            self._address = found[1]
        elif NOT_LET_IN.match(said):
            self._note("", at, "login_refused", self._address)
        elif found := ENTERED.match(said):
            self._connected[found[2]] = True
            self._note(found[2], at, "connected", found[1])
        elif found := DENIED.match(said):
            self._note(found[1], at, "topic_refused", found[2])
        elif found := TOO_LARGE.match(said):
            self._note(found[1], at, "too_large", found[2])
        elif found := LEFT.match(said):
            self._connected[found[1]] = False
            if THROWN_OUT.match(said):
                self._note(found[1], at, "topic_refused", "")

    def _note(self, username: str, at: int, what: str, sample: str) -> None:
        self._notes.append((username, BrokerNote(at, what, sample)))
