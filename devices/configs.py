"""A device's configuration: versions that its manager pushes, and what the device says of them.

The newest version lies retained on the device's topic, so a device that was away finds it when
it comes back.  The device reports with `config_version` and `config_result` among the attributes
of its status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from auth import access
from db.base import db, transaction
from db.models import Device, DeviceConfig, Level, User
from devices.ports import Publisher
from devices.rights import note
from errors import Invalid
from notify.mark import N_

LARGEST = 32 * 1024  # bytes of JSON
RESERVED = "version"  # the server writes it
RESULT = 256  # characters


@dataclass(frozen=True, slots=True)
class Report:
    """What a device says of the configuration that it has."""

    version: int
    result: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A version, and whether the broker was there to take it."""

    config: DeviceConfig
    sent: bool


def push(
    device: Device,
    body: dict[str, Any],
    *,
    by: User,
    reported: Report | None,
    publisher: Publisher,
    topic: str,
    now: datetime,
    address: str,
) -> Pushed:
    """Make a configuration the device's newest version and lay it on the device's topic.

    The same configuration again is the same version, sent again.

    Args:
        device: for which one.
        body: the configuration, without its version.
        by: who pushes it.
        reported: what the device said last; it is kept with the version that it is about.
        publisher: the way to the broker.
        topic: the device's topic of configurations.
        now: the present moment.
        address: of the request.

    Raises:
        NotFound, Forbidden: `by` is no manager.
        Invalid: too large, or with a version of its own.
    """
    access.require(by, device, Level.MANAGER)
    if RESERVED in body:
        raise Invalid("version_reserved", N_("The server gives the version."), field="config")
    if len(msgspec.json.encode(body)) > LARGEST:
        raise Invalid("config_too_large", N_("The configuration is too large."), field="config")
    with transaction() as session:
        last = _newest(device)
        if last is not None and reported is not None and reported.version == last.version:
            last.reported_at, last.result = last.reported_at or now, reported.result
        if last is not None and last.body == body:
            config = last
        else:
            config = DeviceConfig(
                device_id=device.id,
                version=last.version + 1 if last else 1,
                body=body,
                author=by.email,
                created_at=now,
            )
            session.add(config)
            note(device, by, "config.push", now, address, version=str(config.version))
    message = msgspec.json.encode({**config.body, RESERVED: config.version})
    return Pushed(config, publisher.publish(topic, message, retain=True))


def newest(device: Device, *, by: User) -> DeviceConfig | None:
    """Return the newest version, or None before the first.

    Raises:
        NotFound, Forbidden: `by` is no manager.
    """
    access.require(by, device, Level.MANAGER)
    return _newest(device)


def history(device: Device, *, by: User, limit: int) -> Sequence[DeviceConfig]:
    """Return the last versions, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(DeviceConfig)
        .where(DeviceConfig.device_id == device.id)
        .order_by(DeviceConfig.version.desc())
        .limit(limit)
    ).all()


def report(attributes: Mapping[str, Any]) -> Report | None:
    """Return what a device's attributes say of its configuration, if they do."""
    version = attributes.get("config_version")
    if isinstance(version, bool) or not isinstance(version, int | float):
        return None
    return Report(int(version), str(attributes.get("config_result", ""))[:RESULT])


def _newest(device: Device) -> DeviceConfig | None:
    found: DeviceConfig | None = db.session.scalar(
        select(DeviceConfig)
        .where(DeviceConfig.device_id == device.id)
        .order_by(DeviceConfig.version.desc())
        .limit(1)
    )
    return found
