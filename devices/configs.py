"""A device's configuration: versions that its managers push, and what the device says of them.

A version is kept first and then laid on the device's topic (`devices.config_delivery`).  The
device reports with `config_version` and `config_result` among the attributes of its status:
`applied`, or in its own words why not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from auth import access
from auth.keys import Keys
from db.base import db, transaction
from db.models import Device, DeviceConfig, Level, RetainedConfig, User
from devices import config_delivery, config_reports
from devices.changes import note
from devices.config_reports import Report
from devices.ports import Publisher
from errors import Invalid, NotFound
from notify.mark import N_

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore

LARGEST = 32 * 1024  # bytes of JSON
KEPT = 100  # versions of a device
PATIENCE_S = 0.5  # with the broker, so that what is shown next is true
DONE = {"applied", "ok", "done"}  # what devices say of a configuration that they follow now


class State(StrEnum):
    """How far a version is."""

    WAITING = "waiting"  # the broker does not have it yet
    SENT = "sent"  # the broker has it; the device has said nothing
    RECEIVED = "received"  # the device has it and does not say what became of it
    APPLIED = "applied"
    FAILED = "failed"  # the device says why
    REPLACED = "replaced"  # the next version came before the device said anything


@dataclass(frozen=True, slots=True)
class Version:
    """A configuration, how far it is, and the device's words about it."""

    config: DeviceConfig
    state: State
    words: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A version, and whether the broker was there to take it."""

    config: DeviceConfig
    sent: bool


def parse(text: str) -> dict[str, Any]:
    """Return the configuration that somebody wrote as JSON.

    Raises:
        Invalid: it is no JSON, or no object.
    """
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise Invalid(
            "config_json",
            N_("This is no JSON: line %(line)s, column %(column)s."),
            line=error.lineno,
            column=error.colno,
        ) from None
    except (ValueError, RecursionError):
        raise _unusable() from None
    if not isinstance(body, dict):
        raise Invalid("config_object", N_("A configuration is a JSON object: { ... }."))
    return body


def push(
    device: Device,
    body: dict[str, Any],
    *,
    by: User,
    store: "TelemetryStore",
    publisher: Publisher,
    keys: Keys,
    namespace: str,
    now: datetime,
    address: str,
) -> Pushed:
    """Make a configuration the device's newest version and lay it on the device's topic.

    The same configuration again is the same version, sent again.

    Args:
        device: for which one.
        body: the configuration, without its version.
        by: who pushes it.
        store: knows what the device said last; it is kept with the version that it is about.
        publisher: the way to the broker.
        keys: from which those follow that seal it, if the device asks for that.
        namespace: MQTT_NAMESPACE.
        now: the present moment.
        address: of the request.

    Raises:
        NotFound, Forbidden: `by` is no manager.
        Invalid: too large, not to be written as JSON, or with a version of its own.
    """
    access.require(by, device, Level.MANAGER)
    _check(body)
    said = config_reports.last(device, store)
    with transaction() as session:
        last = next(iter(_versions(device, limit=1)), None)
        if last is not None and said is not None:
            config_reports.keep(last, said, now=now)
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
            for old in _versions(device, limit=None)[KEPT - 1 :]:
                session.delete(old)
            note(device, by, "config.push", now, address, version=str(config.version))
    sent = config_delivery.lay(
        device.id, publisher=publisher, keys=keys, namespace=namespace, patience_s=PATIENCE_S
    )
    return Pushed(config, sent)


def push_again(
    device: Device,
    version: int,
    *,
    by: User,
    store: "TelemetryStore",
    publisher: Publisher,
    keys: Keys,
    namespace: str,
    now: datetime,
    address: str,
) -> Pushed:
    """Make what an earlier version said the newest one; arguments as for `push`.

    Raises:
        NotFound, Forbidden: `by` is no manager, or there is no such version.
    """
    found = next(
        (one for one in history(device, by=by, store=store) if one.config.version == version), None
    )
    if found is None:
        raise NotFound("config_not_found", N_("There is no such version."))
    return push(
        device,
        found.config.body,
        by=by,
        store=store,
        publisher=publisher,
        keys=keys,
        namespace=namespace,
        now=now,
        address=address,
    )


def history(device: Device, *, by: User, store: "TelemetryStore") -> list[Version]:
    """Return the versions that are kept, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager.
    """
    access.require(by, device, Level.MANAGER)
    said = config_reports.last(device, store)
    laid = db.session.get(RetainedConfig, device.controller_id)
    found = _versions(device, limit=KEPT)
    return [
        _version(config, said, laid if config is found[0] else None, is_newest=config is found[0])
        for config in found
    ]


def _version(
    config: DeviceConfig, said: Report | None, laid: RetainedConfig | None, *, is_newest: bool
) -> Version:
    is_about_it = said is not None and said.version == config.version
    words = said.result if said is not None and is_about_it else config.result
    if is_about_it or config.reported_at is not None:
        if not words:
            return Version(config, State.RECEIVED, "")
        is_done = words.strip().casefold() in DONE
        return Version(config, State.APPLIED if is_done else State.FAILED, words)
    if not is_newest:
        return Version(config, State.REPLACED, "")
    is_there = (
        laid is not None
        and (laid.device_id, laid.version) == (config.device_id, config.version)
        and laid.sealed == config.device.sealed
        and laid.taken_at is not None
    )
    return Version(config, State.SENT if is_there else State.WAITING, "")


def _versions(device: Device, *, limit: int | None) -> Sequence[DeviceConfig]:
    return db.session.scalars(
        select(DeviceConfig)
        .where(DeviceConfig.device_id == device.id)
        .order_by(DeviceConfig.version.desc())
        .limit(limit)
    ).all()


def _check(body: dict[str, Any]) -> None:
    if config_delivery.RESERVED in body:
        raise Invalid("version_reserved", N_("The server gives the version."), field="config")
    try:
        json.dumps(body, allow_nan=False)  # as the database keeps it: no NaN, no endless depth
        size = len(msgspec.json.encode(body))  # as it travels: no half characters
    except (ValueError, OverflowError, RecursionError):
        raise _unusable() from None
    if size > LARGEST:
        raise Invalid("config_too_large", N_("The configuration is too large."), field="config")


def _unusable() -> Invalid:
    return Invalid(
        "config_unusable",
        N_("This configuration cannot be sent: NaN, broken characters, or too deep."),
        field="config",
    )
