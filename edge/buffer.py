"""What a device has said and the broker has not taken yet, in a file that survives crashes."""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEMORY = Path(":memory:")
SPARE = 64  # rows that make room together when the buffer is full
log = logging.getLogger("gatehouse.edge")

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    urgent INTEGER NOT NULL,
    rest TEXT NOT NULL,
    ts INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (urgent, id);
CREATE TABLE IF NOT EXISTS counted (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing said: the topic below the device's own, when, and the JSON of what."""

    id: int
    rest: str
    ts: int | None  # ms since 1970; None: the body is the whole message
    body: str


class Buffer:
    """A queue on disk, bounded in bytes: when it is full, the oldest rows go and are counted.

    A row is written before it is sent and removed when the broker has it.  Rows survive the
    death of the process; a power cut may cost those of the last seconds, which is the price of
    not writing to the SD card once for each reading.
    """

    def __init__(self, path: Path = MEMORY, *, max_bytes: int = 16 * 2**20) -> None:
        """Open or make the file.

        A file that is damaged is put aside as `<name>.broken`, so that the device goes on.
        """
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError as error:
            log.error("%s is damaged (%s); starting an empty one", path, error)
            path.replace(path.with_name(path.name + ".broken"))
            self._db = _opened(path)
        self._bytes = self._size()

    @property
    def dropped(self) -> int:
        """How many rows were given up so far because the buffer was full."""
        with self._lock:
            row = self._db.execute("SELECT n FROM counted WHERE name = 'dropped'").fetchone()
        return row[0] if row else 0

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def append(self, rest: str, ts: int | None, body: str, *, urgent: bool = False) -> None:
        """Put one row at the end; urgent rows are sent before all others."""
        with self._lock, self._transaction():
            self._add(rest, ts, body, urgent=urgent)

    def extend(self, rest: str, rows: Iterable[tuple[int, str]]) -> None:
        """Put many rows (ms since 1970, JSON) at the end together."""
        with self._lock, self._transaction():
            for ts, body in rows:
                self._add(rest, ts, body, urgent=False)

    def after(self, last_id: int, *, urgent: bool, limit: int) -> list[Row]:
        """Return the oldest rows whose id is above `last_id`."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, rest, ts, body FROM outbox WHERE urgent = ? AND id > ? "
                "ORDER BY id LIMIT ?",
                (int(urgent), last_id, limit),
            ).fetchall()
        return [Row(*row) for row in rows]

    def remove(self, ids: Iterable[int]) -> None:
        """Forget rows that the broker has taken; those already gone are no matter."""
        with self._lock, self._transaction():
            for number in ids:
                gone = self._db.execute(
                    "DELETE FROM outbox WHERE id = ? RETURNING length(body)", (number,)
                ).fetchone()
                self._bytes -= gone[0] if gone else 0

    def close(self) -> None:
        """Close the file; the buffer cannot be used any more."""
        with self._lock:
            self._db.close()

    def _size(self) -> int:
        return int(self._db.execute("SELECT total(length(body)) FROM outbox").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._bytes = self._size()
            raise
        self._db.execute("COMMIT")

    def _add(self, rest: str, ts: int | None, body: str, *, urgent: bool) -> None:
        self._db.execute(
            "INSERT INTO outbox (urgent, rest, ts, body) VALUES (?, ?, ?, ?)",
            (int(urgent), rest, ts, body),
        )
        self._bytes += len(body)
        if self._bytes > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Give up the oldest rows until a sixteenth of the buffer is free."""
        dropped = 0
        while self._bytes > self._max_bytes * 15 // 16:
            gone = self._db.execute(
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?) "
                "RETURNING length(body)",
                (SPARE,),
            ).fetchall()
            if not gone:
                break
            self._bytes -= sum(size for (size,) in gone)
            dropped += len(gone)
        self._db.execute(
            "INSERT INTO counted VALUES ('dropped', ?) "
            "ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
            (dropped,),
        )


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(SCHEMA)
        check = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError:
        db.close()
        raise
    if check != "ok":
        db.close()
        raise sqlite3.DatabaseError(check)
    return db
