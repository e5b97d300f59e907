"""Which messages announce devices, of whatever kind, and what they announce."""

import json
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
    if not _storable(payload):
        return None
    return next((found for way in WAYS if (found := way.identity(topic, payload))), None)


def understand(configs: Mapping[str, str]) -> Foreign | None:
    """Return the device that these messages, payload by topic, announce together."""
    return next((found for way in WAYS if (found := way.understand(configs))), None)


def is_plain(topic: str) -> bool:
    """Return whether a topic gives a device away that announces nothing."""
    return tasmota.is_plain(topic)


def ends_device(topic: str) -> bool:
    """Return whether an empty message on a topic takes back the whole device."""
    return tasmota.ends_device(topic)


def merged(topic: str, before: str, payload: str) -> str:
    """Return what is to be known of a topic after another message on it."""
    return tasmota.merged(topic, before, payload) if is_plain(topic) else payload


def shape(topic: str, payload: str) -> str:
    """Return what of a message makes a difference; equal shapes need to be seen once."""
    return tasmota.merged(topic, "", payload, shape=True) if is_plain(topic) else payload


def _storable(payload: str) -> bool:
    """Return whether both engines can keep all texts of a payload: no NUL, no half characters."""
    try:
        text = json.dumps(json.loads(payload), ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        return False
    except (ValueError, RecursionError):
        return "\0" not in payload
    return "\\u0000" not in text
