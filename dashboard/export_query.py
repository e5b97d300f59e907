"""What the query of a download asks for: which readings, and how they are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from werkzeug.datastructures import MultiDict

from auth import access
from clock import to_ms
from dashboard.ranges import WIDTHS_MS
from db.models import Device, User
from devices.csv_style import SEPARATORS, Style
from devices.export import Layout
from devices.reading_pages import Extent
from errors import Invalid
from notify.mark import N_

Form = Literal["csv", "parquet"]

LONGEST_STEP_S = 366 * 86_400


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
        Invalid: something that makes no sense.
    """
    zone = _zone(query.get("zone", ""), user)
    devices = [access.visible(user, one) for one in dict.fromkeys(query.getlist("device"))]
    start_ms, end_ms = _window(query, zone, to_ms(now))
    step = query.get("step", "") or "0"
    if not (step.isascii() and step.isdigit() and len(step) < 9 and int(step) <= LONGEST_STEP_S):
        raise Invalid("bad_step", N_("A step is a whole number of seconds, at most a year."))
    return Wanted(
        devices or [device for device, _ in access.visible_devices(user)],
        query.getlist("sensor"),
        Extent(start_ms, end_ms, int(step) * 1000, zone),
        form,
        "wide" if query.get("layout") == "wide" else "long",
        Style(
            SEPARATORS.get(query.get("separator", ""), b","),
            zone if query.get("times") == "local" else None,
        ),
        form == "csv" and query.get("gzip", "") not in {"", "0"},
    )


def _zone(name: str, user: User) -> ZoneInfo:
    """Return the zone that a browser names, else that of the account, else UTC."""
    known = available_timezones()
    return ZoneInfo(next((one for one in (name, user.timezone) if one in known), "UTC"))


def _window(query: MultiDict[str, str], zone: ZoneInfo, now_ms: int) -> tuple[int, int]:
    """Return [from, to) in milliseconds; what is not given is the beginning, or now."""
    if width := WIDTHS_MS.get(query.get("range", "")):
        return now_ms - width, now_ms
    start = _moment(query.get("from", ""), zone, 0)
    end = _moment(query.get("to", ""), zone, now_ms + 1)
    if not start < end:
        raise Invalid("bad_range", N_("The range must end after it begins."))
    return start, end


def _moment(text: str, zone: ZoneInfo, otherwise: int) -> int:
    """Return a time in milliseconds: such a number, or ISO 8601, without an offset in the zone."""
    if not text:
        return otherwise
    try:
        if text.isascii() and text.isdigit() and len(text) <= 15:
            return int(text)
        moment = datetime.fromisoformat(text)
        return max(0, to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone)))
    except (ValueError, OverflowError) as error:
        raise Invalid("bad_time", N_("%(text)s is not a time."), text=text[:40]) from error
