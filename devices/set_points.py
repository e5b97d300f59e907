"""Which part of a device is meant, and what values it may be set to: bounds, steps, words.

Foreign devices announce theirs.  Of our own, whoever manages them declares what a part takes; a
part that nobody declared takes what the device takes.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isclose, isfinite
from typing import Any

from auth import access
from db.base import transaction
from db.models import Device, Level, User
from devices.changes import note
from devices.parsing import NAME
from devices.ports import LiveBus, LiveEvent
from errors import Invalid
from notify.mark import N_

PARTS = frozenset({"on", "off", "set"})  # commands that are for a part of a device
LONGEST_TEXT = 255
LONGEST_UNIT = 16
MOST = 64  # declared parts of a device
KEPT = "set_points"  # among the attributes of a device


@dataclass(frozen=True, slots=True)
class Bounds:
    """What numbers a part takes: `low`, and whole steps above it up to `high`."""

    low: float
    high: float
    step: float | None = None
    unit: str = ""


def of(device: Device) -> dict[str, Bounds]:
    """Return the declared bounds of a device's parts, by name."""
    return {name: Bounds(**given) for name, given in device.attributes.get(KEPT, {}).items()}


def declare(
    device: Device,
    target: str,
    bounds: Bounds | None,
    *,
    by: User,
    now: datetime,
    bus: LiveBus,
    address: str = "",
) -> None:
    """Say what a part of a device takes, from now on.

    Args:
        device: whose part.
        target: the part, as commands name it.
        bounds: what it takes; None: whatever the device takes.
        by: who manages the device.
        now: when.
        bus: told of it.
        address: of the request, for the audit log.

    Raises:
        NotFound, Forbidden: `by` does not manage the device.
        Invalid: the name or the bounds cannot be used, or there are too many.
    """
    if not NAME.fullmatch(target):
        raise Invalid(
            "sensor_name_invalid",
            N_("A sensor's name has 1 to 64 letters, digits, '_', '.' or '-'."),
            field="target",
        )
    if bounds and not _usable(bounds):
        raise Invalid("bounds_invalid", N_("These bounds cannot be used."), field="bounds")
    with transaction():
        access.require(by, device, Level.MANAGER)
        declared = {name: asdict(one) for name, one in of(device).items() if name != target}
        if bounds:
            declared[target] = asdict(bounds)
        if len(declared) > MOST:
            raise Invalid("too_many_set_points", N_("A device has at most %(most)s."), most=MOST)
        device.attributes = {**device.attributes, KEPT: declared}
        note(device, by, "device.set_point", now, address, target=target)
    bus.publish([LiveEvent(device.public_id, "device", {"change": "sensors"})])


def check(device: Device, params: dict[str, Any]) -> None:
    """Refuse a `set` command whose value the part does not take.

    Raises:
        Invalid: as `number`.
    """
    target = str(params.get("target", ""))
    bounds = of(device).get(target)
    if bounds:
        number(
            params.get("value"), label=target, low=bounds.low, high=bounds.high, step=bounds.step
        )


def check_target(name: str, params: dict[str, Any]) -> None:
    """Refuse a command that is for a part of a device and does not say for which, or what.

    Raises:
        Invalid: target_needed, or value_invalid.
    """
    target = params.get("target")
    if name in PARTS and not (isinstance(target, str) and NAME.fullmatch(target)):
        raise Invalid(
            "target_needed",
            N_('Say which part is meant, such as {"target": "led.garage"}.'),
            field="params",
        )
    if name == "set" and params.get("value") is None:
        raise refused()


def _usable(bounds: Bounds) -> bool:
    """Return whether these are numbers that leave something to choose, and the unit is short."""
    numbers = (bounds.low, bounds.high, bounds.step or 0.0)
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        return False
    finite = all(map(isfinite, numbers)) and len(bounds.unit) <= LONGEST_UNIT
    return finite and bounds.low < bounds.high and numbers[2] >= 0


def number(
    value: Any, *, label: str, low: float, high: float, step: float | None = None
) -> int | float:
    """Return a number that may be set; whole numbers without a point.

    Args:
        value: what somebody wants.
        label: what people call the part.
        low: the least value ...
        high: ... and the greatest.
        step: values are `low` and whole steps above it; None or 0: any.

    Raises:
        Invalid: value_invalid, value_out_of_bounds or value_off_step.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise refused()
    if not low <= value <= high:
        raise Invalid(
            "value_out_of_bounds",
            N_("%(part)s takes values from %(low)s to %(high)s."),
            part=label,
            low=f"{low:g}",
            high=f"{high:g}",
            field="params",
        )
    steps = (value - low) / step if step else 0.0
    if not isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-6):
        raise Invalid(
            "value_off_step",
            N_("%(part)s takes values in steps of %(step)s from %(low)s on."),
            part=label,
            step=f"{step:g}",
            low=f"{low:g}",
            field="params",
        )
    return int(value) if float(value).is_integer() else value


def word(value: Any, *, label: str, options: Collection[str]) -> str | int | float:
    """Return a word that may be set; without options any short text.

    Raises:
        Invalid: value_invalid, or value_unknown.
    """
    if not isinstance(value, str | int | float) or len(str(value)) > LONGEST_TEXT:
        raise refused()
    if options and value not in options:
        raise Invalid(
            "value_unknown",
            N_("%(part)s takes one of these: %(options)s."),
            part=label,
            options=", ".join(options),
            field="params",
        )
    return value


def refused() -> Invalid:
    """Return the error of a value that the device does not take at all."""
    return Invalid("value_invalid", N_("The device does not take this value."), field="params")
