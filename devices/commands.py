"""Asks devices to do something, and follows what comes of it.

The row is committed before anything is sent, so nothing happens that nobody asked for.  A
command goes out once: a repeated key finds the first row, and the publisher never sends later.
"""

import re
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select
from sqlalchemy.orm import Session, aliased, make_transient_to_detached

from auth import access, audit
from auth.keys import Keys
from clock import utcnow
from db.base import Begin, db, elsewhere, transaction
from db.models import Command, Device, Level, User
from devices import asking, handshake, orders, progress, rights, set_points, signing
from devices.orders import Order
from devices.ports import LiveBus, Publisher
from devices.rights import Right
from errors import Conflict, NotFound
from notify.mark import N_

ANSWER_GRACE = timedelta(milliseconds=500)  # for the way back of an answer
AT_BROKER = timedelta(seconds=2)  # so long a broker may keep what shall expire as soon as it can
# what anybody who may operate a device may ask of it; other names are for those who manage it
KNOWN = frozenset(
    {"unlock", "lock", "open", "close", "stop", "on", "off", "set", "restart"}
    | {"press", "position", "brightness"}  # of devices that were not written for us
)
ANSWERS = frozenset({"done", "refused", "failed"})
IDENTITY = re.compile(r"[0-9a-f-]{36}")
AWAY = "broker not reachable"  # a detail
USED_UP = "the lock has not logged in again since it was opened"
DETAIL = 256  # characters
# a door waits for these, so they are built once, and few
WISH = select(
    select(Command.id)
    .where(Command.device_id == bindparam("device"), Command.idempotency_key == bindparam("key"))
    .scalar_subquery(),
    access.owner_is_off(bindparam("device", type_=Device.id.type)),
    *orders.LANGUAGE,
)
ROW = insert(Command).returning(Command.id)


@dataclass(frozen=True, slots=True)
class Price:
    """What a wish costs whoever makes it, such as a use of a link.

    Attributes:
        pay: called once for a new wish, in the transaction that writes it down; what it raises
            refuses the wish.
        give_back: called in a transaction of any thread, at most once, if the wish certainly
            reached nobody.
    """

    pay: Callable[[Session], None]
    give_back: Callable[[Session], None]


def ask(
    device: Device,
    name: str,
    params: dict[str, Any],
    *,
    by: User,
    via: str,
    key: str,
    address: str,
    publisher: Publisher,
    keys: Keys,
    bus: LiveBus,
    namespace: str,
    now: datetime,
    expires_in_s: float | None = None,
    actor: str = "",
    right: Right | None = None,
    price: Price | None = None,
) -> Command:
    """Ask a device to do something; returns at once.

    Args:
        device: who shall do it.
        name: what, such as "unlock".
        params: with what; JSON-ready.
        by: whose right it is.
        via: the channel: page, api, guest, app or cli.
        key: made by the caller for this one wish; the same key again returns the first command
            and sends nothing.
        address: of the request.
        publisher: the way to the broker.
        keys: from which the signature's key follows.
        bus: told of every change of the state.
        namespace: MQTT_NAMESPACE.
        now: when it is asked.
        expires_in_s: seconds in which it must begin, at most signing.LONGEST_S.
        actor: who asks, in words, if it is not `by` in person.
        right: by which right, if it is not `by` in person.
        price: what it costs, if anything.

    Raises:
        NotFound, Forbidden: `by` may not do this.
        Invalid: the name, the parameters or the time cannot be used, it is not said which part
            is meant, or the part does not take the value that it shall be set to.
        Conflict: device_revoked, or owner_disabled.
    """
    signing.check_name(name)
    body = signing.canonical(params)
    lifetime = signing.lifetime(expires_in_s)
    with transaction(fresh=False) as session:  # each check below asks anew
        level = access.require(by, device, Level.OPERATOR if name in KNOWN else Level.MANAGER)
        about = {"device": device.id, "key": key}
        first, owner_is_off, foreign, rotating = session.connection().execute(WISH, about).one()
        if first is not None:
            return session.get_one(Command, first)
        if device.revoked_at is not None:
            raise Conflict(*access.REVOKED)
        if owner_is_off:
            raise Conflict(*access.OWNER_OFF)
        if not foreign:
            set_points.check_target(name, params)
        if name == "set":
            set_points.check(device, params)
        if price is not None:
            price.pay(session)
        right = right or rights.of_person(session, device, by, level)
        command = _insert(
            session,
            public_id=str(uuid.uuid4()),
            device_id=device.id,
            user_id=by.id,
            actor=actor or by.email,
            by_right=right.kind,
            right_id=right.id,
            right_label=right.label,
            via=via,
            address=address,
            idempotency_key=key,
            name=name,
            params=params,
            state="queued",
            asked_at=now,
            expires_at=now + lifetime,
        )
        audit.record(
            session,
            "command",
            user=by,
            actor=actor,
            object_type="device",
            object_id=device.public_id,
            address=address,
            now=now,
            name=name,
            via=via,
            right=right.kind,
            command=command.public_id,
        )
        order = orders.prepare(
            session,
            command,
            body,
            foreign=foreign,
            rotating=rotating,
            keys=keys,
            namespace=namespace,
            now=now,
        )
    _send(command, order, price, publisher, bus)
    return command


def answer(device: Device, payload: dict[str, Any], *, bus: LiveBus, now: datetime) -> bool:
    """Take a device's answer; returns False if it belongs to no command that waits for one.

    An answer counts only from the device that was asked, and only once.  One that comes after
    the time is over still counts: the device says what it did.
    """
    status, public_id = payload.get("status"), payload.get("id")
    if not (isinstance(status, str) and isinstance(public_id, str)):
        return False
    if status not in ANSWERS or not IDENTITY.fullmatch(public_id):
        return False
    asked = db.session.scalar(
        select(Command.id).where(Command.public_id == public_id, Command.device_id == device.id)
    )
    if asked is None:
        return False
    return progress.move(
        transaction,
        asked,
        status,
        since=(*progress.UNDERWAY, *progress.UNSURE),
        bus=bus,
        now=now,
        detail=_plain(payload.get("detail")),
        answered_at=now,
    )


def settle(*, bus: LiveBus, now: datetime) -> int:
    """Close commands whose time is over and return how many; cheap when there are none.

    Whoever is not expected to answer has been told, as far as anybody can know, unless it was
    known to be away.
    """
    over = db.session.execute(
        select(Command.id, Command.state).where(
            Command.state.in_(progress.UNDERWAY),
            Command.answered_at.is_(None),  # a simple lock that logged in again says no more
            or_(
                Command.awaits.is_(True), Command.state == "queued", Command.detail == progress.DEAF
            ),
            Command.expires_at <= now - ANSWER_GRACE,
            Command.asked_at <= now - AT_BROKER,
        )
    ).all()
    closed = 0
    for identity, state in over:
        end = "expired" if state == "queued" else "no_answer"
        move = partial(progress.move, transaction, identity, end, since=(state,), bus=bus, now=now)
        closed += move(detail="")  # whether it came back meanwhile, nobody knows
    return closed


def recent(device: Device, *, limit: int, before: int | None = None) -> Sequence[Command]:
    """Return the newest commands of a device, newest first; `before` is an id to go on from."""
    query = select(Command).where(Command.device_id == device.id)
    if before is not None:
        query = query.where(Command.id < before)
    return db.session.scalars(query.order_by(Command.id.desc()).limit(limit)).all()


def newest(devices: Collection[Device]) -> dict[int, dict[str, Any]]:
    """Return the last command of each device that was ever asked, by device id.

    As the live stream tells it: "id", "name", "state", "detail" and "at", the ms of its state.
    """
    other = aliased(Command)
    last = select(func.max(other.id)).where(other.device_id == Device.id).scalar_subquery()
    found = db.session.scalars(
        select(Command)
        .join(Device, Command.id == last)
        .where(Device.id.in_([device.id for device in devices]))
    )
    return {
        command.device_id: progress.told(
            command,
            command.answered_at or command.delivered_at or command.sent_at or command.asked_at,
        )
        for command in found
    }


def find(device: Device, public_id: str) -> Command:
    """Return one command of a device.

    Raises:
        NotFound: there is none.
    """
    command = db.session.scalar(
        select(Command).where(Command.device_id == device.id, Command.public_id == public_id)
    )
    if command is None:
        raise NotFound("command_not_found", N_("There is no such command."))
    return command


def _insert(session: Session, **values: Any) -> Command:
    """Add a row past the unit of work, which takes four times as long."""
    added = session.connection().execute(ROW, values)
    command = Command(id=added.scalar_one(), **values)
    make_transient_to_detached(command)
    session.add(command)
    return command


def _send(
    command: Command, order: Order, price: Price | None, publisher: Publisher, bus: LiveBus
) -> None:
    begin = elsewhere()
    lifetime, left = command.expires_at - command.asked_at, command.expires_at - utcnow()
    in_time = left > timedelta()  # the row may have waited for its turn
    went = (
        order.is_usable
        and in_time
        and publisher.publish(
            order.topic,
            order.message,
            expires_in_s=min(lifetime, left + ANSWER_GRACE).total_seconds(),
            on_taken=partial(_taken, begin, bus, publisher, command.id, order, price),
        )
    )
    if order.rotating:
        handshake.ask_to_log_in(publisher, order.topic)
    now = utcnow()
    move = partial(progress.move, transaction, command.id, since=("queued",), bus=bus, now=now)
    if went:
        move("sent", sent_at=now)
        return
    _give_back(begin, command.id, order, price)
    if in_time:
        move("failed", detail=AWAY if order.is_usable else USED_UP)
    else:
        move("expired")


def _give_back(begin: Begin, identity: int, order: Order, price: Price | None) -> None:
    """Make usable again what a command took that certainly reached nobody."""
    if order.rotating and order.is_usable:
        handshake.give_back(begin, identity)
    if price is not None:
        with begin() as session:
            price.give_back(session)


def _taken(
    begin: Begin,
    bus: LiveBus,
    publisher: Publisher,
    identity: int,
    order: Order,
    price: Price | None,
    heard: bool,
) -> None:
    """Note that the broker has a command, and whether its device has it too; any thread.

    A broker takes messages for those who are away as well, and counts whoever subscribed without
    a right to the topic.  So only a connection that is there makes a command delivered.
    """
    now = utcnow()
    move = partial(
        progress.move, begin, identity, since=("queued", "sent"), bus=bus, now=now, sent_at=now
    )
    if not heard:
        _give_back(begin, identity, order, price)
        move("no_answer", detail=progress.DEAF)
        return
    there = _is_there(begin, publisher, order)
    if there:
        move("delivered", delivered_at=now)
    elif there is False:
        move("sent", detail=progress.DEAF)  # for now: it may come back in time


def _is_there(begin: Begin, publisher: Publisher, order: Order) -> bool | None:
    """Return whether all are connected who may hear an order; None: nobody can tell."""
    users = [order.listener]
    if not order.listener:
        with begin() as session:
            users = asking.listeners(session, order.topic)
    found = {publisher.is_connected(user) for user in users}
    return found.pop() if len(found) == 1 else None


def _plain(detail: object) -> str:
    """Return a device's words in one printable line of bounded length."""
    text = detail if isinstance(detail, str) else ""
    return "".join(mark if mark.isprintable() else " " for mark in text[:DETAIL]).strip()
