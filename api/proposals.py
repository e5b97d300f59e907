"""Devices that announced themselves over MQTT and wait to be accepted."""

from typing import Annotated

from pydantic import Field

import wiring
from api import shown
from api.models import Answer, Body, Line, Page, Time
from api.routing import Routes
from auth import access, circumstances
from db.models import User
from devices import proposals

routes = Routes("proposals")


class SensorOffered(Answer):
    """A sensor that a device announces."""

    sensor: str
    label: str
    unit: str
    kind: str
    topic: str


class CommandOffered(Answer):
    """Something that a device says it can be asked."""

    name: str
    target: str
    label: str
    part: str
    topic: str


class PartLeftOut(Answer):
    """Something that a device announces and that is not used.

    `reason` is component, template or number; `what` names what is not supported.
    """

    label: str
    reason: str
    what: str


class ProposalShown(Answer):
    """A device as it announced itself; `state` is proposed or changed."""

    id: str
    identity: str
    name: str
    model: str
    kind: str
    state: str
    seen_at: Time
    sensors: list[SensorOffered]
    commands: list[CommandOffered]
    left_out: list[PartLeftOut]


class Accept(Body):
    """What the device shall be called; empty: as it calls itself."""

    name: Annotated[Line, Field(max_length=80)] = ""


@routes.get("/proposals")
def listing(by: User) -> Page[ProposalShown]:
    """List devices that announced themselves.

    Administrators see all, others those whose topics are in branches of devices they manage.
    """
    namespace = wiring.current().settings.mqtt_namespace
    return Page(
        items=[
            ProposalShown(
                id=row.public_id,
                identity=row.identity,
                name=found.name,
                model=found.model,
                kind=proposals.kind_of(found),
                state=row.state,
                seen_at=row.seen_at,
                sensors=[
                    SensorOffered(
                        sensor=one.sensor,
                        label=one.label,
                        unit=one.unit,
                        kind=one.kind,
                        topic=one.topic,
                    )
                    for one in found.sensors()
                ],
                commands=[
                    CommandOffered(
                        name=one.name,
                        target=one.target,
                        label=one.label,
                        part=one.part,
                        topic=one.topic,
                    )
                    for one in found.actions
                ],
                left_out=[
                    PartLeftOut(label=one.label, reason=one.reason, what=one.what)
                    for one in found.left_out
                ],
            )
            for row, found in proposals.listed(by=by, namespace=namespace)
        ]
    )


@routes.post("/proposals/<key:proposal_id>/accept", refusals=(409,))
def accept(proposal_id: str, by: User, body: Accept) -> shown.DeviceShown:
    """Make an announced device yours, with its sensors and commands."""
    parts = wiring.current()
    where = circumstances.of_change()
    device = proposals.accept(
        proposal_id,
        by=by,
        broker=parts.broker,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
        store=parts.store,
        name=body.name,
        **where,
    )
    return shown.device(device, access.level(by, device))


@routes.post("/proposals/<key:proposal_id>/ignore", status=204)
def ignore(proposal_id: str, by: User) -> None:
    """Show a proposal no more."""
    where = circumstances.of_change()
    proposals.ignore(
        proposal_id,
        by=by,
        namespace=wiring.current().settings.mqtt_namespace,
        now=where["now"],
        address=where["address"],
    )
