"""What the query of a download asks for: which readings, and how they are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from auth import access
from clock import time_zones, to_ms
from dashboard import ranges
from db.models import Device, User
from devices.csv_style import SEPARATORS, Style
from devices.export import Layout
from devices.reading_pages import Extent
from errors import Invalid
from notify.mark import N_

Form = Literal["csv", "parquet"]

LONGEST_STEP_S = 366 * 86_400
BAD_STEP = N_("A step is a whole number of seconds, at most a year.")
SHOWN = 40  # characters of what was given that a message shows
SEVERAL = {"device", "sensor"}  # may be given more than once
NAMES = SEVERAL | {"range", "from", "to", "zone", "layout", "step"}
CELLS = {"times", "separator", "gzip"}  # only CSV has them
CHOICES = {
    "range": tuple(ranges.WIDTHS_MS),
    "layout": ("long", "wide"),
    "times": ("iso", "local"),
    "separator": tuple(SEPARATORS),
    "gzip": ("0", "1"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A download, as it was asked for; access is checked."""

    devices: Sequence[Device]
    sensors: Sequence[str]  # names; none: all
    extent: Extent
    form: Form
    layout: Layout
    style: Style  # of CSV
    packed: bool  # CSV with gzip; Parquet is packed anyway

    @property
    def filename(self) -> str:
        """What the file is called: plain letters, with the name of the device if it is one."""
        name = self.devices[0].controller_id if len(self.devices) == 1 else "gatehouse"
        ending = f".{self.form}.gz" if self.packed else f".{self.form}"
        return re.sub(r"[^A-Za-z0-9_-]+", "-", name) + ending


def wanted(query: MultiDict[str, str], user: User, form: Form, *, now: datetime) -> Wanted:
    """Return what a query asks for; without a device: all that one may see.

    Raises:
        NotFound: a device that one may not see.
        Invalid: something that makes no sense, or that means nothing for this form.
    """
    _check_names(query, form)
    zone = _zone(query.get("zone", ""), user)
    devices = [access.visible(user, one) for one in dict.fromkeys(query.getlist("device"))]
    start_ms, end_ms = _window(query, zone, to_ms(now))
    layout: Layout = "wide" if _chosen(query, "layout") == "wide" else "long"
    return Wanted(
        devices or [device for device, _ in access.visible_devices(user)],
        query.getlist("sensor"),
        Extent(start_ms, end_ms, _step_s(query, layout) * 1000, zone),
        form,
        layout,
        Style(
            SEPARATORS[_chosen(query, "separator") or "comma"],
            zone if _chosen(query, "times") == "local" else None,
        ),
        _chosen(query, "gzip") == "1",
    )


def zone_of(name: str, user: User) -> ZoneInfo:
    """Return the zone that a browser or a device names, else that of the account, else UTC."""
    known = time_zones()
    return ZoneInfo(next((one for one in (name, user.timezone) if one in known), "UTC"))


def _check_names(query: MultiDict[str, str], form: Form) -> None:
    """Refuse what means nothing, and what is said more than once of what can be one thing only."""
    for name, given in query.lists():
        if name not in (NAMES if form == "parquet" else NAMES | CELLS):
            raise Invalid(
                "unknown_choice",
                N_("This download knows nothing of %(name)s: leave it out."),
                name=name[:SHOWN],
            )
        if len(given) > 1 and name not in SEVERAL:
            raise Invalid("given_twice", N_("Give %(name)s only once."), name=name)


def _chosen(query: MultiDict[str, str], name: str) -> str:
    """Return what is chosen of some possible values, nothing if it is left out."""
    given = query.get(name, "")
    if given and given not in CHOICES[name]:
        raise Invalid(
            f"bad_{name}",
            N_("%(name)s cannot be %(given)s. Choose one of these: %(choices)s."),
            name=name,
            given=given[:SHOWN],
            choices=", ".join(CHOICES[name]),
        )
    return given


def _step_s(query: MultiDict[str, str], layout: Layout) -> int:
    given = query.get("step", "") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 9):
        raise Invalid("bad_step", BAD_STEP)
    if int(given) > LONGEST_STEP_S:
        raise Invalid("bad_step", BAD_STEP)
    if int(given) and layout == "long":
        raise Invalid(
            "bad_step", N_("Only the wide layout has steps: choose it, or leave the seconds out.")
        )
    return int(given)


def _zone(name: str, user: User) -> ZoneInfo:
    """Return the zone that a download names, else that of the account, else UTC."""
    if name and name not in time_zones():
        raise Invalid(
            "bad_zone",
            N_("There is no time zone %(name)s here: choose one in your settings."),
            name=name[:SHOWN],
        )
    return zone_of(name, user)


def _window(query: MultiDict[str, str], zone: ZoneInfo, now_ms: int) -> tuple[int, int]:
    """Return [from, to) in milliseconds; what is not given is the beginning, or now."""
    start, end = query.get("from", ""), query.get("to", "")
    if named := _chosen(query, "range"):
        if start or end:
            raise Invalid("bad_range", N_("Give a range, or from and to, but not both."))
        return now_ms - ranges.WIDTHS_MS[named], now_ms
    return ranges.span(
        ranges.moment(start, zone) if start else 0,
        ranges.moment(end, zone) if end else now_ms + 1,
    )
