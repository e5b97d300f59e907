"""Everything that one may see, as one stream."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from flask import Response
from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

import wiring
from api import callers, streams
from api.models import Line, Listed, Span
from api.routing import Routes
from auth import access
from clock import time_zones
from db.models import User
from devices import export

routes = Routes("export")


def _zone(name: str) -> str:
    if name not in time_zones():
        raise PydanticCustomError("timezone_unknown", "there is no such time zone")
    return name


class Chosen(Span):
    """Which readings, and how they are laid out; `device` and `sensor` may come repeatedly."""

    device: Annotated[list[Line], Listed, Field(max_length=500)] = []
    sensor: Annotated[list[Line], Listed, Field(max_length=500)] = []
    format: streams.Form = "csv"
    layout: Literal["long", "wide"] = "long"
    step: Annotated[int, Field(ge=0, le=31_622_400)] = 0  # seconds; only wide
    tz: Annotated[str, AfterValidator(_zone)] = "UTC"  # on whose clocks steps begin

    @field_validator("step")
    @classmethod
    def _of_wide(cls, step: int, info: ValidationInfo) -> int:
        if step and info.data.get("layout") == "long":
            raise PydanticCustomError("step_needs_wide", "only the wide layout has steps")
        return step


@routes.get("/export", media=tuple(streams.MEDIA.values()), refusals=(404,))
def everything(by: User, query: Chosen) -> Response:
    """Stream the readings of all devices that one may see, or of those named by their ids.

    Long: one line a reading. Wide: one line a time stamp, or a `step` of so many seconds, one
    column a sensor. Steps begin as the clocks of the time zone `tz` show a multiple of one, so that
    those of 86400 s are its days.
    """
    if query.device:
        chosen = [access.visible(by, device_id) for device_id in dict.fromkeys(query.device)]
    else:
        chosen = [device for device, _ in access.visible_devices(by)]
    columns = export.columns(chosen, wiring.current().store, sensors=query.sensor)
    return streams.document(
        chosen,
        columns,
        query,
        query.format,
        reader=callers.reader(by),
        name="gatehouse",
        layout=query.layout,
        step_ms=query.step * 1000,
        zone=ZoneInfo(query.tz),
    )
