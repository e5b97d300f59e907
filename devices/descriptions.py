"""How the sensors of a device are shown: label, unit, colour, expected range and so on.

Who manages the device sets it.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from auth import access
from db.base import transaction
from db.models import Device, Level, User
from db.telemetry.records import Series
from db.telemetry.store import TelemetryStore
from devices.changes import note
from devices.ports import LiveBus, LiveEvent
from errors import Invalid, NotFound
from notify.mark import N_

COLOUR = re.compile(r"#[0-9a-f]{6}")
LONGEST_LABEL, LONGEST_UNIT, MOST_DECIMALS = 80, 16, 6


def describe(
    device: Device,
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    by: User,
    store: TelemetryStore,
    now: datetime,
    address: str = "",
    bus: LiveBus | None = None,
) -> bool:
    """Change how sensors are shown; returns False if everything was so already.

    Args:
        device: whose sensors.
        wanted: by name of the sensor, any of label, unit, decimals, colour, low and high;
            decimals None shows numbers as they come, an empty colour is that of the page, low
            or high None is no bound.
        by: who manages the device.
        store: where sensors are known.
        now: when.
        address: of the request, for the audit log.
        bus: told of it.

    Raises:
        NotFound: `by` may not see the device, or it has no such sensor.
        Forbidden: `by` does not manage it.
        Invalid: a value cannot be used; `details["sensor"]` says of which sensor.
    """
    access.require(by, device, Level.MANAGER)
    known = {one.name: one for one in store.series([device.id])[device.id]}
    if any(name not in known for name in wanted):
        raise NotFound("sensor_not_found", N_("This device has no such sensor."))
    changes = {name: _different(known[name], given) for name, given in wanted.items()}
    changes = {name: values for name, values in changes.items() if values}
    if not changes:
        return False
    for name, values in changes.items():
        store.describe(known[name].id, **values)
    with transaction():
        note(device, by, "device.sensors", now, address, sensors=sorted(changes))
    if bus is not None:
        bus.publish([LiveEvent(device.public_id, "device", {"change": "sensors"})])
    return True


def _different(series: Series, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {field: CHECKS[field](value, series.name) for field, value in given.items()}
    low, high = (values.get(field, getattr(series, field)) for field in ("low", "high"))
    if low is not None and high is not None and not low < high:
        raise Invalid(
            "range_reversed",
            N_("%(sensor)s: the expected range must end above where it begins."),
            sensor=series.name,
            field="high",
        )
    return {field: value for field, value in values.items() if getattr(series, field) != value}


def _line(value: object, most: int, field: str, sensor: str) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else None
    if text is None or len(text) > most or not text.isprintable():
        raise Invalid(
            "text_too_long",
            N_("%(sensor)s: at most %(most)s characters."),
            sensor=sensor,
            most=most,
            field=field,
        )
    return text


def _label(value: object, sensor: str) -> str:
    return _line(value, LONGEST_LABEL, "label", sensor)


def _unit(value: object, sensor: str) -> str:
    return _line(value, LONGEST_UNIT, "unit", sensor)


def _decimals(value: object, sensor: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DECIMALS:
        raise Invalid(
            "decimals_out_of_bounds",
            N_("%(sensor)s: decimals are a whole number from 0 to %(most)s."),
            sensor=sensor,
            most=MOST_DECIMALS,
            field="decimals",
        )
    return value


def _colour(value: object, sensor: str) -> str:
    text = value.lower() if isinstance(value, str) else None
    if text is None or (text and not COLOUR.fullmatch(text)):
        raise Invalid(
            "colour_invalid",
            N_("%(sensor)s: a colour looks like #0b6b66."),
            sensor=sensor,
            field="colour",
        )
    return text


def _bound(value: object, sensor: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_double(value):
        raise Invalid(
            "bound_invalid",
            N_("%(sensor)s: the ends of the expected range are numbers."),
            sensor=sensor,
            field="low",
        )
    return float(value)


def _is_double(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


CHECKS = {
    "label": _label,
    "unit": _unit,
    "decimals": _decimals,
    "colour": _colour,
    "low": _bound,
    "high": _bound,
}
