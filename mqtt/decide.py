"""Who may publish and subscribe to what: one pure function for every kind of broker."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from devices.ports import BrokerIdentity
from mqtt import topics


class Action(enum.StrEnum):
    """What a client wants to do with a topic."""

    READ = "read"  # subscribe to it and receive from it
    WRITE = "write"  # publish to it


READ, WRITE = Action.READ, Action.WRITE


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing that a client may do."""

    action: Action
    filter: str  # an MQTT topic filter


def of_device(identity: BrokerIdentity, namespace: str) -> list[Grant]:
    """Return everything that a device may do: its own topics, and what it was given besides."""
    own = identity.controller_id
    return [
        *(Grant(WRITE, topics.of(namespace, own, rest)) for rest in topics.DEVICE_WRITES),
        *(Grant(READ, topics.of(namespace, own, rest)) for rest in topics.DEVICE_READS),
        *(Grant(READ, topic) for topic in identity.reads),
        *(Grant(action, f"{tree}/#") for tree in identity.trees for action in (READ, WRITE)),
    ]


def decide(identity: BrokerIdentity, action: Action, topic: str, *, namespace: str) -> bool:
    """Return whether a device may do this.

    Args:
        identity: of the device that asks, its password already checked.
        action: to publish or to subscribe.
        topic: a topic to publish to, or the filter of a subscription.
        namespace: the prefix of all topics.
    """
    return allowed(of_device(identity, namespace), action, topic)


def allowed(grants: Iterable[Grant], action: Action, topic: str) -> bool:
    """Return whether one of the grants covers a topic, or a whole filter to subscribe to."""
    if action is WRITE and ("+" in topic or "#" in topic):
        return False
    return any(grant.action is action and covers(grant.filter, topic) for grant in grants)


def covers(wide: str, narrow: str) -> bool:
    """Return whether everything that `narrow` matches is matched by `wide` too."""
    if wide.startswith(("+", "#")) and narrow.startswith("$"):
        return False  # as MQTT says: a leading wildcard leaves the broker's own topics out
    ours, theirs = wide.split("/"), narrow.split("/")
    for at, level in enumerate(ours):
        if level == "#":
            return True
        if at >= len(theirs) or theirs[at] == "#":
            return False
        if level not in {"+", theirs[at]}:
            return False
    return len(ours) == len(theirs)
