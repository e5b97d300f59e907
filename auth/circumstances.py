"""What surrounds a request besides who asks, as keyword arguments of services."""

from typing import Any

from flask import request

import wiring
from auth.sessions import client_address
from clock import utcnow


def of_change() -> dict[str, Any]:
    """Return when and from where it is asked, and who tells open pages of it."""
    return {**_of_asking(), "bus": wiring.current().bus}


def of_push() -> dict[str, Any]:
    """Return when and from where it is asked, and the way of a configuration to its device."""
    parts = wiring.current()
    return {
        "store": parts.store,
        "publisher": parts.publisher,
        "keys": parts.keys,
        "namespace": parts.settings.mqtt_namespace,
        **_of_asking(),
    }


def of_refusal() -> dict[str, Any]:
    """Return when, from where and for what page it is asked that is refused."""
    return {"path": request.path, **_of_asking()}


def _of_asking() -> dict[str, Any]:
    return {"now": utcnow(), "address": client_address()}
