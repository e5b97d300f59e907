"""Finds a value in a JSON document by a path such as `ENERGY.Power` or `list[0]."a key"`."""

import re
from functools import lru_cache
from typing import Any

from devices.foreign.bounded import MISSING

LONGEST = 256
STEP = re.compile(r"""\.?(?:"([^"]+)"|'([^']+)'|([^.\[\]"']+))|\[(-?\d{1,6})\]|\["([^"]+)"\]""")


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str | int, ...] | None:
    """Return the keys and places that a path goes through, or None if it is not one."""
    text = path.strip().removeprefix("$")
    if len(text) > LONGEST:
        return None
    found: list[str | int] = []
    at = 0
    while at < len(text):
        step = STEP.match(text, at)
        if step is None:
            return None
        at = step.end()
        place = step[4]
        found.append(int(place) if place else step[1] or step[2] or step[3] or step[5])
    return tuple(found)


def pick(document: Any, path: str) -> Any:
    """Return what is at a path, or MISSING."""
    for step in steps(path) or ():
        if isinstance(document, dict) and str(step) in document:
            document = document[str(step)]
        elif (
            isinstance(document, list)
            and isinstance(step, int)
            and -len(document) <= step < len(document)
        ):
            document = document[step]
        else:
            return MISSING
    return document
