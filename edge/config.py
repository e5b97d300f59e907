"""The configuration file of a device: TOML, checked whole, with one clear line a problem."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from edge.drivers import OUTPUTS, SENSORS, Driver, Output, Sensor
from edge.login import TYPES, ConfigError, Login, login_from
from edge.outgoing import Account

TABLES = {"login", "client", "files", "sensor", "output"}
CLIENT = {"state_dir": str, "buffer_mb": int, "sealed": bool, "firmware": str}
FILES = {
    "folder": str,
    "upload_from": str,
    "largest_mb": int,
    "server": str,
    "device_id": str,
    "token": str,
}
ACCOUNT = ("server", "device_id", "token")
MAX_FILE_MB = 64  # what the server takes
WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
MAX_BUFFER_MB = 20  # sent at once, more would go beyond what the server takes of one device
SHORTEST_S = 0.2
EVERY_S = 10.0
D = TypeVar("D", bound=Driver)


@dataclass(frozen=True, slots=True)
class Part(Generic[D]):
    """A sensor or an output under its name."""

    name: str
    driver: D
    every_s: float = EVERY_S


@dataclass(frozen=True, slots=True)
class Files:
    """Which files may come and go."""

    folder: Path | None = None  # where those that come are put; None: none may come
    upload_from: Path | None = None  # where those lie that the server may ask for
    largest_mb: int = MAX_FILE_MB
    account: Account | None = None  # None: the device cannot announce a file itself


@dataclass(frozen=True, slots=True)
class Config:
    """What a device is told to do."""

    login: Login
    sensors: tuple[Part[Sensor], ...]
    outputs: tuple[Part[Output], ...]
    state_dir: Path = Path("/var/lib/gatehouse-edge")
    buffer_mb: int = 16
    sealed: bool = False
    firmware: str = ""
    files: Files = Files()


def load(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong; all problems at once.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    problems = [f"[{name}]: unknown; there are {_list(TABLES)}" for name in {*table} - TABLES]
    login = _login(table, path.parent, problems)
    sensors = _parts(table, "sensor", SENSORS, problems)
    outputs = _parts(table, "output", OUTPUTS, problems)
    client = _client(table, problems)
    files = _files(table, path.parent, problems)
    if login is not None and client.get("sealed") and not login.command_key:
        problems.append("[client] sealed: needs [login] command_key, from which the keys are made")
    if problems or login is None:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    return Config(login, sensors, outputs, files=files, **client)


def _login(table: Mapping[str, Any], folder: Path, problems: list[str]) -> Login | None:
    given = table.get("login")
    if not isinstance(given, dict):
        problems.append("[login]: is missing")
        return None
    given = _with_secrets("[login]", given, ("password", "command_key"), folder, problems)
    if given is None:
        return None
    problems += [
        f"[login] {name}: unknown; there are {_list(TYPES)}" for name in {*given} - {*TYPES}
    ]
    try:
        return login_from(given)
    except ConfigError as error:
        problems += [f"[login] {line}" for line in str(error).splitlines()]
        return None


def _client(table: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    given = table.get("client", {})
    if not isinstance(given, dict):
        problems.append("[client]: needs name = value")
        return {}
    problems += _wrong("[client]", given, CLIENT)
    if not 1 <= _number(given.get("buffer_mb", 1)) <= MAX_BUFFER_MB:
        problems.append(f"[client] buffer_mb: needs 1-{MAX_BUFFER_MB}")
    if isinstance(given.get("state_dir"), str):
        given = given | {"state_dir": Path(given["state_dir"])}
    return dict(given)


def _with_secrets(
    place: str,
    given: Mapping[str, Any],
    names: tuple[str, ...],
    folder: Path,
    problems: list[str],
) -> dict[str, Any] | None:
    """Return a table with the secrets that it keeps in files; None if one cannot be read."""
    read = dict(given)
    for name in names:
        try:
            if file := read.pop(f"{name}_file", None):
                read[name] = (folder / file).read_text(encoding="utf-8").strip()
        except (OSError, TypeError, UnicodeDecodeError) as error:
            problems.append(f"{place} {name}_file: cannot be read ({error})")
            return None
    return read


def _files(table: Mapping[str, Any], folder: Path, problems: list[str]) -> Files:
    given = table.get("files", {})
    if not isinstance(given, dict):
        problems.append("[files]: needs name = value")
        return Files()
    given = _with_secrets("[files]", given, ("token",), folder, problems)
    if given is None:
        return Files()
    wrong = _wrong("[files]", given, FILES)
    if not 1 <= _number(given.get("largest_mb", 1)) <= MAX_FILE_MB:
        wrong.append(f"[files] largest_mb: needs 1-{MAX_FILE_MB}")
    missing = [name for name in ACCOUNT if not given.get(name)]
    if 0 < len(missing) < len(ACCOUNT):
        wrong += [f"[files] {name}: is missing" for name in missing]
    elif not missing and not str(given["server"]).startswith(("http://", "https://")):
        wrong.append("[files] server: begins with http:// or https://")
    problems += wrong
    if wrong:
        return Files()
    into, upload_from = (
        Path(given[name]) if name in given else None for name in ("folder", "upload_from")
    )
    account = None
    if not missing:
        account = Account(given["server"].rstrip("/"), given["device_id"], given["token"])
    return Files(into, upload_from, given.get("largest_mb", MAX_FILE_MB), account)


def _parts(
    table: Mapping[str, Any], kind: str, drivers: Mapping[str, type], problems: list[str]
) -> tuple[Part[Any], ...]:
    entries = table.get(kind, [])
    if not isinstance(entries, list):
        problems.append(f"[{kind}]: write [[{kind}]], once for each")
        return ()
    parts: dict[str, Part[Any]] = {}
    for number, entry in enumerate(entries, 1):
        place = f"[[{kind}]] {entry.get('name') or number}"
        wrong = _part_problems(place, entry, drivers)
        if entry.get("name") in parts:
            wrong.append(f"{place}: the name is used twice")
        problems += wrong
        if not wrong:
            options = {**entry}
            name, driver = options.pop("name"), drivers[options.pop("driver")]
            every_s = options.pop("every_s", EVERY_S)
            parts[name] = Part(name, driver(**options), float(every_s))
    return tuple(parts.values())


def _part_problems(place: str, entry: Mapping[str, Any], drivers: Mapping[str, type]) -> list[str]:
    problems = []
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        problems.append(f"{place}: needs a name")
    driver = drivers.get(str(entry.get("driver")))
    if driver is None:
        return [*problems, f"{place} driver: needs one of {_list(drivers)}"]
    options = {option.name: option for option in fields(driver) if option.init}
    known: dict[str, Any] = {name: option.type for name, option in options.items()}
    given = {name: value for name, value in entry.items() if name not in {"name", "driver"}}
    problems += _wrong(place, given, known | {"every_s": float})
    problems += [
        f"{place} {name}: is missing"
        for name, option in options.items()
        if option.default is MISSING and name not in given
    ]
    if not _number(given.get("every_s", 1)) >= SHORTEST_S:
        problems.append(f"{place} every_s: needs {SHORTEST_S} or more")
    return problems


def _wrong(place: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    """Name what is unknown or of a wrong type; a whole number is a number too."""
    problems = []
    for name, value in given.items():
        if name not in known:
            problems.append(f"{place} {name}: unknown; there are {_list(known)}")
        elif type(value) is not known[name] and not (known[name] is float and type(value) is int):
            problems.append(f"{place} {name}: needs {WORDS[known[name]]}, not {value!r}")
    return problems


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 1.0  # a wrong type is named elsewhere


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
