"""Which form a CSV file of readings has, by its first line.

One line a reading, the columns in any order; those that name sensor, device and unit may lack:

    time,device,sensor,value,unit        as devices/export.py writes it
    entity_id,state,last_changed         as Home Assistant's history page saves it
    timestamp,topic,payload              as the csv node of Node-RED writes messages
    time,value                           of one sensor, which the caller names

One column a sensor, an empty cell for no reading:

    time,"House / door","House / t (°C)"     as devices/export.py writes it
    timestamp,humidity,temperature           as the csv node of Node-RED writes objects
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from devices import export
from errors import Invalid
from notify.mark import N_

ENTITY = "entity_id"  # in the first line of Home Assistant's files
TIME = {"time", "timestamp", "date", "datetime", "last_changed"}
SENSOR = {"sensor", "topic", ENTITY}
VALUE = {"value", "payload", "state"}
HEADING = re.compile(r"(?P<device>.+) / (?P<sensor>[\w.-]+)(?: \((?P<unit>[^()]*)\))?")


class Row(NamedTuple):
    """What a line says of one sensor, as text."""

    time: str
    sensor: str
    value: str
    unit: str = ""
    device: str = ""


Parser = Callable[[list[str]], list[Row]]  # raises IndexError where cells are missing


def parser(head: Sequence[str], sensor: str) -> Parser:
    """Return how the lines below a first line are read.

    Args:
        head: its cells.
        sensor: what a file means that names none; empty: the heading of its values.

    Raises:
        Invalid: the form is unknown.
    """
    names = [cell.strip().lower() for cell in head]
    times = [at for at, name in enumerate(names) if name in TIME]
    if len(times) == 1 and len(set(names)) == len(names) > 1:
        values = [at for at, name in enumerate(names) if name in VALUE]
        if len(values) == 1 and set(names) <= TIME | SENSOR | VALUE | {"device", "unit"}:
            return _long(names, times[0], values[0], sensor)
        return _wide([cell.strip() for cell in head], times[0], sensor)
    raise Invalid(
        "file_unknown",
        N_(
            "The first line must be time,device,sensor,value,unit or entity_id,state,last_changed"
            " or time,value or time and the name of a sensor in each other column."
        ),
    )


def _long(names: list[str], time: int, value: int, sensor: str) -> Parser:
    sensors = [at for at, name in enumerate(names) if name in SENSOR]
    unit, device = (names.index(one) if one in names else None for one in ("unit", "device"))

    def read(cells: list[str]) -> list[Row]:
        said = _sensor(names[sensors[0]], cells[sensors[0]]) if sensors else sensor or names[value]
        of = [cells[at] if at is not None else "" for at in (unit, device)]
        return [Row(cells[time], said, cells[value], *of)]

    return read


def is_of_home_assistant(head: Sequence[str]) -> bool:
    """Return whether a first line is that of Home Assistant's history."""
    names = {cell.strip().lower() for cell in head}
    return names & SENSOR == {ENTITY} and bool(names & VALUE)


def _sensor(named: str, said: str) -> str:
    """Return the name that a cell means: a topic without slashes."""
    return said.strip("/").replace("/", ".") if named == "topic" else said


def names_of(entities: Iterable[str]) -> dict[str, str]:
    """Return what the sensors of entities are called: without their domain where that is clear."""
    known = set(entities)
    plain = Counter(entity.partition(".")[2] for entity in known)
    return {
        entity: name if plain[name := entity.partition(".")[2]] == 1 else entity for entity in known
    }


def _wide(head: list[str], time: int, sensor: str) -> Parser:
    others = {at: _heading(cell) for at, cell in enumerate(head) if at != time}
    if sensor and len(others) == 1:
        others = dict.fromkeys(others, (sensor, "", ""))

    def read(cells: list[str]) -> list[Row]:
        return [
            Row(cells[time], name, cells[at], *of)
            for at, (name, *of) in others.items()
            if cells[at]
        ]

    return read


def _heading(cell: str) -> tuple[str, str, str]:
    """Return sensor, unit and device of a column."""
    found = HEADING.fullmatch(export.armed(cell))
    if found is None:
        return cell, "", ""
    return found["sensor"], found["unit"] or "", export.defused(found["device"])
