"""Which messages announce devices, of whatever kind, and what they announce."""

from collections.abc import Mapping

from devices.foreign import discovery, tasmota
from devices.foreign.entities import Foreign

FILTERS = (*discovery.FILTERS, *tasmota.FILTERS)
WAYS = (discovery, tasmota)


def is_one(topic: str) -> bool:
    """Return whether a message on this topic may announce a device."""
    return any(way.is_ours(topic) for way in WAYS)


def identity(topic: str, payload: str) -> str | None:
    """Return what tells the announced device from others; None: this announces nothing."""
    return next((found for way in WAYS if (found := way.identity(topic, payload))), None)


def understand(configs: Mapping[str, str]) -> Foreign | None:
    """Return the device that these messages, payload by topic, announce together."""
    return next((found for way in WAYS if (found := way.understand(configs))), None)
