"""Files that go up: announced with the device's token or asked for, sent in parts that go on."""

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from edge.commands import Refused
from edge.files import NAME, FileOffer
from edge.incoming import Turning
from edge.web import Failed, Status, Web, insist

PART_SIZE = 256 * 1024
PATIENCE_S = 300.0  # for an upload that the device began
BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Account:
    """Who the device is at the web server.

    Attributes:
        server: the address of the web server, as browsers have it.
        device_id: the device's id there.
        token: a device token.
    """

    server: str
    device_id: str
    token: str = field(repr=False)


class Outgoing:
    """Sends files to the server."""

    def __init__(
        self, web: Web, turning: Turning, *, folder: Path | None, account: Account | None
    ) -> None:
        """Prepare.

        Args:
            web: the way to the server.
            turning: returns what turns the bytes of a file into those that travel.
            folder: where files lie that the server may ask for; None: it may ask for none.
            account: needed to announce a file; None: only what was asked for can be sent.
        """
        self._web, self._turning, self._folder, self._account = web, turning, folder, account

    def asked(self, offer: FileOffer, *, until_s: float, ending: threading.Event) -> None:
        """Send a file that the server asked for by size and checksum.

        Raises:
            Refused: it is not here, or is another by now.
            Failed: it could not be sent.
        """
        content = _Content(self._path(offer.name))
        if (content.size, content.sha256) != (offer.size, offer.sha256):
            raise Refused("changed", f"{offer.name} is another by now: {content.size} bytes")
        put = _Put(self._web, offer.url, content, self._turning)
        insist(put.go_on, until_s=until_s, ending=ending)

    def upload(self, name: str, *, ending: threading.Event) -> None:
        """Send a file of the folder as it is now; raises what `send` does."""
        self.send(self._path(name), ending=ending)

    def send(self, path: Path, *, ending: threading.Event | None = None) -> None:
        """Announce a file and send it.

        Raises:
            Refused: it cannot be sent.
            Failed: the server refuses, or cannot be reached.
        """
        if self._account is None:
            raise Refused("no_account", "[files] server, device_id and token are not configured")
        if not path.is_file():
            raise Refused("missing", f"there is no file {path.name}")
        if not NAME.fullmatch(path.name):
            raise Refused("name", "the name is not one for a file here")
        content, account = _Content(path), self._account
        wanted = {
            "name": path.name,
            "size": content.size,
            "sha256": content.sha256,
            "direction": "upload",
        }
        until_s = time.monotonic() + PATIENCE_S

        def announce() -> tuple[str, int]:
            with self._web.ask(
                "POST",
                f"{account.server}/api/v1/devices/{account.device_id}/files",
                {"Authorization": f"Bearer {account.token}", "Content-Type": "application/json"},
                json.dumps(wanted).encode(),
            ) as answer:
                told = json.load(answer)
                return str(told["url"]), int(told["received"])

        url, received = insist(announce, until_s=until_s, ending=ending)
        # the address by which this device reaches the server, not the one of browsers
        url = f"{account.server}/api/v1/transfers/{url.rpartition('/')[2]}"
        put = _Put(self._web, url, content, self._turning, received)
        insist(put.go_on, until_s=until_s, ending=ending)

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise Refused("no_folder", "[files] upload_from is not configured")
        path = self._folder / name
        if not NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise Refused("missing", "there is no such file here")
        return path


class _Content:
    """A file as it was when it was looked at; what is added to a log later does not count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as content:
            self.sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            self.size = content.tell()

    def part(self, start: int) -> bytes:
        with self.path.open("rb") as content:
            content.seek(start)
            return content.read(min(PART_SIZE, self.size - start))


class _Put:
    """An upload that goes on where the server says that it was cut."""

    def __init__(
        self, web: Web, url: str, content: _Content, turning: Turning, start: int = 0
    ) -> None:
        self._web, self._url, self._content, self._turning = web, url, content, turning
        self._start = start

    def go_on(self) -> None:
        """Send what is missing.

        Raises:
            Status, OSError, HTTPException: it was cut, or refused.
        """
        size, token = self._content.size, self._url.rpartition("/")[2]
        is_first = True
        while self._start < size or (is_first and not size):
            is_first = False
            part = self._content.part(self._start)
            if size and not part:
                raise Failed("the file became shorter meanwhile")
            turned = self._turning(token, self._start)(part)
            headers = {"Content-Type": BYTES}
            if size:
                last = self._start + len(part) - 1
                headers["Content-Range"] = f"bytes {self._start}-{last}/{size}"
            try:
                with self._web.ask("PUT", self._url, headers, turned):
                    self._start += len(part)
            except Status as error:
                received = error.details.get("received")
                if error.error != "wrong_offset" or received in {None, self._start}:
                    raise
                self._start = int(received)
