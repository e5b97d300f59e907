"""Guest links for many guests from a list: looked over line by line, then all made, or none.

    device;guest;from;until;email;hours;uses;pin;language
    Room 1;Mia;2030-07-05 15:00;2030-07-07 11:00;mia@example.org;;;;en
    Room 2;Otto;2030-07-05 15:00;2030-07-07 11:00;;fri sat 15:00-11:00;5;4711;de

The first four columns are needed, in any order.  Times are those of the clock beside the door.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from auth import access, throttle
from auth.keys import Keys, sha256
from db.models import Device, GuestLink, User
from devices import guest_terms, guests
from devices.export import LINE_END, text_cell
from devices.guest_terms import Terms
from errors import AppError, Invalid, NotFound
from notify.mark import N_

LARGEST = 65_536  # bytes of a list
MOST = 200  # links at once
NEEDED = ("device", "guest", "from", "until")
COLUMNS = (*NEEDED, "email", "hours", "uses", "pin", "language")
ALSO = {"room": "device", "door": "device", "label": "guest", "name": "guest", "e-mail": "email"}
HEADS = ("device", "guest", "email", "from", "until", "timezone", "uses", "link")
HOURS = re.compile(r"([a-z ]*)([0-9:]{5})\s*-\s*([0-9:]{5})")
AGAIN = "1/minute"  # the same list: a button that was pressed twice


@dataclass(slots=True)
class Line:
    """One line of a list, and what became of it.

    Attributes:
        number: in the file, from 1.
        name: of the device, as the line has it.
        device: which is meant, once that is known.
        terms: what the link allows, once they are known.
        error: why there can be no link.
        link: that was made.
        url: where the link opens; shown this once.
    """

    number: int
    name: str
    device: Device | None = None
    terms: Terms | None = None
    error: AppError | None = None
    link: GuestLink | None = None
    url: str = ""


def look_over(data: bytes, *, by: User, now: datetime) -> list[Line]:
    """Return what would become of each line; changes nothing.

    Raises:
        Invalid: the list cannot be read at all.
    """
    doors = [device for device, _level in access.visible_devices(by)]
    found = [_line(number, cells, doors, by, now) for number, cells in _read(data)]
    if not found:
        raise Invalid("list_empty", N_("The list has no lines."))
    return found


def create(
    data: bytes, *, by: User, keys: Keys, url: str, now: datetime, address: str
) -> list[Line]:
    """Make a link for every line, or none if one of them has an error.

    Raises:
        Invalid: the list cannot be read at all.
        TooMany: the same list was taken just now.
    """
    lines = look_over(data, by=by, now=now)
    wishes = [(one.device, one.terms) for one in lines if one.device and one.terms]
    if has_errors(lines) or len(wishes) != len(lines):
        return lines
    throttle.hit(f"guest-list:{by.public_id}:{sha256(data.decode())}", AGAIN, now=now)
    made = guests.create_all(wishes, by=by, keys=keys, url=url, now=now, address=address)
    for line, (link, link_url) in zip(lines, made, strict=True):
        line.link, line.url = link, link_url
    return lines


def has_errors(lines: Sequence[Line]) -> bool:
    """Return whether a list was refused, or would be."""
    return any(line.error for line in lines)


def result(lines: Sequence[Line]) -> bytes:
    """Return the links that were made as CSV; texts carry no formula."""
    rows = [
        (
            line.link.device.name,
            line.link.label,
            line.link.email,
            *(
                at.astimezone(ZoneInfo(line.link.timezone)).strftime("%Y-%m-%d %H:%M")
                for at in (line.link.not_before, line.link.not_after)
            ),
            line.link.timezone,
            str(line.link.max_uses or ""),
            line.url,
        )
        for line in lines
        if line.link
    ]
    cells = [b",".join(map(text_cell, row)) + LINE_END for row in (HEADS, *rows)]
    return "\ufeff".encode() + b"".join(cells)


def _read(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    if len(data) > LARGEST:
        raise Invalid("file_too_large", N_("At most %(most)s kB at once."), most=LARGEST >> 10)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("not_utf8", N_("The list is not UTF-8.")) from None
    head, _newline, _rest = text.lstrip().partition("\n")
    separator = max(";,\t", key=head.count)
    rows = csv.reader(text.lstrip().splitlines(keepends=True), delimiter=separator, strict=True)
    before = text[: len(text) - len(text.lstrip())].count("\n")
    try:
        names = [ALSO.get(cell, cell) for cell in (one.strip().lower() for one in next(rows, []))]
        _check_names(names)
        taken = 0
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if (taken := taken + 1) > MOST:
                raise Invalid("list_too_long", N_("At most %(most)s lines at once."), most=MOST)
            stripped = [cell.strip() for cell in cells[: len(names)]]
            padded = stripped + [""] * (len(names) - len(stripped))
            yield before + rows.line_num, dict(zip(names, padded, strict=True))
    except csv.Error:
        raise Invalid("bad_csv", N_("This is no CSV.")) from None


def _check_names(names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise Invalid(
            "columns_missing", N_("Columns are missing: %(names)s"), names=", ".join(missing)
        )
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) != len(names):
        raise Invalid(
            "columns_unknown",
            N_("These columns are unknown or come twice: %(names)s"),
            names=", ".join(unknown or names)[:200],
        )


def _line(
    number: int, cells: dict[str, str], doors: Sequence[Device], by: User, now: datetime
) -> Line:
    line = Line(number, cells["device"])
    try:
        line.device = _door(line.name, doors)
        guests.require_door(line.device, by=by)
        line.terms = _terms(cells, guests.zone_of(line.device, by))
        guest_terms.check(line.terms, now)
    except AppError as error:
        line.error = error
    return line


def _door(name: str, doors: Sequence[Device]) -> Device:
    found = [one for one in doors if name in (one.name, one.controller_id, one.public_id)]
    if not found:
        raise NotFound("device_not_found", N_("There is no such device."))
    if len(found) > 1:
        raise Invalid(
            "device_ambiguous", N_("Several devices have this name; give the controller id.")
        )
    return found[0]


def _terms(cells: dict[str, str], zone: str) -> Terms:
    return Terms(
        label=cells["guest"],
        not_before=_moment(cells["from"], zone),
        not_after=_moment(cells["until"], zone),
        timezone=zone,
        weekly=_weekly(cells.get("hours", "")),
        max_uses=_uses(cells.get("uses", "")),
        pin=cells.get("pin", ""),
        language=cells.get("language", "").lower(),
        email=cells.get("email", ""),
    )


def _moment(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if ":" not in text:
            raise ValueError("a day is no moment")
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("time_form", N_("A time is like 2030-07-05 15:00.")) from None


def _weekly(text: str) -> list[dict[str, Any]]:
    """Read "fri sat 15:00-11:00 | sun 10:00-12:00"; without days every day is meant."""
    rules = []
    for part in filter(None, (one.strip().lower() for one in text.split("|"))):
        match = HOURS.fullmatch(part)
        if match is None:
            raise Invalid("hours_form", N_("Hours are like: fri sat 15:00-11:00"))
        days, begins, ends = match.groups()
        named = days.split() or list(guest_terms.DAY_NAMES)
        rules.append({"days": named, "from": begins, "until": ends})
    return rules


def _uses(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("not_a_number", N_("Give whole numbers."))
    return int(text)
