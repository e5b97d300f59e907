"""Guest links: who holds one opens a door, within its hours, its uses and its PIN.

Looking at a link never acts.  A press is tied to the page it was made on by a nonce: pressing
twice, reloading or going back is one press.  The right is the creator's: when the creator may no
longer open the door, neither may the guests.
"""

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select, update

import notify.mail
import notify.outbox
from auth import access, addresses, audit, throttle
from auth.keys import Keys, sha256
from db.base import db, transaction
from db.models import Command, Device, GuestLink, Kind, Level, User
from devices import commands, hours
from devices.hours import Span, Verdict, When
from devices.ports import LiveBus, Publisher
from errors import Forbidden, Invalid, NotFound
from notify.mark import N_

OPENABLE = {Kind.LOCK: "unlock", Kind.GATE: "open"}
LONGEST = timedelta(days=3 * 366)
MOST_USES = 10_000
MOST_PIN_FAILURES = 50  # then the link is dead until its owner makes another
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


@dataclass(frozen=True, slots=True)
class Look:
    """What a guest sees before pressing anything."""

    link: GuestLink
    verdict: Verdict
    wants_pin: bool


def create(
    device: Device, terms: Terms, *, by: User, keys: Keys, url: str, now: datetime, address: str
) -> tuple[GuestLink, str]:
    """Make a link; returns the row and its address below `url`, which is shown this once.

    When the terms name an e-mail address, the link is sent there.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device.
        Invalid: the device is no door, or a term is out of bounds; `field` says which.
    """
    access.require(by, device, Level.MANAGER)
    if device.kind not in OPENABLE:
        raise Invalid("not_a_door", N_("Guests can open locks and gates only."))
    _check(terms, now)
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        link = GuestLink(
            device=device,
            creator=by,
            token_hash=sha256(token),
            label=terms.label.strip(),
            email=addresses.parse(terms.email).typed if terms.email else "",
            language=terms.language,
            timezone=terms.timezone,
            not_before=terms.not_before,
            not_after=terms.not_after,
            weekly=terms.weekly,
            max_uses=terms.max_uses,
            created_at=now,
        )
        session.add(link)
        session.flush()
        if terms.pin:
            link.pin_hash = _pin_hash(keys, link, terms.pin)
        _note(link, "guest_link.create", now, user=by, address=address)
        if link.email:
            _send(link, f"{url}/g/{token}", by, now)
    notify.outbox.wake()
    return link, f"{url}/g/{token}"


def of(device: Device, *, by: User) -> Sequence[GuestLink]:
    """Return the links of a door, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(GuestLink).where(GuestLink.device_id == device.id).order_by(GuestLink.id.desc())
    ).all()


def revoke(device: Device, public_id: str, *, by: User, now: datetime, address: str) -> None:
    """End a link at once.

    Raises:
        NotFound, Forbidden: `by` may not, or there is none.
    """
    access.require(by, device, Level.MANAGER)
    with transaction() as session:
        link = session.scalar(
            select(GuestLink).where(
                GuestLink.device_id == device.id, GuestLink.public_id == public_id
            )
        )
        if link is None:
            raise NotFound("guest_link_not_found", N_("There is no such link."))
        link.revoked_at = link.revoked_at or now
        _note(link, "guest_link.revoke", now, user=by, address=address)


def look(token: str, *, now: datetime) -> Look:
    """Return what a link is at a moment; changes nothing.

    Raises:
        NotFound: unknown, ended, used up or revoked, or its maker lost the right: they look alike.
    """
    link = _by_token(token)
    if not _stands(link):
        raise _ended()
    verdict = _verdict(link, now)
    if verdict.when is When.LATE:
        raise _ended()
    return Look(link, verdict, bool(link.pin_hash))


def press(
    token: str,
    *,
    nonce: str,
    pin: str,
    keys: Keys,
    publisher: Publisher,
    bus: LiveBus,
    namespace: str,
    now: datetime,
    address: str,
) -> Command:
    """Open the door; the same nonce again returns the same command and sends nothing.

    Raises:
        NotFound: as `look`.
        Forbidden: too early, or a wrong PIN.
        TooMany: too many wrong PINs; a pause is on.
    """
    link = _by_token(token)
    key = f"guest:{link.public_id}:{sha256(nonce)[:40]}"
    if (before := _command(link, key)) is not None:
        return before
    link = look(token, now=now).link
    _check_pin(link, pin, keys, now=now, address=address)
    verdict = _verdict(link, now)
    if verdict.when is not When.OPEN:
        raise Forbidden("too_early", N_("This link does not open yet."))
    _use(link, key, now)
    return commands.ask(
        link.device,
        OPENABLE[Kind(link.device.kind)],
        {},
        by=link.creator,
        actor=link.label,
        via="guest",
        key=key,
        address=address,
        publisher=publisher,
        keys=keys,
        bus=bus,
        namespace=namespace,
        now=now,
    )


def outcome(token: str, command_id: str) -> tuple[GuestLink, Command]:
    """Return the link, and what came of a press that was made with it.

    Raises:
        NotFound: the link is unknown, or the command was not made with it.
    """
    link = _by_token(token)
    command = db.session.scalar(select(Command).where(Command.public_id == command_id))
    if command is None or not command.idempotency_key.startswith(f"guest:{link.public_id}:"):
        raise _ended()
    return link, command


def _check(terms: Terms, now: datetime) -> None:
    if not 1 <= len(terms.label.strip()) <= 80:
        raise Invalid("label_length", N_("Give the guest a name."), field="label")
    if terms.timezone not in available_timezones():
        raise Invalid("timezone_unknown", N_("There is no such time zone."), field="timezone")
    if not terms.not_before < terms.not_after:
        raise Invalid("window_reversed", N_("The link ends before it begins."), field="not_after")
    if terms.not_after <= now or terms.not_after - terms.not_before > LONGEST:
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
    spans(terms.weekly)


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


def _send(link: GuestLink, url: str, by: User, now: datetime) -> None:
    zone = ZoneInfo(link.timezone)
    notify.mail.enqueue(
        db.session(),
        to=link.email,
        template="guest_link",
        language=link.language or by.language,
        now=now,
        guest=link.label,
        host=by.email_typed,
        door=link.device.name,
        link=url,
        opens=link.not_before.astimezone(zone),
        ends=link.not_after.astimezone(zone),
    )


def _by_token(token: str) -> GuestLink:
    link = db.session.scalar(select(GuestLink).where(GuestLink.token_hash == sha256(token)))
    if link is None:
        raise _ended()
    return link


def _stands(link: GuestLink) -> bool:
    level = access.level(link.creator, link.device)
    return (
        link.revoked_at is None
        and link.device.revoked_at is None
        and link.pin_failures < MOST_PIN_FAILURES
        and (link.max_uses is None or link.uses < link.max_uses)
        and level is not None
        and level >= Level.MANAGER
    )


def _verdict(link: GuestLink, now: datetime) -> Verdict:
    return hours.verdict(
        now,
        not_before=link.not_before,
        not_after=link.not_after,
        weekly=spans(link.weekly),
        zone=ZoneInfo(link.timezone),
    )


def _command(link: GuestLink, key: str) -> Command | None:
    return db.session.scalar(
        select(Command).where(Command.device_id == link.device_id, Command.idempotency_key == key)
    )


def _check_pin(link: GuestLink, pin: str, keys: Keys, *, now: datetime, address: str) -> None:
    """Count a try before comparing it; five wrong ones bring pauses, fifty end the link."""
    if not link.pin_hash:
        return
    throttle.attempt(f"pin:{link.public_id}", now=now)
    with transaction() as session:
        session.execute(
            update(GuestLink)
            .where(GuestLink.id == link.id)
            .values(pin_failures=GuestLink.pin_failures + 1)
        )
        right = hmac.compare_digest(link.pin_hash, _pin_hash(keys, link, pin))
        if right:
            session.execute(update(GuestLink).where(GuestLink.id == link.id).values(pin_failures=0))
        else:
            _note(link, "guest_link.pin", now, address=address, result="refused")
    if not right:
        raise Forbidden("wrong_pin", N_("This PIN is not right."))
    throttle.reset(f"pin:{link.public_id}")


def _use(link: GuestLink, key: str, now: datetime) -> None:
    """Take one use, if there is one left; twenty at once take as many as there are."""
    with transaction() as session:
        taken = session.execute(
            update(GuestLink)
            .where(
                GuestLink.id == link.id,
                GuestLink.revoked_at.is_(None),
                (GuestLink.max_uses.is_(None)) | (GuestLink.uses < GuestLink.max_uses),
            )
            .values(uses=GuestLink.uses + 1)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            raise _ended()


def _pin_hash(keys: Keys, link: GuestLink, pin: str) -> str:
    return keys.mac("guest-pin", f"{link.public_id}|{pin}")


def _ended() -> NotFound:
    return NotFound("guest_link_ended", N_("This link does not open anything (any more)."))


def _note(
    link: GuestLink,
    action: str,
    now: datetime,
    *,
    user: User | None = None,
    address: str = "",
    result: str = "ok",
) -> None:
    audit.record(
        db.session(),
        action,
        result=result,
        user=user,
        actor="" if user else link.label,
        object_type="device",
        object_id=link.device.public_id,
        address=address,
        now=now,
        link=link.public_id,
    )
