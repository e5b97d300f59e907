"""The sensors of a device and their newest values."""

import wiring
from api import callers
from api.models import Answer, Page, Time
from api.routing import Routes
from clock import from_ms
from db.models import Device, User
from devices import readings
from devices.readings import SensorNow

routes = Routes("sensors")


class Sensor(Answer):
    """One sensor with the newest thing it said: a number, on or off, or a text."""

    name: str
    kind: str
    unit: str
    decimals: int | None
    label: str
    colour: str
    last_value: bool | float | str | None
    last_time: Time | None


@routes.get("/devices/<key:device_id>/sensors")
def listing(device_id: str, by: User | Device) -> Page[Sensor]:
    """List the sensors of a device with their newest values."""
    device = callers.reach(by, device_id)
    return Page(items=list(map(_sensor, readings.sensors(device, wiring.current().store))))


def _sensor(found: SensorNow) -> Sensor:
    series, newest = found.series, found.newest
    value: bool | float | str | None = None
    if newest is not None:
        value = bool(newest.value) if series.kind == "state" else newest.text or newest.value
    return Sensor(
        name=series.name,
        kind=series.kind,
        unit=series.unit,
        decimals=series.decimals,
        label=series.label,
        colour=series.colour,
        last_value=value,
        last_time=from_ms(newest.ts_ms) if newest else None,
    )
