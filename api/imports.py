"""Readings from a file into a device."""

from typing import Annotated

from flask import request
from pydantic import Field

import wiring
from api import callers, errors
from api.models import Answer, Line, Query
from api.routing import Routes
from auth import circumstances
from db.models import Level, User
from devices import imports

routes = Routes("imports")
TAKES = ("text/csv", "text/plain", "application/gzip")


class How(Query):
    """What to do with the file; `sensor` is what a file means that names none."""

    dry_run: bool = False
    sensor: Annotated[Line, Field(max_length=64)] = ""


class ImportedSensor(Answer):
    """What a file says of one sensor.

    `known` readings are at times that have one already, `replaced` of them with another value.
    """

    name: str
    kind: str
    rows: int
    known: int
    replaced: int
    first_ms: int
    last_ms: int


class RefusedLine(Answer):
    """A line that cannot be used."""

    line: int
    code: str


class Imported(Answer):
    """What became of a file, or would.

    `refused` counts lines by reason, `examples` are the first 20 of each.  `ambiguous` readings are
    at local times that come twice, as clocks go back; which is meant follows from the order.
    `unended_line` is the last one if it was taken without an end, as the file may be cut; else 0.
    """

    dry_run: bool
    rows: int
    repeated: int
    replaced: int
    ambiguous: int
    unended_line: int
    sensors: list[ImportedSensor]
    refused: dict[str, int]
    examples: list[RefusedLine]


@routes.post("/devices/<key:device_id>/import", status=200, takes=TAKES)
def take(device_id: str, by: User, query: How) -> Imported:
    """Store the readings of a CSV file: of an export, Home Assistant, Node-RED, or time,value.

    The same file a second time changes nothing. With `dry_run` nothing is changed at all.
    """
    device = callers.reach(by, device_id, Level.MANAGER)
    if request.mimetype not in TAKES:
        raise errors.WrongMedia(accepted=", ".join(TAKES))
    request.max_content_length = imports.LARGEST
    parts = wiring.current()
    report = imports.take(
        device,
        request.get_data(),
        by=by,
        store=parts.store,
        most_sensors=parts.settings.max_sensors_per_device,
        dry_run=query.dry_run,
        sensor=query.sensor,
        **circumstances.of_change(),
    )
    return Imported.model_validate(report.plain())
