"""Who shares a device with whom: grants, invitations by e-mail, handing over, leaving.

Somebody with an account gets a level at once and a mail that says so, and may leave; an address
without an account gets an invitation that waits until its owner has one and accepts.  Ownership
is never pushed on anybody: the receiver accepts it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

import notify.mail
import notify.outbox
from auth import access, addresses, throttle
from db.base import db, transaction
from db.models import Device, Grant, Invitation, Level, User
from devices import handed_out
from devices.changes import note, tell
from devices.invitations import INVITE_LIMIT, new_invitation, open_one, withdraw_older
from devices.ports import LiveBus
from errors import Conflict, Forbidden, Invalid, NotFound
from notify.mark import N_

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
            withdraw_older(device, to.normal, now)
            made = new_invitation(device, to.normal, level, by, now)
            template, language = "device_invitation", by.language
        session.add(made)
        note(device, by, "grant.create", now, address, email=to.normal, level=level.name.lower())
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
    tell(bus, device)
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
) -> Grant | Invitation:
    """Change the level that somebody has, or is offered.

    Args:
        device: on which one.
        holder: the public id of the person, or of an invitation that waits for its answer.
        level: from now on; of an invitation, what accepting it will give.
        by: who changes it.
        bus: told of it.
        now: when.
        address: of the request.

    Raises:
        NotFound, Forbidden: `by` may not, or nobody of this id has a level.
        Invalid: owner is handed over, not given.
    """
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        _may_give(by, device, level)
        offer = open_one(device, holder, now=now)
        changed = offer or _grant(device, holder)
        _may_touch(by, device, changed)
        changed.level = level
        if isinstance(changed, Grant) and level < Level.MANAGER:
            handed_out.end_of(session, changed.user_id, device.id, now=now)
        if offer and (access.level(offer.inviter, device) or 0) < max(level, Level.MANAGER):
            offer.inviter = by  # an invitation is worth what its giver may give
        note(device, by, "grant.change", now, address, holder=holder, level=level.name.lower())
    tell(bus, device)
    return changed


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
        handed_out.end_of(session, grant.user_id, device.id, now=now)
        note(device, by, "grant.remove", now, address, holder=holder)
    tell(bus, device)


def _may_give(by: User, device: Device, level: Level) -> None:
    if level not in SHAREABLE:
        raise Invalid(
            "owner_is_handed_over", N_("A device has one owner; hand it over."), field="level"
        )
    if level > (access.level(by, device) or 0):
        raise Forbidden("level_too_low", N_("You cannot give more than you have."))


def _may_touch(by: User, device: Device, grant: Grant | Invitation) -> None:
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
