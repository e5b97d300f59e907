"""The form that makes a guest link: wall-clock times beside the door, hours of weekdays, limits."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dash_bootstrap_components as dbc
from babel.dates import get_day_names
from dash import html
from dash.development.base_component import Component
from flask_babel import get_locale
from flask_babel import gettext as _

from clock import time_zones
from dashboard import components
from db.models import GuestLink
from devices import guest_terms
from devices.guest_terms import Terms
from errors import Invalid
from notify.language import LANGUAGES

(
    LABEL,
    FROM,
    UNTIL,
    ZONE,
    DAYS,
    DAY_FROM,
    DAY_UNTIL,
    USES,
    PIN,
    LANGUAGE,
    EMAIL,
    CREATE,
    PROBLEM,
) = (
    f"link-{part}"
    for part in (
        *("label", "from", "until", "zone", "days", "day-from", "day-until"),
        *("uses", "pin", "language", "email", "create", "problem"),
    )
)
FIELDS = (LABEL, FROM, UNTIL, ZONE, DAYS, DAY_FROM, DAY_UNTIL, USES, PIN, LANGUAGE, EMAIL)
ZONES = "link-zones"
AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian")
BROWSERS = "auto"  # the language is left to the browser
WALL = "%Y-%m-%dT%H:%M"  # what a browser's field for date and time holds


def form(zone: str, *, now: datetime) -> Component:
    """Return the form, filled for a stay from this hour until tomorrow."""
    begins = now.astimezone(ZoneInfo(zone)).replace(minute=0)
    return html.Div(
        [
            html.Div(
                [
                    components.field(
                        _("Name of the guest"),
                        dbc.Input(id=LABEL, maxlength=80, autocomplete="off"),
                    ),
                    components.field(_("From"), _wall(FROM, begins), zone),
                    components.field(_("Until"), _wall(UNTIL, begins + timedelta(days=1)), zone),
                    components.field(
                        _("Number of uses"),
                        # a field for numbers sends nothing for what is none: no limit at all
                        dbc.Input(id=USES, inputmode="numeric", maxlength=9, autocomplete="off"),
                        _("Empty: as often as the guest likes."),
                    ),
                    components.field(
                        _("PIN"),
                        dbc.Input(id=PIN, inputmode="numeric", maxlength=10, autocomplete="off"),
                        _("4 to 10 digits, told in another way; empty: none."),
                    ),
                    components.field(
                        _("E-mail of the guest"),
                        dbc.Input(id=EMAIL, type="email", maxlength=320, autocomplete="off"),
                        _("The link is sent there; empty: it is only shown."),
                    ),
                ],
                className="gh-columns",
            ),
            components.fold(_("Weekdays, hours, language"), _more(zone)),
            html.Div(id=PROBLEM, role="alert"),
            html.Div(
                html.Button(
                    _("Create guest link"), id=CREATE, type="button", className="btn btn-primary"
                )
            ),
        ],
        className="gh-stack",
    )


def terms(values: dict[str, Any]) -> Terms:
    """Return what was filled in.

    Args:
        values: by the ids in FIELDS, as the browser sent them.

    Raises:
        Invalid: a time is missing or none.
    """
    text = {name: value.strip() if isinstance(value, str) else "" for name, value in values.items()}
    zone = text[ZONE] or "UTC"
    if zone not in time_zones():
        raise Invalid("timezone_unknown", _("There is no such time zone."), field="timezone")
    return Terms(
        label=text[LABEL],
        not_before=_moment(text[FROM], zone),
        not_after=_moment(text[UNTIL], zone),
        timezone=zone,
        weekly=_weekly(values[DAYS], text[DAY_FROM], text[DAY_UNTIL]),
        max_uses=_uses(values[USES]),
        pin=text[PIN],
        language=text[LANGUAGE] if text[LANGUAGE] in LANGUAGES else "",
        email=text[EMAIL],
    )


def copied(link: GuestLink) -> list[Any]:
    """Return what to fill in for the next guest, in the order of FIELDS.

    The next stay begins when this one ends and is as long; what belongs to the guest is empty.
    """
    zone = ZoneInfo(link.timezone)
    begins = link.not_after.astimezone(zone)
    ends = (link.not_after + (link.not_after - link.not_before)).astimezone(zone)
    rule = link.weekly[0] if link.weekly else {}
    return [
        *("", begins.strftime(WALL), ends.strftime(WALL), link.timezone),
        *(rule.get("days", []), rule.get("from", ""), rule.get("until", "")),
        *(link.max_uses, "", link.language or BROWSERS, ""),
    ]


def copied_note(link: GuestLink) -> Component:
    """Return what says that the form is filled; a new one each time, which takes the focus."""
    told = _("Filled in as for %(guest)s, from the end of that stay on.", guest=link.label)
    return html.Div(
        components.note(told, "ok", role="status", tabIndex="-1", **{"data-arrived": ""}),
        key=secrets.token_hex(4),
    )


def day_words() -> dict[str, str]:
    """Return what each weekday is called, short, Monday first."""
    names = get_day_names("abbreviated", locale=get_locale())
    return {day: names[number] for number, day in enumerate(guest_terms.DAY_NAMES)}


def _more(zone: str) -> Component:
    days = [{"label": word, "value": day} for day, word in day_words().items()]
    languages = [{"label": _("As the guest's browser says"), "value": BROWSERS}] + [
        {"label": word, "value": code} for code, word in LANGUAGES.items()
    ]
    zones = sorted(name for name in time_zones() if name.partition("/")[0] in AREAS)
    return html.Div(
        [
            html.Fieldset(
                [
                    html.Legend(_("Only on these days"), className="form-label"),
                    dbc.Checklist(id=DAYS, options=days, value=[], inline=True),
                    html.Div(_("None chosen: on every day."), className="form-text"),
                ],
                className="gh-field",
            ),
            components.field(_("From this hour"), dbc.Input(id=DAY_FROM, type="time", value="")),
            components.field(
                _("Until this hour"),
                dbc.Input(id=DAY_UNTIL, type="time", value=""),
                _("Not later than the first one: until the next morning."),
            ),
            components.field(
                _("Time zone of the door"), dbc.Input(id=ZONE, value=zone, list=ZONES, maxlength=64)
            ),
            html.Datalist([html.Option(value=name) for name in zones], id=ZONES),
            components.field(
                _("Language of the page"),
                dbc.Select(id=LANGUAGE, options=languages, value=BROWSERS),
            ),
        ],
        className="gh-columns",
    )


def _wall(field_id: str, at: datetime) -> Component:
    return dbc.Input(id=field_id, type="datetime-local", value=at.strftime(WALL))


def _moment(text: str, zone: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("time_missing", _("Say from when until when.")) from None
    if wall.tzinfo is not None:
        raise Invalid("time_missing", _("Say from when until when."))
    try:
        return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        raise Invalid("time_missing", _("Say from when until when.")) from None


def _weekly(days: Any, begins: str, ends: str) -> list[dict[str, Any]]:
    chosen = [day for day in guest_terms.DAY_NAMES if isinstance(days, list) and day in days]
    if not chosen and not begins and not ends:
        return []
    return [
        {
            "days": chosen or list(guest_terms.DAY_NAMES),
            "from": begins or "00:00",
            "until": ends or "00:00",
        }
    ]


def _uses(value: Any) -> int | None:
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Invalid(
            "uses_out_of_bounds",
            _("Uses are between 1 and %(most)s.", most=guest_terms.MOST_USES),
            field="max_uses",
        )
    return int(text)
