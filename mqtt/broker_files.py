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
HEAD = "# Written by Gatehouse; changes are lost.\n\n"
END = "# end\n"  # the last line; a file without it was damaged


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
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.encode())
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
    """The texts of the two files."""

    passwords: str
    rules: str


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
            wanted, found = self._files(identities), self._read()
            changed = found is None or not _same(found, wanted)
            if changed:
                self._write(found, wanted)
        if changed:
            self._reload()

    def _change(self, entries: Mapping[str, BrokerIdentity | None]) -> None:
        """Replace what the files say of some users; None removes one."""
        lines, rules = {}, {}
        for name, one in entries.items():
            lines[name] = f"{name}:{one.password_hash}" if one else ""
            rules[USER + name] = broker_rules.exceptions(one, self._namespace) if one else ""
        with locked(self._folder):
            found = self._read()
            files = found or self._files(self._known())
            files = Files(
                _replaced(files.passwords, lines, ":", "\n"),
                _replaced(files.rules, rules, "\n", "\n\n"),
            )
            if changed := files != found:
                self._write(found, files)
        if changed:
            self._reload()

    def _files(self, identities: Iterable[BrokerIdentity]) -> Files:
        """Return what the files say when exactly these devices are known."""
        lines = [f"{name}:{hashed}" for name, (hashed, _) in self._accounts.items()]
        blocks = [broker_rules.for_all(self._namespace)]
        blocks += [broker_rules.of_user(name, may) for name, (_, may) in self._accounts.items()]
        for identity in map(checked, identities):
            lines.append(f"{identity.username}:{identity.password_hash}")
            blocks.append(broker_rules.exceptions(identity, self._namespace))
        return Files(
            HEAD + "".join(f"{line}\n" for line in lines) + END,
            HEAD + "".join(f"{block}\n\n" for block in blocks if block) + END,
        )

    def _read(self) -> Files | None:
        """Return what the files say; None if one is missing or damaged."""
        try:
            files = Files(
                *((self._folder / name).read_bytes().decode() for name in (PASSWORDS, ACL))
            )
        except (OSError, ValueError):
            return None
        whole = all(text.startswith(HEAD) and text.endswith(END) for text in files)
        return files if whole else None

    def _write(self, before: Files | None, after: Files) -> None:
        """Replace what differs.

        The broker may read the files at any moment: the rules of a user who goes stay until
        nobody can log in as that user.
        """
        rules = after.rules
        if before and before.rules != after.rules:
            users = {block.partition("\n")[0] for block in after.rules.split("\n\n")}
            for block in before.rules.removesuffix(END).split("\n\n"):
                if block.startswith(USER) and block.partition("\n")[0] not in users:
                    rules = f"{rules.removesuffix(END)}{block}\n\n{END}"
        for name, text, old in (
            (ACL, rules, before and before.rules),
            (PASSWORDS, after.passwords, before and before.passwords),
            (ACL, after.rules, rules),
        ):
            if text != old:
                replace(self._folder / name, text)


def _replaced(text: str, entries: Mapping[str, str], key_ends: str, ends: str) -> str:
    """Return a text with other entries; each begins with its key, an empty one is left out."""
    body = text.removeprefix(HEAD).removesuffix(END)
    found = {one.partition(key_ends)[0]: one for one in body.split(ends) if one}
    for key, entry in entries.items():
        if entry:
            found[key] = entry
        else:
            found.pop(key, None)
    return HEAD + "".join([f"{one}{ends}" for one in found.values()]) + END


def _same(one: Files, other: Files) -> bool:
    """Return whether files say the same, in whatever order."""
    return all(
        set(text.split(ends)) == set(another.split(ends))
        for text, another, ends in zip(one, other, ("\n", "\n\n"), strict=True)
    )
