"""What the entities in Home Assistant's files are called as sensors, and what they may be.

An entity is called so in every file: `sensor.garage` and `binary_sensor.garage` stay two sensors
also if they come in one after the other.
"""

from collections.abc import Collection, Mapping

TWINS = {"sensor": "binary_sensor", "binary_sensor": "sensor"}


def name_of(entity: str, entities: Collection[str], known: Mapping[str, str]) -> str:
    """Return what the sensor of an entity is called: without its domain where that is clear.

    That a sensor of the device is a state says which of two twins it is; entities of all other
    domains keep theirs.

    Args:
        entity: its id, such as `sensor.garage`.
        entities: all of the file.
        known: kinds of the device's sensors, by name.
    """
    domain, _, plain = entity.partition(".")
    if entity in known or domain not in TWINS or not plain:
        return entity
    if plain in known:
        return plain if (known[plain] == "state") == (domain == "binary_sensor") else entity
    twin = f"{TWINS[domain]}.{plain}"
    return entity if twin in entities or twin in known else plain


def kinds_of(entity: str) -> tuple[str, ...]:
    """Return what the sensor of an entity may be; the last is what it is if its cells say none."""
    domain = entity.partition(".")[0]
    if domain == "binary_sensor":
        return ("state",)
    return ("number", "text") if domain == "sensor" else ("number", "state", "text")
