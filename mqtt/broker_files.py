"""Makes devices known to a Mosquitto by two files: `passwords` and `acl`.

Every change replaces both files as a whole and asks the broker to read them again, which also
ends the connections of those who were removed or whose password changed.  A lock on the folder
keeps several processes from losing each other's changes.  Nothing is flushed to disk: the
database is the truth, and `reconcile` at each start writes again what a power cut took.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devices.ports import BrokerIdentity
from errors import Invalid
from mqtt.decide import READ, WRITE, Grant, of_device
from mqtt.topics import CONTROLLER_ID

PASSWORDS, ACL = "passwords", "acl"
USERNAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
END = "# end"  # the last line; a file without it was damaged
VERBS = {READ: "read", WRITE: "write"}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes and threads from changing the broker's files meanwhile."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace(path: Path, text: str) -> None:
    """Write a file that only this user can read, at once or not at all."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def block(username: str, grants: Iterable[Grant]) -> str:
    """Return the lines of one user in the ACL file."""
    lines = [f"user {username}"]
    lines += [f"topic {VERBS[grant.action]} {grant.filter}" for grant in grants]
    return "\n".join(lines)


def checked(identity: BrokerIdentity) -> BrokerIdentity:
    """Return an identity whose names cannot change the meaning of a line or a filter.

    Raises:
        Invalid: broker_name_invalid, a name has wildcards, line ends or other such characters.
    """
    names = (
        USERNAME.fullmatch(identity.username)
        and CONTROLLER_ID.fullmatch(identity.controller_id)
        and not re.search(r"[\s:]", identity.password_hash)
        and not any(re.search(r"[\s+#]", topic) for topic in identity.reads)
        and all(tree.isprintable() and not set(tree) & {"+", "#"} for tree in identity.trees)
    )
    if not names:
        raise Invalid("broker_name_invalid", "A broker name has letters, digits, '_' and '-' only.")
    return identity


class FileBroker:
    """The `BrokerAdmin` of the Mosquitto that this server starts.

    Args:
        folder: where the two files are.
        namespace: the prefix of all topics.
        accounts: user name -> (password hash, grants) of the server's own connections.
        known: all devices there are, asked when a file is missing or damaged.
        reload: makes the broker read the files again.
    """

    def __init__(
        self,
        folder: Path,
        namespace: str,
        *,
        accounts: Mapping[str, tuple[str, list[Grant]]],
        known: Callable[[], Iterable[BrokerIdentity]],
        reload: Callable[[], object],
    ) -> None:
        self._folder = folder
        self._namespace = namespace
        self._accounts = accounts
        self._known = known
        self._reload = reload

    def upsert(self, *identities: BrokerIdentity) -> None:
        """Let devices in with these credentials; a changed password cuts a live connection."""
        entries = self._entries(identities)
        with locked(self._folder):
            users = self._read()
            users.update(entries)
            changed = self._write(users)
        if changed:
            self._reload()

    def revoke(self, *usernames: str) -> None:
        """Refuse devices and cut their live connections."""
        with locked(self._folder):
            users = self._read()
            for username in usernames:
                users.pop(username, None)
            changed = self._write(users)
        if changed:
            self._reload()

    def reconcile(self, identities: Iterable[BrokerIdentity]) -> None:
        """Make the broker know exactly these devices; changes nothing if it does."""
        with locked(self._folder):  # first: a device added meanwhile must not be lost
            changed = self._write(self._entries(identities))
        if changed:
            self._reload()

    def _entries(self, identities: Iterable[BrokerIdentity]) -> dict[str, tuple[str, str]]:
        return {
            identity.username: (
                identity.password_hash,
                block(identity.username, of_device(checked(identity), self._namespace)),
            )
            for identity in identities
        }

    def _read(self) -> dict[str, tuple[str, str]]:
        """Return user name -> (password hash, ACL block); all devices if a file is damaged."""
        try:
            hashes = self._text(PASSWORDS).splitlines()
            blocks = self._text(ACL).split("\n\n")
        except (OSError, ValueError):
            return self._entries(self._known())
        acl = {text[5 : text.index("\n")]: text for text in blocks if text.startswith("user ")}
        users = (line.partition(":")[::2] for line in hashes if not line.startswith("#"))
        return {name: (hashed, acl.get(name, block(name, ()))) for name, hashed in users}

    def _text(self, name: str) -> str:
        text = (self._folder / name).read_text()
        if not text.endswith(END + "\n"):
            raise ValueError(f"{name} is damaged")
        return text

    def _write(self, users: dict[str, tuple[str, str]]) -> bool:
        """Replace what differs from the files; returns whether anything did."""
        users |= {name: (hashed, block(name, may)) for name, (hashed, may) in self._own()}
        names = sorted(users)
        passwords = "".join(f"{name}:{users[name][0]}\n" for name in names) + END + "\n"
        acl = "".join(f"{users[name][1]}\n\n" for name in names) + END + "\n"
        changed = False
        for file, text in ((ACL, acl), (PASSWORDS, passwords)):
            path = self._folder / file
            if not path.exists() or path.read_text() != text:
                replace(path, text)
                changed = True
        return changed

    def _own(self) -> Iterable[tuple[str, tuple[str, list[Grant]]]]:
        return self._accounts.items()
