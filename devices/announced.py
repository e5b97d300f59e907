"""What accepted devices announce: kept as mappings and actions, described in the store."""

from typing import TYPE_CHECKING

from sqlalchemy import delete

from db.base import db
from db.models import Device, ForeignAction, Mapping
from devices.foreign import bounds
from devices.foreign.entities import Action, Foreign
from devices.mappings import MOST, may_read, row

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore


def usable(foreign: Foreign, namespace: str) -> Foreign:
    """Return an announced device without anything that names a topic it may not name."""
    return Foreign(
        foreign.name[:80],
        foreign.model[:160],
        foreign.firmware[:64],
        [one for one in foreign.sources if may_read(one.topic, namespace)][:MOST],
        [one for one in foreign.actions if _may_ask(one.topic, namespace)][:MOST],
        [
            part
            for part in foreign.availability
            if all(may_read(signal.topic, namespace) for signal in part.signals)
        ],
        foreign.left_out,
    )


def replace(device: Device, foreign: Foreign) -> None:
    """Let a device have what it announced last, and keep what people added by hand.

    Stands in the caller's transaction.
    """
    session = db.session
    announced = (Mapping.device_id == device.id, Mapping.announced.is_(True))
    session.execute(delete(Mapping).where(*announced))
    session.execute(delete(ForeignAction).where(ForeignAction.device_id == device.id))
    session.add_all(row(device, source, announced=True) for source in foreign.sources)
    session.add_all(_action(device, action) for action in foreign.actions)


def describe(device: Device, foreign: Foreign, store: "TelemetryStore") -> None:
    """Make the sensors of an announced device known with their units and labels."""
    known = {one.name: one for one in store.series([device.id])[device.id]}
    for source in foreign.sensors():
        series = known.get(source.sensor)
        if series is None:
            if not source.kind:
                continue  # its first value says what it is
            series = store.add_series(device.id, source.sensor, source.kind, source.unit)
        label = source.label if source.label != source.sensor else ""
        if (series.unit, series.label) != (source.unit, label):
            store.describe(series.id, unit=source.unit, label=label)


def _may_ask(topic: str, namespace: str) -> bool:
    return bounds.is_topic(topic) and bounds.outside(namespace, topic)


def _action(device: Device, action: Action) -> ForeignAction:
    return ForeignAction(
        device_id=device.id,
        target=action.target,
        label=action.label[:160],
        part=action.part,
        name=action.name,
        topic=action.topic,
        payload=action.payload,
        templated=action.templated,
        wants_value=action.wants_value,
        low=action.low,
        high=action.high,
        step=action.step,
        options=list(action.options),
        sensor=action.sensor,
        expects=list(action.expects),
    )
