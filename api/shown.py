"""Devices as answers, shared by the resources that show them."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import wiring
from api.models import Answer, Time
from clock import from_ms, utcnow
from config import Settings
from db.models import Device, Level
from devices import fields, presence
from mqtt import topics

ANYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104  what a broker binds to, not where it is reached


class DeviceShown(Answer):
    """A device; `level` is the caller's, empty for the device itself.

    `kept_days` says for how many days single readings are kept, null for ever: as the device's own
    `retention_days` says (0: for ever), or where that is null, as the server's default does.
    """

    id: str
    name: str
    kind: str
    controller_id: str
    hardware_id: str | None
    firmware: str
    level: str
    state: str
    last_seen: Time | None
    attributes: dict[str, Any]
    notes: str
    timezone: str
    expected_interval_s: int
    hold_to_act: bool
    sealed: bool
    retention_days: int | None
    kept_days: int | None
    revoked: bool
    created_at: Time


class MqttAccess(Answer):
    """How a device reaches the broker; `password` is shown this once."""

    host: str
    port: int
    tls: bool
    ca: str | None  # PEM of the authority that vouches for the broker; None: a public one
    username: str
    password: str
    topics: dict[str, str]


class Credentials(Answer):
    """A device with its secrets, which are shown this once."""

    id: str
    name: str
    controller_id: str
    hardware_id: str | None
    mqtt: MqttAccess
    command_key: str
    token: str | None


def devices(found: Iterable[tuple[Device, Level | None]]) -> list[DeviceShown]:
    """Return devices with their presence, in the given order."""
    listed = list(found)
    now = utcnow()
    parts = wiring.current()
    rows = parts.store.presence([device.id for device, _ in listed])
    return [
        DeviceShown(
            id=device.public_id,
            name=device.name,
            kind=device.kind,
            controller_id=device.controller_id,
            hardware_id=device.hardware_id,
            firmware=presence.firmware(
                device, row.attributes if (row := rows.get(device.id)) else {}
            ),
            level=level.name.lower() if level else "",
            state=presence.state(
                row,
                expected_interval_s=device.expected_interval_s,
                now=now,
            ),
            last_seen=from_ms(row.last_seen) if row else None,
            attributes=(row.attributes if row else {}) | device.attributes,
            notes=device.notes,
            timezone=device.timezone,
            expected_interval_s=device.expected_interval_s,
            hold_to_act=device.hold_to_act,
            sealed=device.sealed,
            retention_days=device.retention_days,
            kept_days=fields.kept_days(device.retention_days, parts.settings.retention_days),
            revoked=device.revoked_at is not None,
            created_at=device.created_at,
        )
        for device, level in listed
    ]


def device(found: Device, level: Level | None) -> DeviceShown:
    """Return one device with its presence."""
    return devices([(found, level)])[0]


def mqtt_access(device: Device, password: str) -> MqttAccess:
    """Return how a device logs in to the broker and which topics are its own."""
    settings = wiring.current().settings
    names = {
        "telemetry": "telemetry",
        "status": "status",
        "ack": "commands/ack",
        "log": "log",
        "sealed": "sealed",
        "commands": "commands",
        "config": "config",
        "files": "files",
    }
    return MqttAccess(
        host=broker_host(settings),
        port=settings.mqtt_port,
        tls=settings.devices_speak_tls,
        ca=settings.devices_trust or None,
        username=device.mqtt_username,
        password=password,
        topics={
            name: topics.of(settings.mqtt_namespace, device.controller_id, rest)
            for name, rest in names.items()
        },
    )


def broker_host(settings: Settings) -> str:
    """Return the name or address under which devices reach the broker."""
    if settings.mqtt_host:
        return settings.mqtt_host
    if settings.mqtt_bind not in ANYWHERE:
        return settings.mqtt_bind
    return urlsplit(settings.url).hostname or settings.host


def credentials(device: Device, password: str, command_key: str, token: str | None) -> Credentials:
    """Return a device with its secrets."""
    return Credentials(
        id=device.public_id,
        name=device.name,
        controller_id=device.controller_id,
        hardware_id=device.hardware_id,
        mqtt=mqtt_access(device, password),
        command_key=command_key,
        token=token,
    )
