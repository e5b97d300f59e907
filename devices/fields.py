"""What the fields of a device may hold; each function returns the value as it is kept."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from clock import time_zones
from db.models import Kind
from db.models.columns import short_id
from errors import Invalid
from notify.mark import N_

CONTROLLER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_NAME, LONGEST_NOTES = 80, 4000
WEEK_S = 604_800
CENTURY_DAYS = 36_500
FOR_EVER = 0  # in place of a number of days


def name(value: object) -> str:
    """Return a name for people: 1 to 80 characters in one line."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise Invalid(
            "device_name_invalid",
            N_("A name has 1 to %(most)s characters."),
            most=LONGEST_NAME,
            field="name",
        )
    return text


def kind(value: object) -> Kind:
    """Return a kind by its name."""
    try:
        return Kind(value)  # type: ignore[arg-type]
    except ValueError as error:
        raise Invalid("kind_unknown", N_("There is no such kind."), field="kind") from error


def controller_id(value: object) -> str:
    """Return a part of topics: 1 to 64 letters, digits, `_` and `-`."""
    if not isinstance(value, str) or not CONTROLLER_ID.fullmatch(value):
        raise Invalid(
            "controller_id_invalid",
            N_("A controller id has 1 to 64 letters, digits, '_' or '-'."),
            field="controller_id",
        )
    return value


def hardware_id(value: object) -> str:
    """Return an id that was burnt in: 1 to 64 printable characters without spaces."""
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= 64
        or not value.isprintable()
        or " " in value
    ):
        raise Invalid(
            "hardware_id_invalid",
            N_("A hardware id has 1 to 64 characters without spaces."),
            field="hardware_id",
        )
    return value


def made_from(text: str) -> str:
    """Return a controller id that reminds of a name, ending in four random characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "device"
    return f"{slug}-{short_id(4)}"


def notes(value: object) -> str:
    """Return notes: at most 4,000 characters."""
    if not isinstance(value, str) or len(value) > LONGEST_NOTES or "\0" in value:
        raise Invalid(
            "notes_invalid",
            N_("Notes have at most %(most)s characters."),
            most=LONGEST_NOTES,
            field="notes",
        )
    return value


def timezone(value: object) -> str:
    """Return the name of a time zone, or nothing."""
    if value != "" and value not in time_zones():
        raise Invalid("timezone_unknown", N_("There is no such time zone."), field="timezone")
    return str(value)


def _number(field: str, most: int, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Invalid(
            "number_out_of_bounds",
            N_("This is a whole number from 1 to %(most)s."),
            most=most,
            field=field,
        )
    return value


def expected_interval_s(value: object) -> int:
    """Return in how many seconds a device is expected to speak again."""
    return _number("expected_interval_s", WEEK_S, value)


def retention_days(value: object) -> int | None:
    """Return for how many days raw readings are kept, or FOR_EVER; None is as the default says."""
    if value is None or (type(value) is int and value == FOR_EVER):
        return value
    return _number("retention_days", CENTURY_DAYS, value)


def kept_days(own: int | None, default: int | None) -> int | None:
    """Return for how many days raw readings are kept; None is for ever.

    `own` is the device's `retention_days`, `default` the setting RETENTION_DAYS.
    """
    return default if own is None else own or None


def _truth(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("not_a_truth_value", N_("This is true or false."), field=field)
    return value


def hold_to_act(value: object) -> bool:
    """Return whether a button has to be held."""
    return _truth("hold_to_act", value)


def sealed(value: object) -> bool:
    """Return whether a device and the server seal what they tell each other."""
    return _truth("sealed", value)


# what `registry.update` takes
CHECKS: dict[str, Callable[[object], Any]] = {
    "name": name,
    "kind": kind,
    "controller_id": controller_id,
    "notes": notes,
    "timezone": timezone,
    "expected_interval_s": expected_interval_s,
    "hold_to_act": hold_to_act,
    "retention_days": retention_days,
    "sealed": sealed,
}
