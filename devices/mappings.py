"""Gives devices further topics: whole branches to use, and single ones to read sensors from.

Whoever manages a device may map what lies in a branch that a device of theirs was given;
administrators, who give branches, may map any topic outside the namespace.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from auth import access
from db.base import db, transaction
from db.models import Device, Grant, Level, Mapping, User
from devices import admission
from devices.changes import note
from devices.foreign import bounds, grammar, paths
from devices.foreign.entities import Source
from devices.foreign.reader import Reader, Said
from devices.parsing import NAME
from devices.ports import BrokerAdmin, LiveBus, LiveEvent
from errors import Conflict, Forbidden, Invalid, NotFound
from notify.mark import N_

if TYPE_CHECKING:
    pass

MOST = 400  # mappings of a device
MOST_TREES = 20
KINDS = {"", "number", "state", "text"}


def of(device: Device) -> Sequence[Mapping]:
    """Return the mappings of a device, in the order in which they are read."""
    query = select(Mapping).where(Mapping.device_id == device.id).order_by(Mapping.id)
    return db.session.scalars(query).all()


def add(
    device: Device,
    source: Source,
    *,
    by: User,
    now: datetime,
    namespace: str,
    bus: LiveBus,
    address: str = "",
) -> Mapping:
    """Read a sensor of a device from a topic, from now on.

    Raises:
        NotFound, Forbidden: `by` does not manage the device, or may not read the topic.
        Invalid: a topic, a path, a name or a number cannot be used.
    """
    _check(source, namespace)
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        _check_right(by, source.topic)
        if len(of(device)) >= MOST:
            raise Invalid("too_many_mappings", N_("A device has at most %(most)s."), most=MOST)
        mapping = row(device, source, announced=False)
        session.add(mapping)
        note(device, by, "mapping.add", now, address, topic=source.topic, sensor=source.sensor)
    tell(bus, device)
    return mapping


def change(
    device: Device,
    public_id: str,
    wanted: dict[str, Any],
    *,
    by: User,
    now: datetime,
    namespace: str,
    bus: LiveBus,
    address: str = "",
) -> bool:
    """Change a mapping that a person made; returns False if it was so already.

    Args:
        device: whose mapping.
        public_id: of the mapping.
        wanted: any of topic, path, sensor, kind, unit, scale and offset.
        by: who manages the device.
        now: when.
        namespace: MQTT_NAMESPACE.
        bus: told of it.
        address: of the request, for the audit log.

    Raises:
        NotFound, Forbidden: `by` does not manage the device, may not read the topic, or there is
            no such mapping.
        Conflict: the device announces this mapping itself.
        Invalid: a value cannot be used.
    """
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        mapping = _find(device, public_id)
        if mapping.announced:
            raise Conflict("mapping_announced", N_("The device announces this mapping itself."))
        given = {"template" if name == "path" else name: value for name, value in wanted.items()}
        before = source_of(mapping)
        source = replace(before, **given)
        _check(source, namespace)
        _check_right(by, source.topic)
        if source == before:
            return False
        for name, value in given.items():
            setattr(mapping, name, value)
        session.flush()
        note(device, by, "mapping.change", now, address, topic=source.topic, sensor=source.sensor)
    tell(bus, device)
    return True


def tried(sources: Sequence[Source], topic: str, payload: str) -> Said:
    """Return what a message would come to, without taking it in."""
    return Reader(sources).take(topic, payload.encode("utf-8", "replace"))


def remove(
    device: Device, public_id: str, *, by: User, now: datetime, bus: LiveBus, address: str = ""
) -> None:
    """Read a topic no longer; what it said stays.

    Raises:
        NotFound, Forbidden: `by` does not manage the device, or there is no such mapping.
    """
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        mapping = _find(device, public_id)
        note(device, by, "mapping.remove", now, address, topic=mapping.topic)
        session.delete(mapping)
    tell(bus, device)


def give_trees(
    device: Device,
    trees: Collection[str],
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin,
    namespace: str,
    address: str = "",
) -> None:
    """Let a device use whole branches of the topic tree besides its own, such as `zigbee2mqtt`.

    The broker lets it publish and subscribe below each of them when this returns.

    Raises:
        Forbidden: `by` is no administrator.
        Invalid: a branch cannot be given.
    """
    if not by.is_admin:
        raise Forbidden("admins_only", N_("Only administrators may do that."))
    wanted = sorted({tree.strip().strip("/") for tree in trees})
    usable = all(
        bounds.is_topic(tree) and bounds.outside(namespace, f"{tree}/#") for tree in wanted
    )
    if not usable or len(wanted) > MOST_TREES:
        raise Invalid("topic_invalid", N_("This topic cannot be used."), field="trees")
    with transaction():
        device.topic_trees = wanted
        note(device, by, "device.topics", now, address, trees=wanted)
    admission.follow(broker, device.id)


def may_use(user: User, topics: Collection[str]) -> bool:
    """Return whether all these topics are in branches of devices that a person manages."""
    if user.is_admin:
        return True
    given = db.session.scalars(
        select(Device.topic_trees)
        .join(Grant, Grant.device_id == Device.id)
        .where(Grant.user_id == user.id, Grant.level >= Level.MANAGER)
    )
    trees = {tree for several in given for tree in several}
    return all(bounds.within(trees, topic) for topic in topics)


def row(device: Device, source: Source, *, announced: bool) -> Mapping:
    """Return a source as it is stored."""
    return Mapping(
        device_id=device.id,
        topic=source.topic,
        template=source.template,
        sensor=source.sensor,
        kind=source.kind,
        label=source.label[:160],
        unit=source.unit[:32],
        words=dict(source.words),
        scale=source.scale,
        offset=source.offset,
        off_delay=source.off_delay,
        announced=announced,
    )


def may_read(topic: str, namespace: str) -> bool:
    """Return whether a device may be read from a topic."""
    return bounds.is_filter(topic) and bounds.outside(namespace, topic)


def tell(bus: LiveBus, device: Device) -> None:
    """Have whoever listens look again at what the device is read from."""
    bus.publish([LiveEvent(device.public_id, "device", {"change": "mappings"})])


def source_of(mapping: Mapping) -> Source:
    """Return a stored mapping as it is read."""
    return Source(
        mapping.topic,
        mapping.template,
        mapping.sensor,
        mapping.kind,
        mapping.label,
        mapping.unit,
        mapping.words,
        mapping.scale,
        mapping.offset,
        mapping.off_delay,
    )


def _find(device: Device, public_id: str) -> Mapping:
    mapping = db.session.scalar(
        select(Mapping).where(Mapping.device_id == device.id, Mapping.public_id == public_id)
    )
    if mapping is None:
        raise NotFound("mapping_not_found", N_("There is no such mapping."))
    return mapping


def _check_right(by: User, topic: str) -> None:
    if not may_use(by, [topic]):
        raise Forbidden(
            "topic_not_yours",
            N_("This topic belongs to none of your devices. An administrator may map it."),
        )


def _check(source: Source, namespace: str) -> None:
    if not may_read(source.topic, namespace):
        raise Invalid("topic_invalid", N_("This topic cannot be used."), field="topic")
    written = source.template
    if not grammar.is_template(written) and paths.steps(written) is None:
        raise Invalid("path_invalid", N_("This path cannot be used."), field="path")
    if strange := grammar.unsupported(written):
        raise Invalid(
            "template_unsupported",
            N_("This template cannot be used: %(what)s."),
            what=strange,
            field="path",
        )
    if not NAME.fullmatch(source.sensor):
        raise Invalid(
            "sensor_name_invalid",
            N_("A sensor's name has 1 to 64 letters, digits, '_', '.' or '-'."),
            field="sensor",
        )
    if source.kind not in KINDS or len(source.unit) > 32 or not source.unit.isprintable():
        raise Invalid("unit_invalid", N_("This unit or kind cannot be used."), field="unit")
    if not (isfinite(source.scale) and isfinite(source.offset)) or source.scale == 0:
        raise Invalid("scale_invalid", N_("This scale cannot be used."), field="scale")
