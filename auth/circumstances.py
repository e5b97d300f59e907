"""What surrounds a request besides who asks, as keyword arguments of services."""

from typing import Any

import wiring
from auth.sessions import client_address
from clock import utcnow


def of_push() -> dict[str, Any]:
    """Return when and from where it is asked, and the way of a configuration to its device."""
    parts = wiring.current()
    return {
        "store": parts.store,
        "publisher": parts.publisher,
        "keys": parts.keys,
        "namespace": parts.settings.mqtt_namespace,
        "now": utcnow(),
        "address": client_address(),
    }
