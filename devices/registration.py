"""Devices that register themselves at boot.

A device shows a claim secret.  Where CLAIM_SECRET is set, the first registration needs it, or
HMAC-SHA256(CLAIM_SECRET, hardware id) in hex, which every device can have for itself.  The secret
of the first registration is the one that the same hardware id needs ever after.  Where
CLAIM_SECRET is not set, anybody may register a few devices, and the broker lets none of them in
before somebody has claimed it (`devices.claiming`): until then they count as revoked.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth import access, audit, refusals, throttle, tokens
from auth.keys import Keys
from db.base import transaction
from db.models import Claim, Device, Grant, Kind, Level
from devices import admission, claiming, credentials, fields, usernames
from devices.ports import BrokerAdmin
from errors import Conflict, Forbidden, TooMany
from notify.mark import N_

WRONG_SECRETS = "10/5 minutes; 60/hour"  # from a network, and for a hardware id
STRANGERS = "20/hour"  # devices from one network while CLAIM_SECRET is not set
MOST_WAITING = 1000  # devices that nobody has claimed, while CLAIM_SECRET is not set


@dataclass(frozen=True, slots=True)
class Registered:
    """A device that registered itself, and its secrets."""

    device: Device
    is_new: bool
    mqtt_password: str = field(repr=False)
    command_key: str = field(repr=False)
    token: str | None = field(repr=False)  # None: its owner has revoked it
    claim_code: str | None = field(repr=False)  # None: it has an owner
    claim_until: datetime


def register(
    *,
    hardware_id: str,
    controller_id: str,
    firmware: str,
    claim_secret: str,
    required: str,
    broker: BrokerAdmin,
    keys: Keys,
    now: datetime,
    address: str,
) -> Registered:
    """Take the registration of a device that has just started.

    The first one makes the device.  Later ones update firmware and controller id and answer with
    the same secrets; its readings stay.

    Args:
        hardware_id: burnt in.
        controller_id: names its topics from now on.
        firmware: its version.
        claim_secret: what it proves itself with.
        required: CLAIM_SECRET; empty: not set.
        broker: where the device is made known.
        keys: the server's.
        now: when.
        address: from where.

    Raises:
        Invalid: an id cannot be used.
        Forbidden: claim_secret_wrong, device_revoked or owner_disabled.
        Conflict: controller_id_taken by another device.
        TooMany: too many wrong secrets, or too many devices that nobody knows.
    """
    asked = _Asked(
        fields.hardware_id(hardware_id),
        fields.controller_id(controller_id),
        firmware,
        claim_secret,
        required,
        address,
    )
    counted = [f"register:{throttle.network(address)}", f"register-id:{hardware_id}"]
    for key in counted:
        throttle.check(key, WRONG_SECRETS, now=now)
    try:
        try:
            registered, news = _enter(asked, keys, broker, now)
        except IntegrityError:  # the same device, registered at the same moment
            registered, news = _enter(asked, keys, broker, now)
    except _WrongSecret:
        for key in counted:
            throttle.hit(key, WRONG_SECRETS, now=now)
        refusals.note("device.register_fail", actor=hardware_id, address=address, now=now)
        raise
    if news and registered.device.revoked_at is None:  # strangers give the broker no work
        admission.follow(broker, registered.device.id)
    return registered


@dataclass(frozen=True, slots=True)
class _Asked:
    """One registration."""

    hardware_id: str
    controller_id: str
    firmware: str
    secret: str = field(repr=False)
    required: str = field(repr=False)
    address: str

    @property
    def is_vouched_for(self) -> bool:
        """Whether the secret comes from CLAIM_SECRET."""
        own = hmac.new(self.required.encode(), self.hardware_id.encode(), hashlib.sha256)
        return self.required != "" and (
            hmac.compare_digest(self.secret.encode(), self.required.encode())
            or hmac.compare_digest(self.secret.encode(), own.hexdigest().encode())
        )


class _WrongSecret(Forbidden):
    code, text = "claim_secret_wrong", N_("This claim secret is wrong.")


def _enter(
    asked: _Asked, keys: Keys, broker: BrokerAdmin, now: datetime
) -> tuple[Registered, bool]:
    """Find or make the device; return it and whether the broker must hear of it."""
    with transaction() as session:
        device = session.scalar(select(Device).filter_by(hardware_id=asked.hardware_id))
        is_new = device is None
        if device is None:
            device = _make(session, asked, keys, broker, now)
        record = _bound(session, device, asked, is_new, keys)
        owned = claiming.has_owner(session, device)
        if not is_new and (owned or asked.required) and (why := access.shut_out(device)):
            raise Forbidden(*why)
        news = is_new or device.controller_id != asked.controller_id
        if news:
            _take_controller_id(session, device, asked.controller_id)
            _note(session, device, is_new, asked, now)
        device.firmware = asked.firmware
        record.registered_at = now
        record.code_mac = claiming.code_mac(keys, code := claiming.code_of(device, keys))
        token = _token(session, device, keys, now)
    registered = Registered(
        device=device,
        is_new=is_new,
        mqtt_password=credentials.mqtt_password(keys, device.mqtt_seed),
        command_key=credentials.command_key(keys, device),
        token=token,
        claim_code=None if owned else code,
        claim_until=now + claiming.WINDOW,
    )
    return registered, news


def _make(
    session: Session, asked: _Asked, keys: Keys, broker: BrokerAdmin, now: datetime
) -> Device:
    if asked.required and not asked.is_vouched_for:
        raise _WrongSecret
    if not asked.required:
        _make_room(session, asked.address, now)
    seed = credentials.new_seed()
    device = Device(
        name=asked.controller_id,
        kind=Kind.OTHER,
        hardware_id=asked.hardware_id,
        controller_id=asked.controller_id,
        mqtt_hash=credentials.mosquitto_hash(credentials.mqtt_password(keys, seed)),
        mqtt_seed=seed,
        command_seed=credentials.new_seed(),
        created_at=now,
        revoked_at=None if asked.required else now,
    )
    _take_controller_id(session, device, asked.controller_id)
    device.mqtt_username = usernames.choose(session, device.controller_id, broker)
    session.add(device)
    session.flush()
    return device


def _make_room(session: Session, address: str, now: datetime) -> None:
    """Forget devices that nobody claimed in time; refuse more than a few of strangers."""
    throttle.hit(f"register-new:{throttle.network(address)}", STRANGERS, now=now)
    owned = select(Grant.device_id).where(Grant.level == Level.OWNER)
    waiting = select(Claim.device_id).where(Claim.device_id.not_in(owned))
    session.execute(
        delete(Device).where(
            Device.id.in_(waiting.where(Claim.registered_at < now - claiming.WINDOW)),
            Device.revoked_at.is_not(None),
        )
    )
    if (session.scalar(select(func.count()).select_from(waiting.subquery())) or 0) >= MOST_WAITING:
        raise TooMany(
            "too_many_unclaimed",
            N_("Too many devices wait to be claimed. Set CLAIM_SECRET, or try again later."),
            retry_after=3600,
        )


def _bound(session: Session, device: Device, asked: _Asked, is_new: bool, keys: Keys) -> Claim:
    """Return the record whose secret the device has shown.

    A device that a person made by hand is bound by CLAIM_SECRET only: its hardware id is no proof.
    """
    shown = claiming.secret_mac(keys, asked.secret)
    record = session.scalar(select(Claim).filter_by(device_id=device.id))
    if record is None:
        if not (is_new or asked.is_vouched_for):
            raise _WrongSecret
        record = Claim(device=device, secret_mac=shown)
        session.add(record)
    elif not hmac.compare_digest(record.secret_mac, shown):
        raise _WrongSecret
    return record


def _take_controller_id(session: Session, device: Device, controller_id: str) -> None:
    holder = session.scalar(select(Device.id).filter_by(controller_id=controller_id))
    if holder is not None and holder != device.id:
        raise Conflict("controller_id_taken", N_("Another device has this controller id."))
    device.controller_id = controller_id


def _token(session: Session, device: Device, keys: Keys, now: datetime) -> str | None:
    """Return the device's token: the same at every registration with the same password."""
    seed = keys.word("registered-device-token", f"{device.public_id}|{device.mqtt_seed}")
    return tokens.keep(session, device, tokens.PREFIX + seed, label="registration", now=now)


def _note(session: Session, device: Device, is_new: bool, asked: _Asked, now: datetime) -> None:
    audit.record(
        session,
        "device.register" if is_new else "device.controller_id",
        actor=asked.hardware_id,
        object_type="device",
        object_id=device.public_id,
        address=asked.address,
        now=now,
        controller_id=asked.controller_id,
    )
