"""Devices as CSV and JSON files, in both directions."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import wiring
from clock import utcnow
from db.models import User
from devices import export, fields, registry
from devices.inventory import Listed
from errors import Invalid

FIELDS = (
    "name",
    "kind",
    "owner",
    "controller_id",
    "hardware_id",
    "notes",
    "timezone",
    "expected_interval_s",
    "retention_days",
)
SECRETS = ("name", "controller_id", "username", "password", "command_key", "token")
AFTERWARDS = FIELDS[FIELDS.index("notes") :]  # what `create` does not take
RETENTION = {"default": None, "forever": fields.FOR_EVER}  # words in place of a number of days


def described(one: Listed) -> dict[str, Any]:
    """Return what a file says of a device; no secrets."""
    values = {field: getattr(one.device, field) for field in FIELDS if field != "owner"}
    return {"owner": one.owner, **values, "kind": str(one.device.kind)}


def retention_days(text: str) -> int | str | None:
    """Return what somebody typed for it: a word of RETENTION or a number, else what it is."""
    return RETENTION[text] if text in RETENTION else _number(text)


def write(file: TextIO, found: Iterable[Listed], form: str) -> None:
    """Write devices in a format, csv or json."""
    _write(file, [described(one) for one in found], FIELDS, form)


def write_secrets(file: TextIO, made: Sequence[dict[str, str]], form: str) -> None:
    """Write what `create` returned in a format, csv or json."""
    _write(file, made, SECRETS, form)


def read(file: TextIO, form: str) -> list[dict[str, Any]]:
    """Return what a file says of each device; cells that are empty say nothing.

    Raises:
        Invalid: the file has another format, or a field that means nothing.
    """
    try:
        rows = json.load(file) if form == "json" else list(csv.DictReader(file, strict=True))
    except (ValueError, RecursionError, csv.Error) as error:
        raise Invalid("file_unreadable", "This is no %(form)s file.", form=form) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Invalid("file_unreadable", "This is no list of devices.")
    for row in rows:
        if unknown := [field for field in row if field not in FIELDS]:
            raise Invalid("field_unknown", "There is no field %(field)s.", field=unknown[0])
    return [
        {field: _armed(value) for field, value in row.items() if value not in {"", None}}
        for row in rows
    ]


def create(given: dict[str, Any], *, by: User) -> dict[str, str]:
    """Add a device as a file or a command describes it; return its secrets.

    Raises:
        Invalid: a field cannot be used.
        Conflict: a name or an id is taken.
    """
    parts = wiring.current()
    later = {field: given[field] for field in AFTERWARDS if field in given}
    for field in ("expected_interval_s", "retention_days"):
        if field in later:
            later[field] = _number(later[field])
    made = registry.create(
        given.get("name", ""),
        given.get("kind", "other"),
        by=by,
        now=utcnow(),
        broker=parts.broker,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
        hardware_id=given.get("hardware_id"),
        controller_id=given.get("controller_id"),
    )
    if later:
        registry.update(made.device, by=by, now=utcnow(), **later)
    return {
        "name": made.device.name,
        "controller_id": made.device.controller_id,
        "username": made.device.mqtt_username,
        "password": made.mqtt_password,
        "command_key": made.command_key,
        "token": made.token,
    }


def _write(file: TextIO, rows: Sequence[dict[str, Any]], fields: Sequence[str], form: str) -> None:
    if form == "json":
        json.dump([{field: row[field] for field in fields} for row in rows], file, indent=2)
        file.write("\n")
        return
    writer = csv.DictWriter(file, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: _defused(value) for field, value in row.items()} for row in rows)


def _number(given: Any) -> Any:
    """Return the whole number that a text is, or what was given."""
    return int(given) if isinstance(given, str) and given.isdecimal() else given


def _defused(value: Any) -> Any:
    return export.defused(value) if isinstance(value, str) else value


def _armed(value: Any) -> Any:
    """Take the apostrophe away that `_defused` has put before a text."""
    return export.armed(value) if isinstance(value, str) else value
