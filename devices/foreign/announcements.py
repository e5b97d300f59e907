"""Which messages announce devices, of whatever kind, and what they announce."""

import json
from collections.abc import Mapping

from devices.foreign import discovery, tasmota
from devices.foreign.entities import Foreign

WAYS = (discovery, tasmota)


def filters(prefix: str) -> frozenset[str]:
    """Return the filters of all topics on which devices are announced.

    Args:
        prefix: DISCOVERY_PREFIX.
    """
    return frozenset((*discovery.filters(prefix), *tasmota.FILTERS))


def kept_as(topic: str, prefix: str) -> str | None:
    """Return the topic that an announcement is kept under; None: nothing is announced on this.

    It does not depend on the prefix, so what was announced is understood after that has changed.

    Args:
        topic: of a message.
        prefix: DISCOVERY_PREFIX.
    """
    return topic if tasmota.is_ours(topic) else discovery.kept_as(topic, prefix)


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
