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
from typing import NamedTuple

from devices.ports import BrokerIdentity
from errors import Invalid
from mqtt import broker_rules
from mqtt.broker_rules import USER
from mqtt.decide import Grant
from mqtt.topics import CONTROLLER_ID

PASSWORDS, ACL = "passwords", "acl"
USERNAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
END = "# end\n"  # the last line; a file without it was damaged
BETWEEN = "\n\n"  # blocks of rules


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


class Files(NamedTuple):
    """What the two files say of each user, by name."""

    passwords: dict[str, str]  # lines
    rules: dict[str, str]  # blocks; "" is for all


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

    def username_for(self, controller_id: str) -> str | None:
        """Return the controller id: who is named so needs no rules (`mqtt.broker_rules`)."""
        return None if controller_id in self._accounts else controller_id

    def upsert(self, *identities: BrokerIdentity) -> None:
        """Let devices in with these credentials; a changed password cuts a live connection."""
        entries = {identity.username: checked(identity) for identity in identities}
        self._change(entries)

    def revoke(self, *usernames: str) -> None:
        """Refuse devices and cut their live connections."""
        self._change(dict.fromkeys(usernames))

    def reconcile(self, identities: Iterable[BrokerIdentity]) -> None:
        """Make the broker know exactly these devices; changes nothing if it does."""
        with locked(self._folder):  # first: a device added meanwhile must not be lost
            wanted = self._files(identities)
            changed = self._write(self._read(), wanted)
        if changed:
            self._reload()

    def _change(self, entries: Mapping[str, BrokerIdentity | None]) -> None:
        """Replace what the files say of some users; None removes one."""
        with locked(self._folder):
            found = self._read()
            if found is None:
                wanted = self._files(self._known())
            else:
                wanted = Files(dict(found.passwords), dict(found.rules))
            for username, identity in entries.items():
                if identity is None:
                    wanted.passwords.pop(username, None)
                    wanted.rules.pop(username, None)
                else:
                    self._enter(wanted, identity)
            changed = self._write(found, wanted)
        if changed:
            self._reload()

    def _files(self, identities: Iterable[BrokerIdentity]) -> Files:
        """Return what the files say when exactly these devices are known."""
        made = Files({}, {"": broker_rules.for_all(self._namespace)})
        for name, (hashed, grants) in self._accounts.items():
            made.passwords[name] = f"{name}:{hashed}"
            made.rules[name] = broker_rules.of_user(name, grants)
        for identity in identities:
            self._enter(made, checked(identity))
        return made

    def _enter(self, files: Files, identity: BrokerIdentity) -> None:
        name = identity.username
        files.passwords[name] = f"{name}:{identity.password_hash}"
        if rules := broker_rules.exceptions(identity, self._namespace):
            files.rules[name] = rules
        else:
            files.rules.pop(name, None)

    def _read(self) -> Files | None:
        """Return what the files say; None if one is missing or damaged."""
        try:
            passwords = (self._folder / PASSWORDS).read_text()
            rules = (self._folder / ACL).read_text()
        except (OSError, ValueError):
            return None
        if not (passwords.endswith(END) and rules.endswith(END)):
            return None
        lines = passwords.removesuffix(END).splitlines()
        blocks = rules.removesuffix(END).split(BETWEEN)
        return Files(
            {line.partition(":")[0]: line for line in lines},
            {_user_of(block): block for block in blocks if block},
        )

    def _write(self, before: Files | None, after: Files) -> bool:
        """Replace what differs; returns whether anything did.

        The broker may read the files at any moment: the rules of a user who goes stay until
        nobody can log in as that user.
        """
        old = before or Files({}, {})
        gone = {name: block for name, block in old.rules.items() if name not in after.rules}
        if before is None or old.rules != after.rules:
            blocks = [*after.rules.values(), *gone.values()]
            self._replace(ACL, (f"{block}{BETWEEN}" for block in blocks))
        if before is None or old.passwords != after.passwords:
            self._replace(PASSWORDS, (f"{line}\n" for line in after.passwords.values()))
        if gone:
            self._replace(ACL, (f"{block}{BETWEEN}" for block in after.rules.values()))
        return before != after

    def _replace(self, name: str, parts: Iterable[str]) -> None:
        replace(self._folder / name, "".join(parts) + END)


def _user_of(block: str) -> str:
    first = block.partition("\n")[0]
    return first.removeprefix(USER) if first.startswith(USER) else ""
