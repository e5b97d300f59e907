"""The bounds of every value that a template makes on its way, and how it ends without one."""

from typing import Any

LONGEST = 16_384  # characters or items of any value on the way
MOST_WRITTEN = 2048  # items of a list or object in a template, with those of what is in it
DEEPEST_BITS = 256  # of a whole number
NONE_GIVEN = object()


class Failed(Exception):
    """A template has no value."""


class Missing:
    """What a name or a key stands for that is not there."""

    def __str__(self) -> str:
        return ""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


def checked(value: Any) -> Any:
    """Return a value that is not larger than anything a message could hold.

    Raises:
        Failed: it is.
    """
    if isinstance(value, str | list | tuple | dict) and len(value) > LONGEST:
        raise Failed
    if isinstance(value, int) and value.bit_length() > DEEPEST_BITS:
        raise Failed
    return value


def measured(value: Any) -> Any:
    """Return a list or an object that a template wrote, with not too much in it at any depth.

    Raises:
        Failed: it is: lists of lists could grow without an end.
    """
    waiting, held = [value], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, list | dict):
            held += len(one)
            if held > MOST_WRITTEN:
                raise Failed
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return value


def instead_of(given: Any) -> Any:
    """Return what a template wants instead of a value.

    Raises:
        Failed: it names nothing.
    """
    if given is NONE_GIVEN:
        raise Failed
    return given
