"""Devices that announced themselves over MQTT: collected, shown, accepted or ignored.

An accepted device may say anew what it measures at any time.  Topics on which it wants to be
asked are another matter: a person has to agree to new ones.
"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from auth import audit
from auth.keys import Keys
from db.base import db, transaction
from db.models import Device, ForeignAction, Kind, Proposal, User
from devices import announced, mappings, registry
from devices.changes import note
from devices.foreign import announcements
from devices.foreign.entities import Foreign
from devices.ports import BrokerAdmin, LiveBus
from errors import Conflict, NotFound
from notify.mark import N_

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore

MOST = 1000  # proposals; who floods us with more is not heard
MOST_CONFIGS = 250  # announcements of one device
SILENT_S = 3600  # foreign devices report when they like
KINDS = {"lock": Kind.LOCK, "cover": Kind.GATE, "valve": Kind.GATE, "light": Kind.LED}


def announce(
    topic: str,
    payload: str,
    *,
    namespace: str,
    store: "TelemetryStore",
    bus: LiveBus,
    now: datetime,
) -> None:
    """Take down what was announced on a topic; an empty payload takes it back."""
    changed: list[tuple[Device, Foreign]] = []
    if not topic.isprintable() or set(topic) & {'"', "\\"}:
        return  # the column could not be searched for it
    with transaction() as session:
        identity = announcements.identity(topic, payload) if payload else None
        holder = _holding(session, topic)
        if holder and holder.identity != identity:
            if payload and not identity:
                return  # nonsense takes nothing back
            _take_back(holder, topic)
            changed += _update(session, holder, namespace)
        if identity:
            proposal = _known(session, identity, topic, now)
            if proposal:
                configs = dict(proposal.configs)
                configs[topic] = announcements.merged(topic, configs.get(topic, ""), payload)
                if configs != proposal.configs and len(configs) <= MOST_CONFIGS:
                    proposal.configs = configs
                    proposal.seen_at = now
                    changed += _update(session, proposal, namespace)
    for device, foreign in changed:
        announced.describe(device, foreign, store)
        mappings.tell(bus, device)


def listed(*, by: User, namespace: str) -> list[tuple[Proposal, Foreign]]:
    """Return the devices that wait for an answer, newest first, as far as `by` may see them."""
    rows = db.session.scalars(
        select(Proposal)
        .where(
            or_(
                Proposal.state.in_(("proposed", "changed")),
                and_(Proposal.state == "accepted", Proposal.device_id.is_(None)),  # deleted since
            )
        )
        .order_by(Proposal.first_at.desc(), Proposal.id.desc())
    )
    return [(row, found) for row in rows if (found := _seen(row, by, namespace))]


def accept(
    public_id: str,
    *,
    by: User,
    now: datetime,
    broker: BrokerAdmin,
    keys: Keys,
    namespace: str,
    store: "TelemetryStore",
    bus: LiveBus,
    name: str = "",
    address: str = "",
) -> Device:
    """Make an announced device one of `by`'s, with its sensors and commands.

    Raises:
        NotFound: there is no such proposal, or it is not for this person.
        Conflict: device_name_taken, or proposal_settled.
        Invalid: the name cannot be used.
    """
    proposal, foreign = _find(public_id, by, namespace)
    if proposal.state == "accepted" and proposal.device_id is not None:
        raise Conflict("proposal_settled", N_("This device has been accepted already."))
    device = proposal.device
    if device is None:
        device = registry.create(
            name or foreign.name or proposal.identity,
            kind_of(foreign),
            by=by,
            now=now,
            broker=broker,
            keys=keys,
            namespace=namespace,
            address=address,
            bus=bus,
        ).device
    with transaction() as session:
        proposal.device = device
        device.firmware = foreign.firmware
        device.expected_interval_s = SILENT_S
        announced.replace(device, foreign)  # this much was agreed to; more may have come since
        session.flush()
        changed = _update(session, proposal, namespace)
        note(device, by, "proposal.accept", now, address, identity=proposal.identity)
    for _, newest in changed:
        announced.describe(device, newest, store)
    mappings.tell(bus, device)
    return device


def ignore(public_id: str, *, by: User, now: datetime, namespace: str, address: str = "") -> None:
    """Show a proposal no more; one that was accepted stays as it was.

    Raises:
        NotFound: there is no such proposal, or it is not for this person.
    """
    proposal, _ = _find(public_id, by, namespace)
    with transaction() as session:
        proposal.state = "ignored" if proposal.device_id is None else "accepted"
        audit.record(
            session,
            "proposal.ignore",
            user=by,
            object_type="proposal",
            object_id=proposal.public_id,
            address=address,
            now=now,
            identity=proposal.identity,
        )


def kind_of(foreign: Foreign) -> Kind:
    """Return what an announced device is, by the parts that can be asked something."""
    parts = {action.part for action in foreign.actions}
    for part, kind in KINDS.items():
        if part in parts:
            return kind
    return Kind.OTHER if parts else Kind.SENSOR


def _seen(proposal: Proposal, by: User, namespace: str) -> Foreign | None:
    """Return the device of a proposal, if it is one and this person may see it."""
    foreign = announcements.understand(proposal.configs)
    if foreign is None:
        return None
    found = announced.usable(foreign, namespace)
    return found if mappings.may_use(by, found.topics()) else None


def _find(public_id: str, by: User, namespace: str) -> tuple[Proposal, Foreign]:
    proposal = db.session.scalar(select(Proposal).where(Proposal.public_id == public_id))
    foreign = _seen(proposal, by, namespace) if proposal else None
    if proposal is None or foreign is None:
        raise NotFound("proposal_not_found", N_("There is no such proposal."))
    return proposal, foreign


def _holding(session: Session, topic: str) -> Proposal | None:
    """Return the proposal that something on this topic belongs to."""
    return session.scalar(select(Proposal).where(Proposal.configs[topic].as_string().is_not(None)))


def _known(session: Session, identity: str, topic: str, now: datetime) -> Proposal | None:
    """Return the proposal of a device, a new one if need be; None: there are too many."""
    found = session.scalar(select(Proposal).where(Proposal.identity == identity[:255]))
    if found or (session.scalar(select(func.count()).select_from(Proposal)) or 0) >= MOST:
        return found
    if announcements.is_plain(topic) and _announced_itself(session, topic):
        return None
    found = Proposal(identity=identity[:255], name="", configs={}, first_at=now, seen_at=now)
    session.add(found)
    session.flush()
    return found


def _announced_itself(session: Session, topic: str) -> bool:
    """Return whether a device that speaks on this topic announced itself properly."""
    others = session.scalars(select(Proposal).where(Proposal.identity.startswith("tasmota:")))
    described = (announcements.understand(one.configs) for one in others)
    return any(topic in found.topics() for found in described if found)


def _take_back(proposal: Proposal, topic: str) -> None:
    configs = {name: text for name, text in proposal.configs.items() if name != topic}
    if announcements.ends_device(topic):
        configs = {}
    proposal.configs = configs


def _update(session: Session, proposal: Proposal, namespace: str) -> list[tuple[Device, Foreign]]:
    """Follow a change of what was announced; return the device if it is one of ours."""
    understood = announcements.understand(proposal.configs)
    foreign = announced.usable(understood, namespace) if understood else Foreign("")
    device = proposal.device
    if understood is None and device is None:
        session.delete(proposal)
        return []
    proposal.name, proposal.model = foreign.name or proposal.name, foreign.model or proposal.model
    if device is None:
        if proposal.state != "ignored":
            proposal.state = "proposed"
        return []
    agreed = set(
        session.scalars(select(ForeignAction.topic).where(ForeignAction.device_id == device.id))
    )
    fresh = {action.topic for action in foreign.actions} - agreed
    proposal.state = "changed" if fresh else "accepted"
    foreign.actions = [action for action in foreign.actions if action.topic not in fresh]
    proposal.presence = _presence(foreign)
    announced.replace(device, foreign)
    return [(device, foreign)]


def _presence(foreign: Foreign) -> dict[str, object]:
    return {"availability": [asdict(part) for part in foreign.availability]}
