"""Guest links, as those make and end them who manage a door.

The right is the creator's: when the creator may no longer manage the door, neither do the links
open it.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

import notify.mail
import notify.outbox
from auth import access, addresses, audit
from auth.keys import Keys, sha256
from db.base import db, transaction
from db.models import Device, GuestLink, Kind, Level, User
from devices import guest_terms, handed_out
from devices.guest_terms import Terms
from errors import Invalid, NotFound
from notify.mark import N_

OPENABLE = {Kind.LOCK: "unlock", Kind.GATE: "open"}


def create(
    device: Device, terms: Terms, *, by: User, keys: Keys, url: str, now: datetime, address: str
) -> tuple[GuestLink, str]:
    """Make a link; returns the row and its address below `url`, which is shown this once.

    When the terms name an e-mail address, the link is sent there.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device.
        Invalid: the device is no door, or a term is out of bounds; `field` says which.
    """
    wish = [(device, terms)]
    [made] = create_all(wish, by=by, keys=keys, url=url, now=now, address=address)
    return made


def create_all(
    wishes: Sequence[tuple[Device, Terms]],
    *,
    by: User,
    keys: Keys,
    url: str,
    now: datetime,
    address: str,
) -> list[tuple[GuestLink, str]]:
    """Make several links, or none of them; as `create`, in their order."""
    with transaction() as session:
        made = []
        for device, terms in wishes:
            require_door(device, by=by)
            guest_terms.check(terms, now)
            made.append(_add(session, device, terms, by=by, keys=keys, url=url, now=now))
            note(made[-1][0], "guest_link.create", now, user=by, address=address)
    notify.outbox.wake()
    return made


def require_door(device: Device, *, by: User) -> None:
    """Let somebody through who may make links of a door.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
        Invalid: it is no door.
    """
    access.require(by, device, Level.MANAGER)
    if device.kind not in OPENABLE:
        raise Invalid("not_a_door", N_("Guests can open locks and gates only."))


def zone_of(device: Device, user: User) -> str:
    """Return the time zone in which a person means the hours of a door."""
    return device.timezone or user.timezone or "UTC"


def of(device: Device, *, by: User) -> Sequence[GuestLink]:
    """Return the links of a door, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    return handed_out.listed(GuestLink, device, by=by)


def revoke(device: Device, public_id: str, *, by: User, now: datetime, address: str) -> None:
    """End a link at once.

    Raises:
        NotFound, Forbidden: `by` may not, or there is none.
    """
    missing = NotFound("guest_link_not_found", N_("There is no such link."))
    with transaction():
        link = handed_out.find(GuestLink, device, public_id, by=by, missing=missing)
        link.revoked_at = link.revoked_at or now
        note(link, "guest_link.revoke", now, user=by, address=address)


def _add(
    session: Session,
    device: Device,
    terms: Terms,
    *,
    by: User,
    keys: Keys,
    url: str,
    now: datetime,
) -> tuple[GuestLink, str]:
    token = secrets.token_urlsafe(32)
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
        link.pin_hash = pin_hash(keys, link, terms.pin)
    if link.email:
        _send(link, f"{url}/g/{token}", by, now)
    return link, f"{url}/g/{token}"


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


def pin_hash(keys: Keys, link: GuestLink, pin: str) -> str:
    """Return what is kept of the PIN of a link."""
    return keys.mac("guest-pin", f"{link.public_id}|{pin}")


def note(
    link: GuestLink,
    action: str,
    now: datetime,
    *,
    user: User | None = None,
    address: str = "",
    result: str = "ok",
) -> None:
    """Write into the audit log what became of a link."""
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
