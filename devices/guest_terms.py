"""What a guest link allows, as its owner wrote it down, and what of it makes sense."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from auth import addresses
from clock import time_zones
from devices import hours
from devices.hours import Span
from errors import Invalid
from notify.language import LANGUAGES
from notify.mark import N_

LONGEST = timedelta(days=3 * 366)
MOST_USES = 10_000
PIN = re.compile(r"[0-9]{4,10}")
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link allows, as its owner wrote it down.

    `weekly` is a list of {"days": ["fri", "sat"], "from": "15:00", "until": "11:00"} in the
    time zone of the door; empty means at any hour.
    """

    label: str
    not_before: datetime
    not_after: datetime
    timezone: str
    weekly: list[dict[str, Any]] = field(default_factory=list)
    max_uses: int | None = None
    pin: str = ""
    language: str = ""
    email: str = ""


def check(terms: Terms, now: datetime) -> None:
    """Refuse what makes no sense.

    Raises:
        Invalid: a term is out of bounds; `field` says which.
    """
    if not 1 <= len(terms.label.strip()) <= 80 or not terms.label.strip().isprintable():
        raise Invalid("label_length", N_("Give the guest a name."), field="label")
    if terms.timezone not in time_zones():
        raise Invalid("timezone_unknown", N_("There is no such time zone."), field="timezone")
    if not terms.not_before < terms.not_after:
        raise Invalid("window_reversed", N_("The link ends before it begins."), field="not_after")
    if terms.not_after <= now:
        raise Invalid("window_over", N_("The link has ended already."), field="not_after")
    if terms.not_after - terms.not_before > LONGEST:
        raise Invalid(
            "window_out_of_bounds", N_("The link ends within three years."), field="not_after"
        )
    if terms.max_uses is not None and not 1 <= terms.max_uses <= MOST_USES:
        raise Invalid(
            "uses_out_of_bounds",
            N_("Uses are between 1 and %(most)s."),
            most=MOST_USES,
            field="max_uses",
        )
    if terms.pin and not PIN.fullmatch(terms.pin):
        raise Invalid("pin_form", N_("A PIN is 4 to 10 digits."), field="pin")
    if terms.language and terms.language not in LANGUAGES:
        raise Invalid("language_unknown", N_("There is no such language."), field="language")
    if terms.email:
        addresses.parse(terms.email)
    opens = hours.verdict(
        now,
        not_before=terms.not_before,
        not_after=terms.not_after,
        weekly=spans(terms.weekly),
        zone=ZoneInfo(terms.timezone),
    )
    if opens.when is hours.When.LATE:
        raise Invalid(
            "never_open",
            N_("The link would never open: none of its hours lie between beginning and end."),
            field="weekly",
        )


def spans(weekly: Iterable[dict[str, Any]]) -> list[Span]:
    """Return weekly hours in the form that `hours` judges.

    Raises:
        Invalid: a day or an hour is none.
    """
    made = []
    for rule in weekly:
        days, clock = rule.get("days"), [rule.get("from"), rule.get("until")]
        if (
            not isinstance(days, list)
            or not days
            or any(day not in DAY_NAMES for day in days)
            or any(not isinstance(at, str) or not CLOCK.fullmatch(at) for at in clock)
        ):
            raise Invalid(
                "weekly_form",
                N_('Weekly hours are like {"days": ["fri"], "from": "15:00", "until": "11:00"}.'),
                field="weekly",
            )
        start, until = (time.fromisoformat(str(at)) for at in clock)
        made.append(Span(frozenset(DAY_NAMES.index(day) for day in days), start, until))
    return made
