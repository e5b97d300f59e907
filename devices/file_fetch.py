"""A device fetches a file: one download at a time, held in the file's row by whoever sends it.

The hold is renewed while bytes go out and given back at the end.  Of a sender that died, or that
waits for a reader who has gone, it ends by itself; whichever process is asked next may go on.
"""

import errno
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, null, or_, select, update

from auth import access
from clock import utcnow
from db.base import Begin, changed, db, elsewhere, transaction
from db.models import Device, DeviceFile
from errors import NotFound, TooMany
from notify.mark import N_

HOLD = timedelta(seconds=10)  # without progress
RENEW_S = 2.0
SENDABLE = ("whole", "fetched")
ADMITTED = DeviceFile.device_id.in_(select(Device.id).where(access.ADMITTED))


class Hold:
    """One download's claim on a file."""

    def __init__(self, file: DeviceFile, begin: Begin) -> None:
        """Prepare; nothing is claimed before `take`."""
        self._begin = begin
        self._holder = secrets.token_hex(16)
        self._file = (DeviceFile.id == file.id, DeviceFile.url_hash == file.url_hash)

    def take(self, *, start: int, now: datetime) -> bool:
        """Claim the file, and return whether that was possible.

        Args:
            start: the first byte that is asked for.  0 begins, which is possible once and while
                nobody else sends; from later on, the device goes on with its own download, and
                the one before ends.
            now: when.
        """
        free = or_(DeviceFile.held_until.is_(None), DeviceFile.held_until <= now)
        rules = () if start else (DeviceFile.state == "whole", free)
        values = {"holder": self._holder, "held_until": now + HOLD}
        with transaction() as session:
            return _changed(
                session, *self._file, DeviceFile.state.in_(SENDABLE), *rules, values=values
            )

    def renew(self) -> bool:
        """Keep the claim; returns False if it has become somebody else's, or nobody's.

        Of a device that is shut out meanwhile, nobody has any.
        """
        return self._mine(ADMITTED, held_until=utcnow() + HOLD)

    def give_back(self, *, fetched: bool) -> None:
        """Let others begin; `fetched`: the last byte of the file was sent."""
        done = {"state": "fetched"} if fetched else {}
        self._mine(holder=null(), held_until=null(), **done)

    def _mine(self, *rules: ColumnElement[bool], **values: Any) -> bool:
        mine = (*self._file, DeviceFile.holder == self._holder, *rules)
        with self._begin() as session:
            return _changed(session, *mine, values=values)


class Fetch(Iterator[bytes]):
    """The bytes of one download.

    A class and not a generator: a generator that was never begun would not give the file back.
    """

    def __init__(
        self,
        content: Iterator[bytes],
        turned: Callable[[bytes], bytes],
        *,
        hold: Hold,
        is_last: bool,
        hang_up: Callable[[], None],
    ) -> None:
        """Begin to send.

        Args:
            content: the bytes; a generator that is closed together with the download.
            turned: makes of them what travels.
            hold: on the file, taken.
            is_last: whether the last byte of the file is among them.
            hang_up: breaks the connection.
        """
        self._content, self._turned, self._hold = content, turned, hold
        self._is_last, self._hang_up = is_last, hang_up
        self._due_s = time.monotonic() + RENEW_S
        self._open = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the next part.

        Raises:
            ConnectionResetError: the file is somebody else's now; to a web server it is as if the
                reader had hung up, so nobody takes what was sent for whole.
        """
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + RENEW_S
            if not self._hold.renew():
                self._hang_up()
                self.close()
                raise ConnectionResetError(errno.ECONNRESET, "another download has taken over")
        part = next(self._content, None)
        if part is None:
            self._end(fetched=self._is_last)
            raise StopIteration
        return self._turned(part)

    def close(self) -> None:
        """Let go of the file; a second time changes nothing."""
        self._end(fetched=False)

    def _end(self, *, fetched: bool) -> None:
        if not self._open:
            return
        self._open = False
        if close := getattr(self._content, "close", None):
            close()
        self._hold.give_back(fetched=fetched)


def take(file: DeviceFile, *, start: int, now: datetime) -> Hold:
    """Return the hold of a download that begins now, or goes on.

    Raises:
        TooMany: download_running, another one is sending the file.
        NotFound: its bytes were all sent, or the address has ended.
    """
    hold = Hold(file, elsewhere())
    if hold.take(start=start, now=now):
        return hold
    db.session.refresh(file)
    if file.state == "whole" and file.held_until is not None and file.held_until > now:
        raise TooMany(
            "download_running",
            N_("This file is being fetched already."),
            retry_after=round((file.held_until - now).total_seconds()) + 1,
        )
    raise NotFound


def _changed(session: Any, *where: Any, values: dict[str, Any]) -> bool:
    """Change the row of a file where all of this is true; returns whether it was."""
    row = update(DeviceFile).where(*where).values(**values)
    return bool(changed(session, row.execution_options(synchronize_session=False)))
