"""Reading a configuration that the server sends on `config`."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Settings:
    """What a manager wants the device to be like."""

    version: int
    values: dict[str, Any] = field(default_factory=dict)


def read(payload: bytes) -> Settings | None:
    """Return the configuration in a message; None if there is none, or none that can be read."""
    try:
        values = json.loads(payload)
        version = values.pop("version")
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return None  # an empty message: the device has no configuration any more
    if type(version) is not int:
        return None
    return Settings(version, values)
