"""What the cells of a file of readings mean: numbers, states, or texts.

A sensor that a device has keeps its kind; of a new one the whole column decides.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from devices import parsing
from devices.parsing import Refuse

KINDS = ("number", "state", "text")
TRUE, FALSE = frozenset({"on", "true"}), frozenset({"off", "false"})
TEXT = "\0"  # stands before the cells that are texts for certain; in no file's text there is one
NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
NO_NUMBER = re.compile(r"\s*[+-]?(?:nan|inf|infinity)\s*", re.IGNORECASE)


def quotes_marked(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines of a CSV document with TEXT at the beginning of each quoted cell."""
    inside = False  # a quoted cell that an earlier line began
    for line in lines:
        parts = line.split('"')
        for at in range(1 + inside, len(parts), 2):
            if parts[at - 1] or at == 1:  # else it is a quote in a cell, which is written twice
                parts[at] = TEXT + parts[at]
        inside ^= len(parts) % 2 == 0
        yield '"'.join(parts)


def pointed(cell: str) -> str:
    """Return a cell with a decimal point where it is a number with a decimal comma."""
    plain = cell.replace(",", ".")
    return plain if cell.count(",") == 1 and NUMBER.fullmatch(plain) else cell


def kind_of(cells: Collection[str], kinds: Sequence[str] = KINDS) -> str:
    """Return what the cells of a column are, of these kinds; the last one takes all the rest.

    A number that is none (NaN, infinite) leaves the others numbers, and is refused among them.
    """
    if "number" in kinds and all(
        NUMBER.fullmatch(cell) or NO_NUMBER.fullmatch(cell) for cell in cells
    ):
        return "number"
    if "state" in kinds and all(cell.strip().lower() in TRUE | FALSE for cell in cells):
        return "state"
    return kinds[-1]


def fitting(cell: str, kind: str) -> float | str:
    """Return a cell as a sensor of this kind keeps it.

    Raises:
        Refuse: not_a_number, not_a_state; of texts too_long and bad_value, as of a device's.
    """
    if kind == "text":
        return _text(cell.removeprefix(TEXT))
    word = cell.removeprefix(TEXT).strip().lower()
    if kind == "state" and word in TRUE | FALSE:
        return float(word in TRUE)
    said = _number(word)
    if said is None or (kind == "state" and said not in {0.0, 1.0}):
        raise Refuse(f"not_a_{kind}")
    return said


def _text(text: str) -> str:
    if len(text) > parsing.MAX_TEXT:
        raise Refuse("too_long")
    parsing.plain(text)
    return text


def _number(text: str) -> float | None:
    """Return a number, None if it is none that can be kept."""
    if NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if abs(value) <= parsing.GREATEST else None
