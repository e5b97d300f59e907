"""What devices say just now, for pages and REST: sensors, newest values, states, sparklines.

Whoever calls has checked that the devices may be seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clock import to_ms
from db.models import Device
from db.telemetry.records import Floats, Newest, PresenceRow, Series
from db.telemetry.store import TelemetryStore
from devices import asking
from devices.asking import Offered
from devices.presence import State, state

SPARK_MS = 3_600_000
SPARK_POINTS = 60


@dataclass(frozen=True, slots=True)
class SensorNow:
    """A sensor and its newest reading, if it has one."""

    series: Series
    newest: Newest | None


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """What a card of the dashboard shows of a device.

    Attributes:
        presence: what is known of it; None if it was never heard.
        state: follows from that.
        sensors: all of them, by name.
        sparks: by series id, the last hour of each number in equal steps, NaN where nothing was
            said.
        parts: of a foreign device, what can be asked; None: it is one of our own.
    """

    presence: PresenceRow | None
    state: State
    sensors: list[SensorNow]
    sparks: dict[int, Floats]
    parts: list[Offered] | None = None


def sensors(device: Device, store: TelemetryStore) -> list[SensorNow]:
    """Return the sensors of a device, by name."""
    found = store.series([device.id])[device.id]
    newest = store.newest(one.id for one in found)
    return [SensorNow(one, newest.get(one.id)) for one in found]


def overview(
    devices: Iterable[Device],
    store: TelemetryStore,
    now: datetime,
    spark_ms: int = SPARK_MS,
    spark_points: int = SPARK_POINTS,
) -> dict[int, DeviceNow]:
    """Return what cards show, by device id, in six queries however many devices there are."""
    wanted = {device.id: device for device in devices}
    series = store.series(wanted)
    everything = [one for several in series.values() for one in several]
    newest = store.newest(one.id for one in everything)
    presence = store.presence(wanted)
    end_ms = to_ms(now)
    fresh = [
        one.id
        for one in everything
        if one.kind == "number" and one.id in newest and newest[one.id].ts_ms >= end_ms - spark_ms
    ]
    parts = asking.offered(wanted)
    sparks = store.sparks(fresh, end_ms - spark_ms, end_ms, spark_points)
    return {
        device_id: DeviceNow(
            presence.get(device_id),
            state(presence.get(device_id), expected_interval_s=device.expected_interval_s, now=now),
            [SensorNow(one, newest.get(one.id)) for one in series[device_id]],
            {one.id: sparks[one.id] for one in series[device_id] if one.id in sparks},
            parts.get(device_id),
        )
        for device_id, device in wanted.items()
    }
