"""What devices say of their configurations, and keeping it with the version that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.base import db, transaction
from db.models import Device, DeviceConfig, RetainedConfig

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore

LONGEST = 256  # characters of a result
RECENT = timedelta(days=1)  # for so long after it was sent, a device's word is looked for


@dataclass(frozen=True, slots=True)
class Report:
    """What a device says of the configuration that it has."""

    version: int
    result: str


def last(device: Device, store: "TelemetryStore") -> Report | None:
    """Return what a device said last of its configuration, if it did."""
    row = store.presence([device.id]).get(device.id)
    return read(row.attributes) if row else None


def read(attributes: Mapping[str, Any]) -> Report | None:
    """Return what a device's attributes say of its configuration, if they do."""
    version = attributes.get("config_version")
    if isinstance(version, bool) or not isinstance(version, int | float):
        return None
    return Report(int(version), str(attributes.get("config_result", ""))[:LONGEST])


def keep(config: DeviceConfig, said: Report, *, now: datetime) -> None:
    """Write down what a device said, if it is about this version; in the caller's transaction."""
    if said.version == config.version:
        config.reported_at, config.result = config.reported_at or now, said.result


def hear(store: "TelemetryStore", *, now: datetime) -> int:
    """Keep what devices said of versions that were sent lately; returns how many."""
    silent = db.session.scalars(
        select(DeviceConfig.device_id)
        .join(RetainedConfig, RetainedConfig.device_id == DeviceConfig.device_id)
        .where(DeviceConfig.reported_at.is_(None), RetainedConfig.taken_at > now - RECENT)
        .distinct()
    ).all()
    said = {
        device_id: found
        for device_id, row in store.presence(silent).items()
        if (found := read(row.attributes))
    }
    kept = 0
    for device_id, found in said.items():
        about = select(DeviceConfig).where(
            DeviceConfig.device_id == device_id,
            DeviceConfig.version == found.version,
            DeviceConfig.reported_at.is_(None),
        )
        if db.session.scalar(about) is None:
            continue
        with transaction() as session:
            if (config := session.scalar(about)) is not None:
                keep(config, found, now=now)
                kept += 1
    return kept
