"""Files that come down: fetched where the last try ended, checked, and only then put in place."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from edge.commands import Refused
from edge.files import FileOffer
from edge.web import Failed, Web, insist

BLOCK = 64 * 1024
PART = ".{}.part"  # by checksum: what was cut goes on, under whatever address it comes again
STALE_S = 86_400  # a part that nobody went on with for so long is thrown away
MODE = 0o600
Turning = Callable[[str, int], Callable[[bytes], bytes]]  # of a URL's token, from a byte on


class Incoming:
    """The folder that files come into."""

    def __init__(self, folder: Path, *, largest: int, web: Web, turning: Turning) -> None:
        """Prepare the folder.

        Args:
            folder: where files are put; nothing is ever written outside of it.
            largest: bytes of one file.
            web: the way to the server.
            turning: returns what turns bytes that travelled into those of the file.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._largest, self._web, self._turning = folder, largest, web, turning
        for part in folder.glob(PART.format("*")):
            if time.time() - part.stat().st_mtime > STALE_S:
                part.unlink()

    def take(self, offer: FileOffer, *, until_s: float, ending: threading.Event) -> None:
        """Have a file, whole and checked, under its name.

        Args:
            offer: its announcement.
            until_s: the monotonic time at which trying ends.
            ending: set when the program ends.

        Raises:
            Refused: too_large, checksum.
            Failed: it could not be fetched; what came stays for the next announcement.
            OSError: the folder cannot be written.
        """
        if offer.size > self._largest:
            raise Refused("too_large", f"more than {self._largest} bytes")
        target, part = self._folder / offer.name, self._folder / PART.format(offer.sha256)
        if _is_whole(target, offer):
            return
        if offer.content is not None:
            with _opened(part) as out:
                out.truncate()
                out.write(offer.content)
        elif not _is_whole(part, offer):
            insist(lambda: self._fetch(offer, part), until_s=until_s, ending=ending)
        if not _is_whole(part, offer):
            part.unlink()
            raise Refused("checksum", "the bytes are not those that were announced")
        os.replace(part, target)
        _settle(self._folder)

    def _fetch(self, offer: FileOffer, part: Path) -> None:
        """Fetch what is missing of a part.

        Raises:
            Status, OSError, HTTPException: it was cut, or refused.
        """
        with _opened(part) as out:
            have = out.seek(0, os.SEEK_END)
            if have >= offer.size:  # whole and wrong
                have = out.truncate(0)
            wanted = {"Range": f"bytes={have}-"} if have else {}
            with self._web.ask("GET", offer.url, wanted) as answer:
                start = have if answer.status == 206 else 0
                out.seek(start)
                out.truncate()
                self._write(answer, offer, start, out)

    def _write(self, answer: HTTPResponse, offer: FileOffer, start: int, out: IO[bytes]) -> None:
        turned = self._turning(offer.token, start)
        while block := answer.read(min(BLOCK, offer.size - start + 1)):
            start += len(block)
            if start > offer.size:
                raise Failed("more bytes than were announced")
            _write_all(out, turned(block))
        if start < offer.size:
            raise HTTPException("the connection was cut")


def _write_all(out: IO[bytes], block: bytes) -> None:
    try:
        out.write(block)
        out.flush()
    except OSError as error:  # not the network's, so trying again is of no use
        raise Failed(f"cannot be written: {error.strerror}") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a part for writing without losing what is in it, and keep it on the disk."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, MODE)
    with open(number, "r+b") as out:
        yield out
        out.flush()
        os.fsync(number)


def _is_whole(path: Path, offer: FileOffer) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size != offer.size:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == offer.sha256


def _settle(folder: Path) -> None:
    """Keep the new name through a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
