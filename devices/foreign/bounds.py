"""Which topics a mapping or an announcement may name."""

from collections.abc import Iterable

LONGEST = 512  # bytes


def is_filter(text: str) -> bool:
    """Return whether a text is an MQTT filter whose first level is a plain name."""
    levels = text.split("/")
    return (
        0 < len(text.encode("utf-8", "replace")) <= LONGEST
        and text.isprintable()
        and levels[0] not in {"", "+", "#"}
        and not text.startswith("$")
        and all(level in {"+", "#"} or not set(level) & {"+", "#"} for level in levels)
        and "#" not in levels[:-1]
    )


def is_topic(text: str) -> bool:
    """Return whether one can publish to a topic of this name."""
    return is_filter(text) and not set(text) & {"+", "#"}


def outside(namespace: str, wanted: str) -> bool:
    """Return whether a filter matches no topic below a namespace."""
    levels = wanted.split("/")
    for at, level in enumerate(namespace.split("/")):
        if at >= len(levels):
            return True
        if levels[at] == "#":
            return False
        if levels[at] not in {"+", level}:
            return True
    return False


def within(trees: Iterable[str], wanted: str) -> bool:
    """Return whether all that a filter matches is in one of these branches of the topic tree."""
    return any(wanted == tree or wanted.startswith(tree + "/") for tree in trees)
