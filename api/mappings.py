"""Further topics of a device: those its sensors are read from, and branches it may use."""

from typing import Annotated, Any

from pydantic import Field

import wiring
from api.models import Answer, Body, Line, Page
from api.routing import Routes
from auth import access, circumstances
from db.models import Level, Mapping, User
from devices import mappings
from devices.foreign.entities import Source

routes = Routes("mappings")

Topic = Annotated[Line, Field(min_length=1, max_length=512)]


class NewMapping(Body):
    """Where a sensor's values come from.

    `path` is a path in a JSON document, such as ENERGY.Power or list[0].value, or a template with
    `value` and `value_json`; empty: the whole payload.  A number is multiplied by `scale`, then
    `offset` is added.
    """

    topic: Topic
    path: Annotated[str, Field(max_length=8192)] = ""
    sensor: Annotated[Line, Field(min_length=1, max_length=64)]
    unit: Annotated[Line, Field(max_length=32)] = ""
    scale: float = 1.0
    offset: float = 0.0
    kind: Annotated[Line, Field(max_length=16)] = ""


class MappingShown(Answer):
    """A mapping; `announced` says that the device asked for it itself."""

    id: str
    topic: str
    path: str
    sensor: str
    label: str
    unit: str
    scale: float
    offset: float
    kind: str
    words: dict[str, Any]
    announced: bool


class Branches(Body):
    """Branches of the topic tree, such as zigbee2mqtt or tele/plug."""

    topics: Annotated[list[Topic], Field(max_length=20)]


class BranchesShown(Answer):
    """Branches that a device may use besides its own topics."""

    topics: list[str]


@routes.get("/devices/<key:device_id>/mappings")
def listing(device_id: str, by: User) -> Page[MappingShown]:
    """List the topics that a device's sensors are read from besides its own."""
    found = mappings.of(access.visible(by, device_id))
    return Page(items=[_shown(mapping) for mapping in found])


@routes.post("/devices/<key:device_id>/mappings")
def add(device_id: str, by: User, body: NewMapping) -> MappingShown:
    """Read a sensor from a topic that was not made for Gatehouse."""
    parts = wiring.current()
    made = mappings.add(
        access.visible(by, device_id, Level.MANAGER),
        Source(
            body.topic,
            body.path,
            body.sensor,
            body.kind,
            unit=body.unit,
            scale=body.scale,
            offset=body.offset,
        ),
        by=by,
        namespace=parts.settings.mqtt_namespace,
        **circumstances.of_change(),
    )
    return _shown(made)


@routes.delete("/devices/<key:device_id>/mappings/<key:mapping_id>")
def remove(device_id: str, mapping_id: str, by: User) -> None:
    """Read a topic no longer; what was read stays."""
    device = access.visible(by, device_id, Level.MANAGER)
    mappings.remove(device, mapping_id, by=by, **circumstances.of_change())


@routes.get("/devices/<key:device_id>/topics")
def branches(device_id: str, by: User) -> BranchesShown:
    """List the branches of the topic tree that a device may use besides its own topics."""
    device = access.visible(by, device_id, Level.MANAGER)
    return BranchesShown(topics=device.topic_trees)


@routes.post("/devices/<key:device_id>/topics", status=200)
def give(device_id: str, by: User, body: Branches) -> BranchesShown:
    """Let a device publish and subscribe in whole branches of the topic tree; for administrators.

    With them a Tasmota plug or a bridge such as Zigbee2MQTT connects under the device's name.
    """
    parts = wiring.current()
    device = access.visible(by, device_id)
    where = circumstances.of_change()
    mappings.give_trees(
        device,
        body.topics,
        by=by,
        broker=parts.broker,
        namespace=parts.settings.mqtt_namespace,
        now=where["now"],
        address=where["address"],
    )
    return BranchesShown(topics=device.topic_trees)


def _shown(mapping: Mapping) -> MappingShown:
    return MappingShown(
        id=mapping.public_id,
        topic=mapping.topic,
        path=mapping.template,
        sensor=mapping.sensor,
        label=mapping.label,
        unit=mapping.unit,
        scale=mapping.scale,
        offset=mapping.offset,
        kind=mapping.kind,
        words=mapping.words,
        announced=mapping.announced,
    )
