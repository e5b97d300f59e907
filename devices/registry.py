"""Adds, finds, changes and removes devices."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth import access, tokens
from auth.keys import Keys
from db.base import db, transaction
from db.models import Device, Grant, Level, User
from devices import admission, credentials, fields, handshake, usernames
from devices.changes import note
from devices.ports import BrokerAdmin, LiveBus, LiveEvent
from errors import Conflict
from notify.mark import N_

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore


@dataclass(frozen=True, slots=True)
class Created:
    """A device and its secrets, which are never seen again."""

    device: Device
    topics: str  # what the names of all its topics begin with
    mqtt_password: str = field(repr=False)
    command_key: str = field(repr=False)
    token: str = field(repr=False)


def create(
    name: str,
    kind: str,
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin,
    keys: Keys,
    namespace: str,
    hardware_id: str | None = None,
    controller_id: str | None = None,
    address: str = "",
    bus: LiveBus | None = None,
) -> Created:
    """Add a device that `by` owns; the broker lets it in when this returns.

    Args:
        name: for people; unique among the devices that this person owns.
        kind: one of `Kind`.
        by: the owner.
        now: when.
        broker: that will know the device.
        keys: from which its secrets follow.
        namespace: MQTT_NAMESPACE.
        hardware_id: burnt in, never changes.
        controller_id: its part of the topics; made from the name if empty.
        address: of the request, for the audit log.
        bus: told of it.

    Raises:
        Invalid: a name or an id cannot be used.
        Conflict: device_name_taken, controller_id_taken or hardware_id_taken.
    """
    name = fields.name(name)
    device = Device(
        name=name,
        kind=fields.kind(kind),
        hardware_id=fields.hardware_id(hardware_id) if hardware_id else None,
        controller_id=fields.controller_id(controller_id or fields.made_from(name)),
        mqtt_seed=credentials.new_seed(),
        command_seed=credentials.new_seed(),
        created_at=now,
    )
    password = credentials.mqtt_password(keys, device.mqtt_seed)
    device.mqtt_hash = credentials.mosquitto_hash(password)
    with transaction() as session:
        _check_name(name, by)
        _check_ids(device)
        device.mqtt_username = usernames.choose(session, device.controller_id, broker)
        session.add(device)
        session.add(Grant(user=by, device=device, level=Level.OWNER, created_at=now))
        _, token = tokens.issue(session, device, label="", now=now)
        _flush(session)
        note(device, by, "device.create", now, address)
    admission.follow(broker, device.id)
    _tell(bus, device, "created")
    return Created(
        device,
        topics=f"{namespace}/{device.controller_id}",
        mqtt_password=password,
        command_key=credentials.command_key(keys, device),
        token=token,
    )


def rename(
    device: Device,
    name: str,
    *,
    by: User,
    now: datetime,
    address: str = "",
    bus: LiveBus | None = None,
) -> bool:
    """Give a device another name; returns False if it has this name already.

    Raises:
        NotFound, Forbidden: `by` does not manage it.
        Invalid: the name cannot be used.
        Conflict: device_name_taken, another device of this person has it.
    """
    return update(device, by=by, now=now, name=name, address=address, bus=bus)


def update(
    device: Device,
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin | None = None,
    address: str = "",
    bus: LiveBus | None = None,
    **changes: Any,
) -> bool:
    """Change what is known of a device; returns False if everything was so already.

    Args:
        device: to change.
        by: who manages it.
        now: when.
        broker: needed to change the controller id, as the topics follow it.
        address: of the request, for the audit log.
        bus: told of it.
        changes: new values by name; `fields.CHECKS` says which there are.

    Raises:
        NotFound, Forbidden: `by` does not manage it.
        Invalid: a value cannot be used; `details["field"]` says which.
        Conflict: device_name_taken or controller_id_taken.
    """
    values = {field: fields.CHECKS[field](value) for field, value in changes.items()}
    if "controller_id" in values and broker is None:
        raise TypeError("a new controller id needs the broker")
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        different = {
            field: value for field, value in values.items() if getattr(device, field) != value
        }
        if not different:
            return False
        if "name" in different:
            _check_name(different["name"], by, device)
        for field, value in different.items():
            setattr(device, field, value)
        _check_ids(device)
        _flush(session)
        note(device, by, "device.update", now, address, fields=sorted(different))
    if broker and "controller_id" in different:
        admission.follow(broker, device.id)
    _tell(bus, device, "renamed" if "name" in different else "changed")
    return True


def rotate(
    device: Device,
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin,
    keys: Keys,
    address: str = "",
) -> str:
    """Return a new broker password; the old one stops and a live connection is cut.

    A device that was revoked is let in again, if the account of its owner is switched on.

    Raises:
        NotFound, Forbidden: `by` does not manage it.
    """
    with transaction():
        access.require(by, device, Level.MANAGER)
        device.mqtt_seed = credentials.new_seed()
        password = credentials.mqtt_password(keys, device.mqtt_seed)
        device.mqtt_hash = credentials.mosquitto_hash(password)
        device.revoked_at = None
        handshake.end(device, now=now)
        note(device, by, "device.rotate", now, address)
    admission.follow(broker, device.id)
    return password


def revoke(
    device: Device, *, by: User, now: datetime, broker: BrokerAdmin, address: str = ""
) -> None:
    """Refuse a device at the broker and over HTTP, and cut its live connection.

    Raises:
        NotFound, Forbidden: `by` does not manage it.
    """
    with transaction():
        access.require(by, device, Level.MANAGER)
        device.revoked_at = device.revoked_at or now
        note(device, by, "device.revoke", now, address)
    admission.follow(broker, device.id)


def delete(
    device: Device,
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin,
    store: "TelemetryStore",
    address: str = "",
    bus: LiveBus | None = None,
) -> None:
    """Remove a device with its rights, commands, tokens and readings, for good.

    Raises:
        NotFound, Forbidden: `by` does not own it.
    """
    with transaction() as session:
        access.require(by, device, Level.OWNER)
        note(device, by, "device.delete", now, address, name=device.name)
        username, key, public_id = device.mqtt_username, device.id, device.public_id
        session.delete(device)
    try:
        broker.revoke(username)
    finally:  # nobody may see them any longer, whatever else fails
        store.forget(key)
    if bus is not None:
        bus.publish([LiveEvent(public_id, "device", {"change": "deleted"})])


def by_controller(controller_id: str) -> Device | None:
    """Return the device with this controller id, or None."""
    return db.session.scalar(select(Device).where(Device.controller_id == controller_id))


def _check_name(name: str, by: User, device: Device | None = None) -> None:
    """Refuse a name that another device of this person has, in whatever case."""
    same = (
        select(Device.id)
        .join(Grant, Grant.device_id == Device.id)
        .where(
            Device.name_key == name.casefold(),
            Grant.user_id == by.id,
            Grant.level == Level.OWNER,
        )
    )
    if any(device is None or key != device.id for key in db.session.scalars(same)):
        raise Conflict("device_name_taken", N_("Another device of yours has this name."))


def _check_ids(device: Device) -> None:
    for column, value, error in (
        (Device.controller_id, device.controller_id, _controller_taken()),
        (Device.hardware_id, device.hardware_id, _hardware_taken()),
    ):
        if value is not None and db.session.scalar(
            select(Device.id).where(column == value, Device.public_id != (device.public_id or ""))
        ):
            raise error


def _controller_taken() -> Conflict:
    return Conflict("controller_id_taken", N_("Another device has this controller id."))


def _hardware_taken() -> Conflict:
    return Conflict("hardware_id_taken", N_("Another device has this hardware id."))


def _flush(session: Session) -> None:
    """Write the row now; another process may have taken an id since it was checked."""
    try:
        session.flush()
    except IntegrityError as error:
        hardware = "hardware_id" in str(error.orig)
        raise (_hardware_taken() if hardware else _controller_taken()) from error


def _tell(bus: LiveBus | None, device: Device, change: str) -> None:
    if bus is not None:
        bus.publish([LiveEvent(device.public_id, "device", {"change": change})])
