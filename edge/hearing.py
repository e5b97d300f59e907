"""What the server tells a device: checked, and handed to whoever does something about it."""

from collections.abc import Callable
from dataclasses import dataclass

from edge import commands, files, settings
from edge.commands import Command, Refused
from edge.files import FileOffer
from edge.journal import Journal
from edge.login import Login
from edge.settings import Settings
from edge.wire import Wire


@dataclass(frozen=True, slots=True)
class Doings:
    """What is done about what the server says; called from the network thread, to return at once.

    Attributes:
        command: carries a command out.
        settings: follows a configuration; None: the device takes none.
        file: fetches or sends a file; None: the device takes none.
    """

    command: Callable[[Command], None]
    settings: Callable[[Settings], None] | None = None
    file: Callable[[FileOffer], None] | None = None


class Hearing:
    """Takes each message once."""

    def __init__(
        self, login: Login, wire: Wire, journal: Journal, doings: Doings, now_ms: Callable[[], int]
    ) -> None:
        self._login, self._wire, self._journal = login, wire, journal
        self._doings, self._now_ms = doings, now_ms
        self._version = 0  # of the configuration that was handed over last

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to, below the device's own topic."""
        wanted = {"config": self._doings.settings, "files": self._doings.file}
        return (self._wire.commands, *(rest for rest, doing in wanted.items() if doing))

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Do something about a message.

        Raises:
            Refused: nothing must be done because of it.
        """
        rest = topic.removeprefix(self._login.topic(""))
        if not (retained and rest == self._wire.commands):  # refused below, whatever is in it
            rest, payload = self._wire.incoming(rest, payload)
        if rest == "config":
            self._follow(payload)
        elif rest == "files":
            self._transfer(payload, retained=retained)
        else:
            self._obey(payload, retained=retained)

    def _obey(self, payload: bytes, *, retained: bool) -> None:
        command = commands.read(
            payload, key=self._login.command_key, now_ms=self._now_ms(), retained=retained
        )
        if not self._journal.first_time(command.id):
            raise Refused("replayed", "this command came before")
        self._doings.command(command)

    def _follow(self, payload: bytes) -> None:
        found = settings.read(payload)
        if found is None or found.version == self._version or self._doings.settings is None:
            return  # a version may come again, whenever the server is not sure
        self._version = found.version
        self._doings.settings(found)

    def _transfer(self, payload: bytes, *, retained: bool) -> None:
        offer = files.read(payload, now_ms=self._now_ms(), retained=retained)
        if self._doings.file is not None:
            self._doings.file(offer)
