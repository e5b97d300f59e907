"""Who shares a device with whom: grants, invitations by e-mail, handing over, leaving.

Somebody with an account gets a level at once and a mail that says so, and may leave; an address
without an account gets an invitation that waits until its owner has one and accepts.  Ownership
is never pushed on anybody: the receiver accepts it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

import notify.mail
import notify.outbox
from auth import access, addresses, audit, throttle
from db.base import db, transaction
from db.models import Device, Grant, Invitation, Level, User
from devices.ports import LiveBus, LiveEvent
from errors import Conflict, Forbidden, Invalid, NotFound
from notify.mark import N_

INVITATION_LIFETIME = timedelta(days=14)
INVITE_LIMIT = "20/hour; 60/day"  # mails that one person sends
SHAREABLE = (Level.VIEWER, Level.OPERATOR, Level.MANAGER)


def grants(device: Device, *, by: User) -> Sequence[Grant]:
    """Return who has a level on a device, highest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(Grant).where(Grant.device_id == device.id).order_by(Grant.level.desc(), Grant.id)
    ).all()


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


def parse_level(word: str) -> Level:
    """Return the level of this name.

    Raises:
        Invalid: there is none.
    """
    try:
        return Level[word.upper()]
    except KeyError:
        raise Invalid(
            "level_unknown",
            N_("Levels are viewer, operator, manager and owner."),
            field="level",
        ) from None


def share(
    device: Device, email: str, level: Level, *, by: User, bus: LiveBus, now: datetime, address: str
) -> Grant | Invitation:
    """Give an address a level on a device; who has an account has it at once.

    Raises:
        NotFound, Forbidden: `by` is no manager, or would give more than it has.
        Invalid: no e-mail address, or a level that cannot be shared.
        Conflict: this person has a level on it already.
        TooMany: too many invitations.
    """
    access.require(by, device, Level.MANAGER)
    _may_give(by, device, level)
    to = addresses.parse(email)
    throttle.hit(f"invite:{by.public_id}", INVITE_LIMIT, now=now)
    made: Grant | Invitation
    with transaction() as session:
        user = session.scalar(
            select(User).where(User.email == to.normal, User.confirmed_at.is_not(None))
        )
        if user is not None and access.level(user, device) is not None:
            raise Conflict("already_shared", N_("This person has access already."))
        if user is not None:
            made = Grant(user=user, device=device, level=level, created_at=now)
            template, language = "shared", user.language
        else:
            _withdraw_older(device, to.normal, now)
            made = _invitation(device, to.normal, level, by, now)
            template, language = "device_invitation", by.language
        session.add(made)
        _note(device, by, "grant.create", now, address, email=to.normal, level=level.name.lower())
        notify.mail.enqueue(
            session,
            to=to.typed,
            template=template,
            language=language,
            now=now,
            inviter=by.email_typed,
            device=device.name,
            level=level.name.lower(),
        )
    notify.outbox.wake()
    _tell(bus, device)
    return made


def change(
    device: Device,
    holder: str,
    level: Level,
    *,
    by: User,
    bus: LiveBus,
    now: datetime,
    address: str,
) -> Grant:
    """Change the level of somebody, by the person's public id.

    Raises:
        NotFound, Forbidden: `by` may not, or nobody of this id has a level.
        Invalid: owner is handed over, not given.
    """
    access.require(by, device, Level.MANAGER)
    _may_give(by, device, level)
    with transaction():
        grant = _grant(device, holder)
        _may_touch(by, device, grant)
        grant.level = level
        _note(device, by, "grant.change", now, address, holder=holder, level=level.name.lower())
    _tell(bus, device)
    return grant


def remove(
    device: Device, holder: str, *, by: User, bus: LiveBus, now: datetime, address: str
) -> None:
    """Take somebody's level away; one's own is leaving, which everybody but the owner may.

    Raises:
        NotFound, Forbidden: `by` may not, or nobody of this id has a level.
        Conflict: the owner hands the device over first, or deletes it.
    """
    with transaction() as session:
        grant = _grant(device, holder)
        if grant.user_id == by.id:
            if grant.level == Level.OWNER:
                raise Conflict(
                    "owner_stays", N_("Hand the device over to somebody first, or delete it.")
                )
        else:
            access.require(by, device, Level.MANAGER)
            _may_touch(by, device, grant)
        session.delete(grant)
        _note(device, by, "grant.remove", now, address, holder=holder)
    _tell(bus, device)


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
        _withdraw_older(device, to.normal, now)
        offer = _invitation(device, to.normal, Level.OWNER, by, now)
        session.add(offer)
        _note(device, by, "ownership.offer", now, address, email=to.normal)
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
        if found is None:
            raise NotFound("invitation_not_found", N_("This invitation has ended."))
        device, level = found.device, Level(found.level)
        found.answered_at = now
        if accept:
            giver = access.level(found.inviter, device)
            if giver is None or giver < max(level, Level.MANAGER):
                raise NotFound("invitation_not_found", N_("This invitation has ended."))
            if level == Level.OWNER:
                _grant_of(device, found.inviter, now).level = Level.MANAGER
            grant = _grant_of(device, by, now)
            grant.level = max(grant.level, level)
        verb = "accept" if accept else "decline"
        _note(device, by, f"invitation.{verb}", now, address, level=level.name.lower())
    _tell(bus, device)
    return device


def withdraw(device: Device, public_id: str, *, by: User, now: datetime, address: str) -> None:
    """Take an open invitation back.

    Raises:
        NotFound, Forbidden: `by` may not, or there is none.
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
        found.answered_at = now
        _note(device, by, "invitation.withdraw", now, address, email=found.email)


def _may_give(by: User, device: Device, level: Level) -> None:
    if level not in SHAREABLE:
        raise Invalid(
            "owner_is_handed_over", N_("A device has one owner; hand it over."), field="level"
        )
    if level > (access.level(by, device) or 0):
        raise Forbidden("level_too_low", N_("You cannot give more than you have."))


def _may_touch(by: User, device: Device, grant: Grant) -> None:
    if grant.level == Level.OWNER or grant.level > (access.level(by, device) or 0):
        raise Forbidden("level_too_low", N_("You cannot take away more than you have."))


def _grant(device: Device, holder: str) -> Grant:
    found = db.session.scalar(
        select(Grant)
        .join(User, User.id == Grant.user_id)
        .where(Grant.device_id == device.id, User.public_id == holder)
    )
    if found is None:
        raise NotFound("grant_not_found", N_("This person has no access."))
    return found


def _grant_of(device: Device, user: User, now: datetime) -> Grant:
    """The person's grant, or a new one of the lowest level."""
    grant = db.session.scalar(
        select(Grant).where(Grant.device_id == device.id, Grant.user_id == user.id)
    )
    if grant is None:
        grant = Grant(user=user, device=device, level=Level.VIEWER, created_at=now)
        db.session.add(grant)
    return grant


def _invitation(device: Device, email: str, level: Level, by: User, now: datetime) -> Invitation:
    return Invitation(
        device=device,
        inviter=by,
        email=email,
        level=level,
        created_at=now,
        expires_at=now + INVITATION_LIFETIME,
    )


def _withdraw_older(device: Device, email: str, now: datetime) -> None:
    for older in db.session.scalars(
        select(Invitation).where(
            Invitation.device_id == device.id,
            Invitation.email == email,
            Invitation.answered_at.is_(None),
        )
    ):
        older.answered_at = now


def _note(
    device: Device, by: User, action: str, now: datetime, address: str, **detail: object
) -> None:
    audit.record(
        db.session(),
        action,
        user=by,
        object_type="device",
        object_id=device.public_id,
        address=address,
        now=now,
        **detail,
    )


def _tell(bus: LiveBus, device: Device) -> None:
    bus.publish([LiveEvent(device.public_id, "device", {"change": "access"})])
