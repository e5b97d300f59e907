"""What a device knows to get in: broker, user name, password, command key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mqtt import topics

PORT, TLS_PORT = 1883, 8883


class ConfigError(Exception):
    """A file that tells a device what to do is wrong; the text has one line a problem."""


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials of one device, as "Add device" shows them once."""

    controller_id: str
    username: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = PORT
    namespace: str = "gatehouse"
    command_key: str = field(default="", repr=False)  # empty: commands are not signed
    tls: bool = False
    ca: str = ""  # file with the authority's certificate; empty: those of the system

    def __post_init__(self) -> None:
        problems = []
        if not topics.CONTROLLER_ID.fullmatch(self.controller_id):
            problems.append("controller_id: needs 1-64 of A-Z a-z 0-9 _ -")
        problems += [
            f"{name}: is missing"
            for name in ("username", "password", "host")
            if not getattr(self, name)
        ]
        if not 1 <= self.port <= 65535:
            problems.append("port: needs 1-65535")
        if not self.namespace or any(sign in self.namespace for sign in "+#\0"):
            problems.append("namespace: cannot be used in topics")
        if problems:
            raise ConfigError("\n".join(problems))

    def topic(self, rest: str) -> str:
        """Return the full name of one of this device's topics."""
        return topics.of(self.namespace, self.controller_id, rest)


TYPES = {
    "controller_id": str,
    "username": str,
    "password": str,
    "host": str,
    "port": int,
    "namespace": str,
    "command_key": str,
    "tls": bool,
    "ca": str,
}


def login_from(table: Mapping[str, Any]) -> Login:
    """Make a Login from a table of a JSON or TOML file; further names are ignored.

    Raises:
        ConfigError: a value is missing or has a wrong type or form.
    """
    given = {name: value for name, value in table.items() if name in TYPES}
    problems = [
        f"{name}: needs {_word(kind)}, not {given[name]!r}"
        for name, kind in TYPES.items()
        if name in given and type(given[name]) is not kind
    ]
    problems += [
        f"{name}: is missing"
        for name in ("controller_id", "username", "password")
        if name not in given
    ]
    if problems:
        raise ConfigError("\n".join(problems))
    given.setdefault("port", TLS_PORT if given.get("tls") else PORT)
    return Login(**given)


def _word(kind: type) -> str:
    return {str: "a text", int: "a whole number", bool: "true or false"}[kind]


@dataclass(frozen=True, slots=True)
class HouseDevice:
    """One device of a simulated house."""

    login: Login
    kind: str
    name: str
    model: str = ""  # which simulation; empty: the usual one of the kind


def read_house(path: Path) -> list[HouseDevice]:
    """Read a file of credentials: a JSON list with one object a device.

    Raises:
        ConfigError: the file cannot be read or an entry is wrong.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path}: needs a list with one object a device")
    devices, problems = [], []
    for number, entry in enumerate(entries):
        try:
            login = login_from(entry)
        except ConfigError as error:
            problems += [f"{path}, device {number}: {line}" for line in str(error).splitlines()]
            continue
        devices.append(
            HouseDevice(
                login,
                kind=str(entry.get("kind", "other")),
                name=str(entry.get("name", login.controller_id)),
                model=str(entry.get("model", "")),
            )
        )
    if problems:
        raise ConfigError("\n".join(problems))
    return devices
