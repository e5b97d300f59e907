"""What a device must never forget: the commands it has seen, and how far it has counted."""

import sqlite3
import threading
from pathlib import Path

from edge.buffer import MEMORY

REMEMBERED = 256  # command ids; those before them have expired long ago
RESERVED = 256  # counter values taken at once, to spare the SD card

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;
"""


class Journal:
    """A small file that is on the disk before anything is done because of it."""

    def __init__(self, path: Path = MEMORY) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # also through a power cut
        self._db.executescript(SCHEMA)
        self._next: dict[str, int] = {}
        self._end: dict[str, int] = {}

    def first_time(self, command_id: str) -> bool:
        """Write a command's id down; returns whether it was new."""
        with self._lock:
            added = self._db.execute(
                "INSERT OR IGNORE INTO seen (id) VALUES (?)", (command_id,)
            ).rowcount
            if added:
                self._db.execute(
                    "DELETE FROM seen WHERE n <= (SELECT max(n) FROM seen) - ?", (REMEMBERED,)
                )
            return bool(added)

    def count(self, name: str) -> int:
        """Return a number that is above every one returned before, also before a restart."""
        with self._lock:
            number = self._next.get(name)
            if number is None or number >= self._end[name]:
                number = self._value(name)
                self._end[name] = number + RESERVED
                self._keep(name, self._end[name])
            self._next[name] = number + 1
            return number + 1

    def highest(self, name: str) -> int:
        """Return the highest number that was raised to under this name; 0 at first."""
        with self._lock:
            return self._value(name)

    def raise_to(self, name: str, number: int) -> None:
        """Remember that everything up to a number has been used."""
        with self._lock:
            self._keep(name, number)

    def close(self) -> None:
        """Close the file; the journal cannot be used any more."""
        with self._lock:
            self._db.close()

    def _value(self, name: str) -> int:
        row = self._db.execute("SELECT n FROM counter WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def _keep(self, name: str, number: int) -> None:
        self._db.execute(
            "INSERT INTO counter VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET n = max(n, excluded.n)",
            (name, number),
        )
