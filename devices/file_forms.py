"""Which form a CSV file of readings has, by its first line.

One line a reading, the columns in any order; those that name sensor, device and unit may lack:

    time,device,sensor,value,unit        as devices/export.py writes it, time_utc last or not
    entity_id,state,last_changed         as Home Assistant's history page saves it
    timestamp,topic,payload              as the csv node of Node-RED writes messages
    time,value                           of one sensor, which the caller names

One column a sensor, an empty cell for no reading:

    time,"House / door","House / t (°C)"     as devices/export.py writes it
    timestamp,humidity,temperature           as the csv node of Node-RED writes objects
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from devices import export
from devices.file_cells import TEXT
from errors import Invalid
from notify.mark import N_

ENTITY = "entity_id"  # in the first line of Home Assistant's files
TIME = {"time", "timestamp", "date", "datetime", "last_changed"}
SENSOR = {"sensor", "topic", ENTITY}
VALUE = {"value", "payload", "state"}
MORE = {"device", "unit", "time_utc"}
QUOTED = r'"(?:[^"]|"")*"'


class Row(NamedTuple):
    """What a line says of one sensor, as text; `value` as `file_cells.quotes_marked` leaves it."""

    time: str
    sensor: str
    value: str
    unit: str = ""
    device: str = ""
    exact: str = ""  # the time once more, in UTC; it counts if it is there


Parser = Callable[[list[str]], list[Row]]  # raises IndexError where cells are missing


class Form(NamedTuple):
    """How the lines of a file are read.

    Attributes:
        parse: returns what a line says.
        foreign: it is of Home Assistant.
        ours: it has the columns of our exports, whoever wrote it.
        devices: whose columns it has, if it has one for each sensor.
    """

    parse: Parser
    foreign: bool = False
    ours: bool = False
    devices: frozenset[str] = frozenset()


def form(head: Sequence[str], sensor: str) -> Form:
    """Return how the lines below a first line are read.

    Args:
        head: its cells.
        sensor: what a file means that names none; empty: the heading of its values.

    Raises:
        Invalid: the form is unknown.
    """
    cells = [cell.removeprefix(TEXT).strip() for cell in head]
    names = [cell.lower() for cell in cells]
    times = [at for at, name in enumerate(names) if name in TIME]
    if len(times) == 1 and len(set(cells)) == len(cells) > 1:
        values = [at for at, name in enumerate(names) if name in VALUE]
        if len(values) == 1 and set(names) <= TIME | SENSOR | VALUE | MORE:
            parse = _long(names, times[0], values[0], sensor)
            foreign = set(names) & SENSOR == {ENTITY}
            return Form(parse, foreign, {"sensor", "device", "unit"} <= set(names))
        return _wide(cells, times[0], sensor)
    raise Invalid(
        "file_unknown",
        N_(
            "The first line must be time,device,sensor,value,unit or entity_id,state,last_changed"
            " or time,value or time and the name of a sensor in each other column."
        ),
    )


def is_as_exported(head: str, second: str, separator: str) -> bool:
    """Return whether the first two lines have their quotes where our exports have them.

    Then they tell texts from numbers; programs that write such files anew put them elsewhere.
    """
    cut = re.escape(separator)
    head = head.rstrip("\r\n").removesuffix(f"{separator}time_utc")
    if head == separator.join(["time", "device", "sensor", "value", "unit"]):
        return not second or re.match(rf'[^"{separator}]+{cut}"', second) is not None
    wide = re.fullmatch(rf"time(?:{cut}{QUOTED})+", head)
    return wide is not None and second[:1] != '"'


def _long(names: list[str], time: int, value: int, sensor: str) -> Parser:
    sensors = [at for at, name in enumerate(names) if name in SENSOR]
    more = [names.index(one) if one in names else None for one in ("unit", "device", "time_utc")]

    def read(cells: list[str]) -> list[Row]:
        said = cells[value]
        cells = [export.armed(cell.removeprefix(TEXT)) for cell in cells]
        of = [cells[at] if at is not None else "" for at in more]
        name = _sensor(names[sensors[0]], cells[sensors[0]]) if sensors else sensor or names[value]
        return [Row(cells[time], name, said, *of)]

    return read


def _sensor(named: str, said: str) -> str:
    """Return the name that a cell means: a topic without slashes."""
    return said.strip("/").replace("/", ".") if named == "topic" else said


def _wide(head: list[str], time: int, sensor: str) -> Form:
    exact = next((at for at, cell in enumerate(head) if cell.lower() == "time_utc"), None)
    others = {at: _heading(cell) for at, cell in enumerate(head) if at not in {time, exact}}
    if sensor and len(others) == 1:
        others = dict.fromkeys(others, (sensor, "", ""))

    def read(cells: list[str]) -> list[Row]:
        at_time = cells[time].removeprefix(TEXT)
        at_exactly = cells[exact].removeprefix(TEXT) if exact is not None else ""
        return [
            Row(at_time, name, cells[at], unit, device, at_exactly)
            for at, (name, unit, device) in others.items()
            if cells[at]
        ]

    devices = frozenset(device for _, _, device in others.values())
    return Form(read, ours="" not in devices, devices=devices - {""})


def _heading(cell: str) -> tuple[str, str, str]:
    """Return sensor, unit and device of a column."""
    device, sensor, unit = export.said_in(export.armed(cell)) or ("", cell, "")
    return sensor, unit, device
