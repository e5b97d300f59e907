"""What a browser gave to a callback, as what it should have been."""

from typing import Any


def text(value: Any) -> str:
    """Return a text; anything else is none."""
    return value if isinstance(value, str) else ""
