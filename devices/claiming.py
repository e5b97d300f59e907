"""People who claim devices that registered themselves (`devices.registration`)."""

from datetime import datetime, timedelta
from itertools import chain, count

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import refusals, throttle
from auth.keys import Keys
from db.base import transaction
from db.models import Claim, Device, Grant, Level, User
from devices import admission
from devices.changes import note
from devices.ports import BrokerAdmin, LiveBus, LiveEvent
from errors import NotFound
from notify.mark import N_

WINDOW = timedelta(hours=24)  # after a registration, for claiming
CODE_LENGTH = 8  # of 32 characters: 40 bits, and few tries
WRONG_CODES = "5/5 minutes; 20/hour"  # by a person, and from a network


def code_of(device: Device, keys: Keys) -> str:
    """Return what a person types to claim a device: ABCD-EFGH."""
    word = keys.word("claim-code", device.mqtt_seed)[:CODE_LENGTH].upper()
    return f"{word[:4]}-{word[4:]}"


def code_mac(keys: Keys, code: str) -> str:
    """Return a code as it is kept; dashes, spaces and case make no difference."""
    return keys.mac("claim-code", "".join(filter(str.isalnum, code.lower())))


def secret_mac(keys: Keys, secret: str) -> str:
    """Return a device's claim secret as it is kept."""
    return keys.mac("claim-secret", secret)


def has_owner(session: Session, device: Device) -> bool:
    """Return whether a device belongs to somebody."""
    owner = select(Grant.id).where(Grant.device_id == device.id, Grant.level == Level.OWNER)
    return session.scalar(owner.limit(1)) is not None


def claim(
    code: str,
    *,
    by: User,
    required: str,
    broker: BrokerAdmin,
    bus: LiveBus,
    keys: Keys,
    now: datetime,
    address: str,
) -> Device:
    """Make a person the owner of a device that registered itself and has none.

    Args:
        code: from the answer to its registration, or the claim secret that only this device has.
        by: who will own it.
        required: CLAIM_SECRET; empty: not set.
        broker: lets the device in from now on.
        bus: tells the person's open pages.
        keys: the server's.
        now: when.
        address: from where.

    Raises:
        NotFound: claim_code_wrong, also when it is too old or the device has an owner.
        TooMany: too many wrong codes.
    """
    counted = [f"claim:{by.public_id}", f"claim-from:{throttle.network(address)}"]
    for key in counted:
        throttle.check(key, WRONG_CODES, now=now)
    with transaction() as session:
        device = _claimable(session, code, required, keys, now)
        if device is not None:
            device.name = _free_name(session, device.name, by)
            device.revoked_at = None
            session.add(Grant(user=by, device=device, level=Level.OWNER, created_at=now))
            note(device, by, "device.claim", now, address)
    if device is None:
        for key in counted:
            throttle.hit(key, WRONG_CODES, now=now)
        if code.strip():
            refusals.note("device.claim_fail", user=by, address=address, now=now)
        raise NotFound("claim_code_wrong", N_("No device waits to be claimed with this code."))
    admission.follow(broker, device.id)
    bus.publish([LiveEvent(device.public_id, "device", {"change": "created"})])
    return device


def _claimable(
    session: Session, code: str, required: str, keys: Keys, now: datetime
) -> Device | None:
    """Return the one device without an owner that this code, or its own secret, means."""
    by_secret = secret_mac(keys, code.strip())
    shared = secret_mac(keys, required) if required else ""
    found = session.scalars(
        select(Device)
        .join(Claim, Claim.device_id == Device.id)
        .where(
            (Claim.code_mac == code_mac(keys, code))
            | ((Claim.secret_mac == by_secret) & (Claim.secret_mac != shared)),
            Claim.registered_at > now - WINDOW,
        )
        .limit(2)
    ).all()
    if len(found) != 1 or has_owner(session, found[0]):
        return None
    return None if found[0].revoked_at is not None and required else found[0]


def _free_name(session: Session, name: str, owner: User) -> str:
    """Return a name that none of a person's devices has, the given one if possible."""
    names = session.scalars(
        select(Device.name)
        .join(Grant, Grant.device_id == Device.id)
        .where(Grant.user_id == owner.id)
    )
    taken = {one.casefold() for one in names}
    numbered = (f"{name} {number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one.casefold() not in taken)
