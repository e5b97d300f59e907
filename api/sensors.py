"""The sensors of a device and their newest values."""

from typing import Annotated

from pydantic import Field, FiniteFloat

import wiring
from api import callers
from api.models import Answer, Line, Page, Patch, Time
from api.routing import Routes
from auth import circumstances
from clock import from_ms
from db.models import Device, Level, User
from devices import descriptions, readings
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
    low: float | None
    high: float | None
    last_value: bool | float | str | None
    last_time: Time | None


class SensorChange(Patch):
    """How a sensor is shown; decimals null: as they come, an empty colour: that of the page.

    Values are expected from low to high; null: no such bound.
    """

    label: Annotated[Line, Field(max_length=80)] = ""
    unit: Annotated[Line, Field(max_length=16)] = ""
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    colour: Annotated[str, Field(pattern="^(#[0-9a-fA-F]{6})?$")] = ""
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None


@routes.get("/devices/<key:device_id>/sensors")
def listing(device_id: str, by: User | Device) -> Page[Sensor]:
    """List the sensors of a device with their newest values."""
    return Page(items=shown(callers.reach(by, device_id)))


@routes.patch("/devices/<key:device_id>/sensors/<string:name>")
def describe(device_id: str, name: str, by: User, body: SensorChange) -> Sensor:
    """Change how a sensor is shown; what is left out stays."""
    store = wiring.current().store
    device = callers.reach(by, device_id, Level.MANAGER)
    where = circumstances.of_change()
    descriptions.describe(device, {name: body.given}, by=by, store=store, **where)
    found = readings.sensors(device, store)
    return next(_sensor(one) for one in found if one.series.name == name)


def shown(device: Device) -> list[Sensor]:
    """Return the sensors of a device with their newest values."""
    return list(map(_sensor, readings.sensors(device, wiring.current().store)))


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
        low=series.low,
        high=series.high,
        last_value=value,
        last_time=from_ms(newest.ts_ms) if newest else None,
    )
