"""The downloads that are running: a few for each person, and none longer than the right to it."""

import errno
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from auth import watch
from auth.watch import Proof
from clock import utcnow
from db.models import Device, Level
from errors import TooMany, Unavailable
from notify.mark import N_

MOST = 2  # at the same time, a person and process
CHECK_S = 1.0  # how often to call `Downloads.end_forbidden`
UNSENT_S = 0.2  # how long a part may be on its way that was taken before the right ended
PATIENCE_S = 10.0  # downloads end when nobody could be asked for so long
NOTICED_S = 0.0001  # less is no waiting
MEANWHILE_S = 0.05  # after having waited, so long others are thought to be at work
REST_S = 0.002  # after each part while they are


@dataclass(frozen=True, slots=True)
class Reader:
    """Who takes a download."""

    name: str  # whose downloads are counted, `user:` or `device:` and a public id
    proof: Proof  # what the request showed
    hang_up: Callable[[], None]  # breaks the connection, whatever thread is sending on it
    apart: Callable[[], AbstractContextManager[object]] = nullcontext  # to ask after the request


class Courtesy:
    """How a download holds back where others work.

    Who waits while making a part, waits for another thread of this process or for a core.  What
    others want comes in many short steps, and each could meet a part that is being made; so the
    download rests after every part until it has not had to wait for a while.  Alone, it is not
    held up.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def rest_s(self, waited_s: float, now_s: float) -> float:
        """Return how long to rest after a part, in seconds.

        Args:
            waited_s: the time of the part that was not spent working.
            now_s: by any clock that only goes on.
        """
        if waited_s > NOTICED_S:
            self._until = now_s + MEANWHILE_S
        return REST_S if now_s < self._until else 0.0


class Download(Iterator[bytes]):
    """The parts of one download; gives its place back at the end, or when it is closed.

    A class and not a generator: a generator that was never begun would not give its place back.
    """

    def __init__(
        self,
        home: "Downloads",
        reader: Reader,
        devices: frozenset[str],
        parts: Iterator[bytes],
        needed: Level,
    ) -> None:
        self.reader = reader
        self.devices = devices
        self.needed = needed
        self.allowed_at = time.monotonic()
        self._home = home
        self._parts = parts
        self._forbidden = False
        self._hung_up = False
        self._courtesy = Courtesy()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the next part; after one that had to wait, rest, so that others come first.

        Before the end, look once more whether the right lasts: of a device that was deleted
        meanwhile, nothing is left, and that is not the whole file.

        Raises:
            ConnectionResetError: the right has ended; to a web server it is as if the reader had
                hung up, so it ends the connection in the middle of the file.
        """
        began, busy = time.perf_counter(), time.thread_time()
        try:
            part = next(self._parts, None)
            now = time.perf_counter()
            waited_s = now - began - (time.thread_time() - busy)
            if rest_s := self._courtesy.rest_s(waited_s, now):
                time.sleep(rest_s)
            if part is None:
                self._home.look_at(self)
            if self._forbidden:  # whether or not this was the end: nobody takes it for whole
                self.hang_up()
                raise ConnectionResetError(errno.ECONNRESET, "the right to this download has ended")
            if part is None:
                raise StopIteration
        except BaseException:
            self.close()
            raise
        return part

    def forbid(self) -> None:
        """Give out no further part."""
        self._forbidden = True

    def hang_up(self) -> None:
        """Break the connection, once; what was not sent yet is lost with it."""
        if not self._hung_up:
            self._hung_up = True
            self.reader.hang_up()

    def close(self) -> None:
        """Give the place back; a second time changes nothing."""
        if close := getattr(self._parts, "close", None):
            close()
        self._home.leave(self)


class Downloads:
    """The downloads of one running application, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Download] = set()

    def begin(
        self,
        reader: Reader,
        devices: Collection[Device],
        parts: Iterator[bytes],
        needed: Level = Level.VIEWER,
    ) -> Download:
        """Take a place and return the download.

        Args:
            reader: who takes it.
            devices: what is in it is theirs; it ends with the right to any of them.
            parts: what will be sent; closed together with the download.
            needed: the level on the devices that a person needs for it.

        Raises:
            TooMany: downloads_running, the person has MOST of them.
        """
        ids = frozenset(one.public_id for one in devices)
        download = Download(self, reader, ids, parts, needed)
        with self._lock:
            if self._count(reader.name) >= MOST:
                raise TooMany(
                    "downloads_running",
                    N_("Please wait until your other downloads have ended."),
                    retry_after=5,
                )
            self._open.add(download)
        return download

    def leave(self, download: Download) -> None:
        """Take a place back, if it has not been."""
        with self._lock:
            self._open.discard(download)

    def running(self, name: str) -> int:
        """Return how many downloads somebody has, by the reader's name."""
        with self._lock:
            return self._count(name)

    def end_forbidden(self, *, now: datetime) -> None:
        """End each running download whose reader may no longer have a device's part of it.

        A few queries for all of them; none when nothing runs.

        Raises:
            Unavailable: the database did not answer; after PATIENCE_S of that, all have ended.
        """
        with self._lock:
            running = list(self._open)
        if not running:
            return
        ended: list[Download] = []
        try:
            for needed in {one.needed for one in running}:
                alike = [one for one in running if one.needed == needed]
                seen = watch.reach({one.reader.proof for one in alike}, now=now, needed=needed)
                ended += [one for one in alike if not _lasts(one, seen)]
        except Unavailable:
            self._end([one for one in running if time.monotonic() - one.allowed_at > PATIENCE_S])
            raise
        self._end(ended)

    def look_at(self, download: Download) -> None:
        """Forbid a download whose right has ended, or which nobody could be asked for so long.

        A download is sent after the request and its transaction, so this needs one of its own.
        """
        if not download.devices:
            return
        try:
            with download.reader.apart():
                seen = watch.reach({download.reader.proof}, now=utcnow(), needed=download.needed)
        except Unavailable:
            if time.monotonic() - download.allowed_at > PATIENCE_S:
                download.forbid()
            return
        if not _lasts(download, seen):
            download.forbid()

    def _count(self, name: str) -> int:
        return sum(one.reader.name == name for one in self._open)

    def _end(self, ended: list[Download]) -> None:
        """End downloads; the few that are stuck in the middle of a part by force."""
        for one in ended:
            one.forbid()
        if ended:
            time.sleep(UNSENT_S)
        for one in ended:
            with self._lock:  # once closed, the connection may carry something else
                if one in self._open:
                    one.hang_up()


def _lasts(download: Download, seen: Mapping[Proof, frozenset[str]]) -> bool:
    """Return whether a reader may still have all that is in a download, and note when."""
    lasts = download.devices <= seen.get(download.reader.proof, frozenset())
    if lasts:
        download.allowed_at = time.monotonic()
    return lasts
