"""Which topics a mapping or an announcement may name."""

from collections.abc import Iterable

from mqtt.topics import DEVICE_READS, DEVICE_WRITES

LONGEST = 512  # bytes
OURS = frozenset(rest.split("/")[0] for rest in (*DEVICE_WRITES, *DEVICE_READS))


def is_filter(text: str) -> bool:
    """Return whether a text is an MQTT filter that is not the whole tree or the broker's own."""
    levels = text.split("/")
    return (
        0 < len(text.encode("utf-8", "replace")) <= LONGEST
        and text.isprintable()
        and levels[0] not in {"", "#"}
        and not text.startswith("$")
        and all(level in {"+", "#"} or not set(level) & {"+", "#"} for level in levels)
        and "#" not in levels[:-1]
    )


def is_topic(text: str) -> bool:
    """Return whether one can publish to a topic of this name."""
    return is_filter(text) and not set(text) & {"+", "#"}


def outside(namespace: str, wanted: str) -> bool:
    """Return whether a filter matches no topic of our own devices, which lie below a namespace.

    Gateways announce `+/+/BTtoMQTT/<address>`, whatever their own topics begin with: what lies
    between our namespace and a name that is none of ours does not exist.
    """
    levels, ours = wanted.split("/"), namespace.split("/")
    for at, level in enumerate(ours):
        if at >= len(levels):
            return True
        if levels[at] == "#":
            return False
        if levels[at] not in {"+", level}:
            return True
    rest = levels[len(ours) + 1 :]
    return levels[0] == "+" and bool(rest) and rest[0] not in OURS | {"+", "#"}


def within(trees: Iterable[str], wanted: str) -> bool:
    """Return whether all that a filter matches is in one of these branches of the topic tree."""
    return any(wanted == tree or wanted.startswith(tree + "/") for tree in trees)
