"""Invitations: a level on a device, or the device, offered to an address and answered there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

import notify.mail
import notify.outbox
from auth import access, addresses, throttle
from db.base import db, transaction
from db.models import Device, Grant, Invitation, Level, User
from devices import app_tokens
from devices.changes import note, tell
from devices.ports import LiveBus
from errors import Forbidden, Invalid, NotFound
from notify.mark import N_

INVITATION_LIFETIME = timedelta(days=14)
INVITE_LIMIT = "20/hour; 60/day"  # mails that one person sends


def invitations(device: Device, *, by: User, now: datetime) -> Sequence[Invitation]:
    """Return the open invitations to a device.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(Invitation)
        .where(
            Invitation.device_id == device.id,
            Invitation.answered_at.is_(None),
            Invitation.expires_at > now,
        )
        .order_by(Invitation.id)
    ).all()


def waiting(user: User, *, now: datetime) -> Sequence[Invitation]:
    """Return what somebody is offered and has not answered."""
    return db.session.scalars(
        select(Invitation)
        .where(
            Invitation.email == user.email,
            Invitation.answered_at.is_(None),
            Invitation.expires_at > now,
        )
        .order_by(Invitation.id)
    ).all()


def offer_ownership(
    device: Device, email: str, *, by: User, now: datetime, address: str
) -> Invitation:
    """Offer a device to somebody, who becomes its owner by accepting; `by` stays a manager.

    Raises:
        NotFound, Forbidden: `by` is not its owner.
        Invalid: no e-mail address, or one's own.
        TooMany: too many invitations.
    """
    access.require(by, device, Level.OWNER)
    to = addresses.parse(email)
    if to.normal == by.email:
        raise Invalid("own_address", N_("This is your own address."), field="email")
    throttle.hit(f"invite:{by.public_id}", INVITE_LIMIT, now=now)
    with transaction() as session:
        withdraw_older(device, to.normal, now)
        offer = new_invitation(device, to.normal, Level.OWNER, by, now)
        session.add(offer)
        note(device, by, "ownership.offer", now, address, email=to.normal)
        notify.mail.enqueue(
            session,
            to=to.typed,
            template="ownership_offer",
            language=by.language,
            now=now,
            inviter=by.email_typed,
            device=device.name,
        )
    notify.outbox.wake()
    return offer


def answer(
    public_id: str, *, accept: bool, by: User, bus: LiveBus, now: datetime, address: str
) -> Device:
    """Accept or decline an invitation that was made to one's own address.

    What the giver may no longer give is not given: the level never exceeds the giver's.
    With a new owner the paired apps end, as they act in the owner's name.

    Raises:
        NotFound: there is no such open invitation for this person, or its giver lost the right.
    """
    with transaction() as session:
        found = session.scalar(
            select(Invitation).where(
                Invitation.public_id == public_id,
                Invitation.email == by.email,
                Invitation.answered_at.is_(None),
                Invitation.expires_at > now,
            )
        )
        if found is None or not by.is_active:  # switched off meanwhile: the broker knows already
            raise NotFound("invitation_not_found", N_("This invitation has ended."))
        device, level = found.device, Level(found.level)
        found.answered_at = now
        if accept:
            giver = access.level(found.inviter, device)
            if giver is None or giver < max(level, Level.MANAGER):
                raise NotFound("invitation_not_found", N_("This invitation has ended."))
            if level == Level.OWNER:
                _grant_of(device, found.inviter, now).level = Level.MANAGER
                app_tokens.end_all(device, by=by, now=now, address=address)
            grant = _grant_of(device, by, now)
            grant.level = max(grant.level, level)
        verb = "accept" if accept else "decline"
        note(device, by, f"invitation.{verb}", now, address, level=level.name.lower())
    tell(bus, device)
    return device


def withdraw(device: Device, public_id: str, *, by: User, now: datetime, address: str) -> None:
    """Take an open invitation back.

    Raises:
        NotFound, Forbidden: `by` may not, also not more than `by` has, or there is none.
    """
    access.require(by, device, Level.MANAGER)
    with transaction() as session:
        found = session.scalar(
            select(Invitation).where(
                Invitation.device_id == device.id,
                Invitation.public_id == public_id,
                Invitation.answered_at.is_(None),
            )
        )
        if found is None:
            raise NotFound("invitation_not_found", N_("This invitation has ended."))
        if found.level > (access.level(by, device) or 0):
            raise Forbidden("level_too_low", N_("You cannot take away more than you have."))
        found.answered_at = now
        note(device, by, "invitation.withdraw", now, address, email=found.email)


def open_one(device: Device, public_id: str, *, now: datetime) -> Invitation | None:
    """Return the invitation to a device with this id if it waits for its answer."""
    found: Invitation | None = db.session.scalar(
        select(Invitation).where(
            Invitation.device_id == device.id,
            Invitation.public_id == public_id,
            Invitation.answered_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    return found


def new_invitation(device: Device, email: str, level: Level, by: User, now: datetime) -> Invitation:
    """Return an invitation that waits for its answer; the caller adds it."""
    return Invitation(
        device=device,
        inviter=by,
        email=email,
        level=level,
        created_at=now,
        expires_at=now + INVITATION_LIFETIME,
    )


def withdraw_older(device: Device, email: str, now: datetime) -> None:
    """End what the same address was offered before, in the caller's transaction."""
    for older in db.session.scalars(
        select(Invitation).where(
            Invitation.device_id == device.id,
            Invitation.email == email,
            Invitation.answered_at.is_(None),
        )
    ):
        older.answered_at = now


def _grant_of(device: Device, user: User, now: datetime) -> Grant:
    """The person's grant, or a new one of the lowest level."""
    grant = db.session.scalar(
        select(Grant).where(Grant.device_id == device.id, Grant.user_id == user.id)
    )
    if grant is None:
        grant = Grant(user=user, device=device, level=Level.VIEWER, created_at=now)
        db.session.add(grant)
    return grant
