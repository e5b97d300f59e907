"""What `devices` needs of the outside; `app.py` plugs the real parts in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that browsers are told at once.

    `kind` is one of
        reading   {"s": sensor, "t": ms, "v": number or text, "k": "number"|"state"|"text"}
        presence  {"state": "online"|"late"|"offline"|"never_seen", "seen": ms or None}
        command   {"id", "name", "state", "detail", "at": ms}
        refused   {"reason", "sample", "topic", "at": ms}
        device    {"change": "created"|"renamed"|"deleted"|"sensors"|"access"}
    `data` is JSON-ready.
    """

    device: str  # public id
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


class LiveBus(Protocol):
    """Carries events from whoever stores them to every web process."""

    def publish(self, events: Iterable[LiveEvent]) -> None:
        """Hand events to all subscribers, in order; never blocks, never raises."""

    def subscribe(self, callback: Callable[[list[LiveEvent]], None]) -> Callable[[], None]:
        """Call back with each batch, in the publisher's thread; returns how to end it."""


class Publisher(Protocol):
    """Sends messages of the server to the broker."""

    @property
    def connected(self) -> bool:
        """Whether a connection to the broker is there now."""

    @property
    def connections(self) -> int:
        """How many connections there have been; after a new one, the broker may be another."""

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        expires_in_s: float | None = None,
        retain: bool = False,
        on_taken: Callable[[bool], None] | None = None,
    ) -> bool:
        """Send with QoS 1; never blocks and never raises.

        Returns whether a connection to the broker was there to send it; a message that could
        not be sent at once is dropped, never sent later.  `on_taken` is called from the network
        thread when the broker has it: True if somebody is subscribed to the topic, connected or
        not, False if the broker said that nobody is.
        """

    def is_connected(self, username: str) -> bool | None:
        """Return whether a device is connected to the broker; None: the broker does not say.

        Asked from within `on_taken`, it says what was true when the broker took the message.
        """


@dataclass(frozen=True, slots=True)
class BrokerIdentity:
    """What a broker must know of one device."""

    username: str  # also the client id
    password_hash: str  # $7$ PBKDF2-SHA512
    controller_id: str
    seed: str = field(repr=False, default="")  # for brokers that want the password itself
    reads: tuple[str, ...] = ()  # topics besides its own that it may subscribe to
    trees: tuple[str, ...] = ()  # branches of the topic tree that it may use as it likes


class BrokerAdmin(Protocol):
    """Makes devices known to the broker."""

    def username_for(self, controller_id: str) -> str | None:
        """Return the user name that suits a new device best; None: any will do."""

    def upsert(self, *identities: BrokerIdentity) -> None:
        """Let devices in with these credentials; a changed password cuts a live connection."""

    def revoke(self, *usernames: str) -> None:
        """Refuse devices and cut their live connections."""

    def reconcile(self, identities: Iterable[BrokerIdentity]) -> None:
        """Make the broker know exactly these devices."""


@dataclass(frozen=True, slots=True)
class BrokerNote:
    """Something that the broker wrote down about a device's connections."""

    at: int  # ms since 1970, to the second
    what: str  # connected, login_refused, topic_refused, too_large
    sample: str  # an address, a topic, or bytes; may be empty


class BrokerLog(Protocol):
    """What a broker wrote down."""

    def watch(self) -> None:
        """Look closely for some seconds: somebody waits for a device."""

    def notes(self, username: str, since_ms: int) -> list[BrokerNote]:
        """Return what is known of a user since a moment, and of refused logins, oldest first."""
        ...

    def is_connected(self, username: str) -> bool | None:
        """Return whether a user is connected to the broker; None: nobody can tell."""
        ...


class NoBrokerLog:
    """The log of a broker that is not ours: nothing is known."""

    def watch(self) -> None:
        """There is nothing to look at."""

    def notes(self, _username: str, _since_ms: int) -> list[BrokerNote]:
        """Return nothing."""
        return []

    def is_connected(self, _username: str) -> bool | None:
        """Return nothing."""
        return None
