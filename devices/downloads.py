"""How many downloads a person has at the same time, so that one person's do not slow all."""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Self

from errors import TooMany
from notify.mark import N_

MOST = 2  # at the same time, a person and process

_running: Counter[str] = Counter()
_lock = threading.Lock()


class Download(Iterator[bytes]):
    """The parts of one download; gives its place back at the end, or when it is closed.

    A class and not a generator: a generator that was never begun would not give its place back.
    """

    def __init__(self, who: str, parts: Iterator[bytes]) -> None:
        """Take a place.

        Args:
            who: whose downloads are counted, `user:` or `device:` and a public id.
            parts: what will be sent; a generator that is closed together with this.

        Raises:
            TooMany: downloads_running, the person has MOST of them.
        """
        with _lock:
            if _running[who] >= MOST:
                raise TooMany(
                    "downloads_running",
                    N_("Please wait until your other downloads have ended."),
                    retry_after=5,
                )
            _running[who] += 1
        self._who: str | None = who
        self._parts = parts

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the place back; a second time changes nothing."""
        if close := getattr(self._parts, "close", None):
            close()
        with _lock:
            if self._who is None:
                return
            _running[self._who] -= 1
            if not _running[self._who]:
                del _running[self._who]
            self._who = None
