"""The rotating protocol of simple locks: every login makes all secrets new.

A login answers a token (over HTTP), a topic to subscribe to, and two bare strings that may come
there: the trigger, which opens, and the life sign, which answers a ping.  A trigger is sent once.
The string that follows it means "log in again", as every string does that a lock does not know;
that login is the only thing such a lock ever says about a command.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from auth import access, audit, refusals, throttle
from auth.keys import Keys, sha256
from db.base import Begin, db, transaction
from db.models import Command, Device, Handshake
from devices import admission, credentials, progress
from devices.ports import BrokerAdmin, LiveBus, Publisher
from errors import TooMany, Unauthenticated, Unavailable
from notify.mark import N_

OPENS = frozenset({"unlock", "open"})  # the commands that a trigger stands for
HAS_IT = "logged in again"  # the detail of a command that its lock has
AGAIN = b"login"  # any string that is neither trigger nor life sign
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_PASSWORD = 128
FROM_ONE_ADDRESS = "600/minute"  # a house of locks after a power cut
CONFIRMS = timedelta(seconds=60)  # so long after a command its lock may say that it has it
NOBODY = credentials.mosquitto_hash("")  # compared with when there is no such device


@dataclass(frozen=True, slots=True)
class Login:
    """What a device is told when it logs in: 64 hex digits each."""

    token: str = field(repr=False)
    topic: str
    trigger: str = field(repr=False)
    lifesign: str = field(repr=False)


def login(
    name: str,
    password: str,
    *,
    now: datetime,
    address: str,
    broker: BrokerAdmin,
    publisher: Publisher,
    keys: Keys,
    bus: LiveBus,
    namespace: str,
) -> Login:
    """Log a device in; what it was told before is worth nothing from now on.

    Args:
        name: the device's MQTT user name, or its controller id.
        password: its MQTT password.
        now: when.
        address: of the request.
        broker: lets the device subscribe to its new topic.
        publisher: spreads that the device lives.
        keys: from which trigger and life sign follow.
        bus: told if the login confirms a command.
        namespace: MQTT_NAMESPACE.

    Raises:
        Unauthenticated: wrong_credentials, also for a device that is shut out.
        TooMany: too many wrong passwords for this name from this address, or too many logins.
        Unavailable: the broker cannot be told of the topic just now.
    """
    place = throttle.network(address)
    throttle.hit(f"device-login-from:{place}", FROM_ONE_ADDRESS, now=now)
    counted = f"device-login:{name[:64].lower()}:{place}"
    refused = Unauthenticated("wrong_credentials", N_("Name or password is wrong."))
    with refusals.noted(
        "device.login_fail", TooMany, Unauthenticated, actor=name[:64], address=address, now=now
    ):
        throttle.attempt(counted, now=now)
        device = _by_password(name, password)
        if device is None:
            raise refused
    throttle.reset(counted)
    token, seed, topic = secrets.token_hex(32), credentials.new_seed(), secrets.token_hex(32)
    with transaction() as session:
        session.refresh(device, with_for_update=True)  # two logins at once: one after the other
        confirmed = _renew(session, device, token, seed, topic, now)
        audit.record(
            session,
            "device.login",
            actor=device.name,
            object_type="device",
            object_id=device.public_id,
            address=address,
            now=now,
        )
    admission.follow(broker, device.id)
    _show_life(publisher, namespace, device)
    if confirmed is not None:
        _confirm(confirmed, bus, now)
    return Login(token, topic, *_strings(keys, seed))


def ping(
    token: str, *, now: datetime, address: str, publisher: Publisher, keys: Keys, namespace: str
) -> None:
    """Publish the life sign of the device with this token.

    Raises:
        Unauthenticated: wrong_token; the device has to log in again.
        TooMany: too many pings from this address.
        Unavailable: the broker is not reachable just now.
    """
    place = throttle.network(address)
    throttle.hit(f"device-ping-from:{place}", FROM_ONE_ADDRESS, now=now)
    found = db.session.scalar(
        select(Handshake).join(Device).where(Handshake.token_hash == sha256(token), access.ADMITTED)
    )
    if found is None:
        raise Unauthenticated("wrong_token", N_("This token has ended. Log in again."))
    _, lifesign = _strings(keys, found.seed)
    if not publisher.publish(found.topic, lifesign.encode(), expires_in_s=60):
        raise Unavailable("broker_away", N_("The broker is not reachable just now. Try again."))
    _show_life(publisher, namespace, found.device)


def end(device: Device, *, now: datetime) -> None:
    """Make worthless what a device was told, in the caller's transaction; it has to log in."""
    if spoken := device.handshake:
        spoken.token_hash = sha256(secrets.token_hex(32))
        spoken.seed = credentials.new_seed()
        spoken.topic = secrets.token_hex(32)
        spoken.used_at = spoken.used_at or now


def take(session: Session, command: Command, *, now: datetime) -> bool:
    """Use a lock's trigger up for a command; returns False if that was done since its login."""
    changed = session.execute(
        update(Handshake)
        .where(Handshake.device_id == command.device_id, Handshake.used_at.is_(None))
        .values(used_at=now, command_id=command.id)
        .returning(Handshake.device_id)
    )
    return changed.first() is not None


def give_back(begin: Begin, command_id: int) -> None:
    """Make a trigger usable again that certainly reached nobody; any thread."""
    with begin() as session:
        session.execute(
            update(Handshake)
            .where(Handshake.command_id == command_id)
            .values(used_at=None, command_id=None)
        )


def trigger(keys: Keys, spoken: Handshake) -> bytes:
    """Return the string that opens the lock, once."""
    return _strings(keys, spoken.seed)[0].encode()


def ask_to_log_in(publisher: Publisher, topic: str) -> None:
    """Tell a lock that its trigger was used; sent after it, so it arrives after it."""
    publisher.publish(topic, AGAIN, expires_in_s=60)


def _by_password(name: str, password: str) -> Device | None:
    """Return the device that this name and password belong to; takes as long if there is none."""
    found = _named(name) if NAME.fullmatch(name) else []
    fits = password.isascii() and len(password) <= LONGEST_PASSWORD
    right = None
    for device in [*found, None, None][:2]:
        hashed = device.mqtt_hash if device is not None else NOBODY
        if credentials.matches(password if fits else "", hashed) and fits:
            right = device
    return right


def _named(name: str) -> Sequence[Device]:
    """Return the devices of this user name and of this controller id; two if one was renamed."""
    called = or_(Device.mqtt_username == name, Device.controller_id == name)
    return db.session.scalars(select(Device).where(called, access.ADMITTED)).all()


def _renew(
    session: Session, device: Device, token: str, seed: str, topic: str, now: datetime
) -> int | None:
    """Replace what the device was told; returns the command that used the old trigger."""
    spoken = device.handshake
    if spoken is None:
        spoken = device.handshake = Handshake()
    before = spoken.command_id
    spoken.token_hash, spoken.seed, spoken.topic = sha256(token), seed, topic
    spoken.logged_in_at, spoken.used_at, spoken.command_id = now, None, None
    session.add(spoken)
    return before


def _confirm(command_id: int, bus: LiveBus, now: datetime) -> None:
    """Note that the lock logged in again after a command, which is all that it can say.

    A lock that was away logs in as well when it is back, and says nothing with it.  Where the
    broker does not tell who is there, only a login counts while the broker may still have handed
    the trigger over.
    """
    command = db.session.get(Command, command_id)
    if command is None or command.detail == progress.DEAF:
        return
    until = command.asked_at + CONFIRMS if command.delivered_at else command.expires_at
    if now <= until:
        move = partial(progress.move, transaction, command_id, bus=bus, now=now, answered_at=now)
        move("delivered", since=("sent", "delivered", "no_answer"), detail=HAS_IT)


def _show_life(publisher: Publisher, namespace: str, device: Device) -> None:
    """Say for the device that it is there, on the one way in for all that devices say."""
    publisher.publish(f"{namespace}/{device.controller_id}/status", b"online")


def _strings(keys: Keys, seed: str) -> tuple[str, str]:
    """Return trigger and life sign."""
    return keys.mac("lock-trigger", seed), keys.mac("lock-lifesign", seed)
