"""What foreign devices can be asked, what they are sent, and how their state says it is done."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isclose
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, or_, select
from sqlalchemy.orm import Session

from auth import access
from db.base import db, transaction
from db.models import Command, Device, ForeignAction, Proposal
from devices import progress, set_points
from devices.foreign.template import fill
from devices.ports import LiveBus
from errors import Invalid
from notify.mark import N_

REMEMBERED = timedelta(seconds=60)  # a state that comes later says nothing about the command


@dataclass(frozen=True, slots=True)
class Offered:
    """One part of a foreign device and all that it can be asked."""

    target: str
    label: str
    actions: tuple[ForeignAction, ...]


def offered(devices: Collection[int]) -> dict[int, list[Offered]]:
    """Return the parts of each foreign device in this collection of ids, in two queries."""
    foreign = db.session.scalars(select(Proposal.device_id).where(Proposal.device_id.in_(devices)))
    found: dict[int, dict[str, list[ForeignAction]]] = {one: {} for one in foreign if one}
    query = select(ForeignAction).where(ForeignAction.device_id.in_(devices))
    for action in db.session.scalars(query.order_by(ForeignAction.id)):
        found.setdefault(action.device_id, {}).setdefault(action.target, []).append(action)
    return {
        device_id: [
            Offered(target, actions[0].label or target, tuple(actions))
            for target, actions in parts.items()
        ]
        for device_id, parts in found.items()
    }


def is_foreign(device_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a device was not made for us: it has actions or was announced."""
    return or_(
        exists().where(ForeignAction.device_id == device_id),
        exists().where(Proposal.device_id == device_id),
    )


def action_for(session: Session, device_id: int, name: str, params: Any) -> ForeignAction:
    """Return what a command means to a foreign device.

    Raises:
        Invalid: the device cannot do that, or it is not said with which of its parts.
    """
    query = select(ForeignAction).where(ForeignAction.device_id == device_id)
    known = session.scalars(query.order_by(ForeignAction.id)).all()
    target = params.get("target")
    found = [one for one in known if one.name == name and target in {None, one.target, one.label}]
    if not found:
        raise Invalid("command_unknown", N_("This device cannot do that."), field="name")
    if len(found) > 1:
        raise Invalid(
            "target_needed",
            N_("Say which part is meant: %(targets)s."),
            targets=", ".join(one.target for one in found),
            field="params",
        )
    return found[0]


def payload(action: ForeignAction, params: dict[str, Any]) -> bytes:
    """Return what is published.

    Raises:
        Invalid: the value is missing, or outside of what the device takes.
    """
    if not action.wants_value:
        text = fill(action.payload, "") if action.templated else action.payload
    else:
        text = fill(action.payload, _value(action, params.get("value")))
    if text is None:
        raise set_points.refused()
    return text.encode()


def listeners(session: Session, topic: str) -> list[str]:
    """Return the broker's users who were given a branch with this topic in it."""
    given = session.execute(
        select(Device.mqtt_username, Device.topic_trees).where(
            cast(Device.topic_trees, String) != "[]", access.ADMITTED
        )
    )
    return [
        username
        for username, trees in given
        if any(f"{topic}/".startswith(f"{one}/") for one in trees)
    ]


def confirm(device_id: int, sensor: str, value: float | str, *, bus: LiveBus, now: datetime) -> int:
    """Close commands that a sensor's value shows to be done; return how many."""
    recent = db.session.scalars(
        select(Command).where(
            Command.device_id == device_id,
            Command.awaits.is_(True),
            Command.state.in_((*progress.UNDERWAY, *progress.UNSURE)),
            Command.asked_at > now - REMEMBERED,
        )
    ).all()
    done = 0
    for command in recent:
        if _shows(device_id, command, sensor, value):
            done += progress.move(
                transaction,
                command.id,
                "done",
                since=(*progress.UNDERWAY, *progress.UNSURE),
                bus=bus,
                now=now,
                answered_at=now,
            )
    return done


def _shows(device_id: int, command: Command, sensor: str, value: float | str) -> bool:
    try:
        action = action_for(db.session(), device_id, command.name, command.params)
    except Invalid:
        return False  # the device announced other parts since
    if action.sensor != sensor:
        return False
    asked = command.params.get("value")
    return any(_same(asked if one is None else one, value) for one in action.expects)


def _same(wanted: Any, value: float | str) -> bool:
    if isinstance(wanted, int | float) and isinstance(value, int | float):
        return isclose(wanted, value, abs_tol=1e-6)
    return str(wanted) == str(value)


def _value(action: ForeignAction, value: Any) -> str | int | float:
    label = action.label or action.target
    if action.options or action.low is None or action.high is None:
        return set_points.word(value, label=label, options=action.options)
    return set_points.number(value, label=label, low=action.low, high=action.high, step=action.step)
