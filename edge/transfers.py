"""Carries files in a thread of its own, one after the other, and says what came of each."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial

from edge.client import DeviceClient, Status
from edge.commands import Command, Refused
from edge.files import FileOffer
from edge.incoming import Incoming
from edge.outgoing import Outgoing
from edge.web import Failed

WAITING = 32  # files that may wait for their turn
log = logging.getLogger("gatehouse.edge")


class Transfers:
    """What a device does about files."""

    def __init__(self, *, incoming: Incoming | None, outgoing: Outgoing) -> None:
        """Prepare; nothing is carried before `start`.

        Args:
            incoming: where files that come are put; None: the device takes none.
            outgoing: sends files.
        """
        self._incoming, self._outgoing = incoming, outgoing
        self._client: DeviceClient | None = None
        self._ending = threading.Event()
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(WAITING + 1)
        self._thread = threading.Thread(target=self._run, name="files", daemon=True)

    def start(self, client: DeviceClient) -> None:
        """Begin; `client` says what came of each."""
        self._client = client
        self._thread.start()

    def stop(self) -> None:
        """Leave off; what came in part stays for the next announcement."""
        self._ending.set()
        self._waiting.put(None)
        self._thread.join(2)

    def carry(self, offer: FileOffer, *, now_ms: int) -> None:
        """Fetch or send what the server announced; returns at once."""
        until_s = time.monotonic() + (offer.expires_ms - now_ms) / 1000
        way = self._fetch if offer.direction == "download" else self._outgoing.asked
        self._later(offer, partial(way, offer, until_s=until_s, ending=self._ending))

    def upload(self, command: Command) -> None:
        """Send a file that a command names; returns at once."""
        name = str(command.params.get("file", ""))
        self._later(command, partial(self._outgoing.upload, name, ending=self._ending))

    def _fetch(self, offer: FileOffer, *, until_s: float, ending: threading.Event) -> None:
        if self._incoming is None:
            raise Refused("no_folder", "[files] folder is not configured")
        self._incoming.take(offer, until_s=until_s, ending=ending)

    def _later(self, asked: FileOffer | Command, transfer: Callable[[], None]) -> None:
        if self._waiting.qsize() >= WAITING:
            self._say(asked, "failed", "too many files wait already")
            return
        self._waiting.put(partial(self._try, asked, transfer))

    def _run(self) -> None:
        while (transfer := self._waiting.get()) is not None and not self._ending.is_set():
            transfer()

    def _try(self, asked: FileOffer | Command, transfer: Callable[[], None]) -> None:
        try:
            transfer()
        except Refused as refused:
            self._say(asked, "refused", str(refused))
        except Failed as failed:
            self._say(asked, "failed", str(failed))
        except OSError as error:
            self._say(asked, "failed", f"cannot be written or read: {error.strerror}")
        else:
            self._say(asked, "done")

    def _say(self, asked: FileOffer | Command, status: Status, detail: str = "") -> None:
        if detail:
            log.warning("%s: %s", asked.name, detail)
        if self._client is not None and not (detail and self._ending.is_set()):
            self._client.answer(asked, status, detail)
