"""What a command is on its way: signed JSON, the same sealed, or the trigger of a simple lock."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, exists, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import BindParameter

from auth.keys import Keys
from clock import to_ms
from db.models import Command, Device, Handshake
from devices import asking, credentials, handshake, signing
from mqtt.sealing import DOWN, Seal

# which language a device speaks, in one question: foreign, rotating, or else our own
_device_id: BindParameter[int] = bindparam("device", type_=Device.id.type)
LANGUAGE = select(asking.is_foreign(_device_id), exists().where(Handshake.device_id == _device_id))


@dataclass(frozen=True, slots=True)
class Order:
    """A message and where it goes.

    Attributes:
        topic: the full name.
        message: what to publish.
        rotating: whether it is a trigger, which must be followed by the word to log in again.
    """

    topic: str
    message: bytes
    rotating: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether there is something to send; a used-up trigger is empty until the next login."""
        return bool(self.message) or not self.rotating


def prepare(
    session: Session, command: Command, body: str, *, keys: Keys, namespace: str, now: datetime
) -> Order:
    """Return what is to be sent, and take down in the caller's transaction what it uses up.

    Args:
        session: of the transaction; the command is flushed.
        command: to be sent.
        body: its parameters in canonical form.
        keys: from which the device's secrets follow.
        namespace: MQTT_NAMESPACE.
        now: when.

    Raises:
        Invalid: a foreign device cannot do this.
    """
    foreign, rotating = session.connection().execute(LANGUAGE, {"device": command.device_id}).one()
    if foreign:
        action = asking.action_for(session, command.device_id, command.name, command.params)
        command.awaits = bool(action.expects)
        return Order(action.topic, asking.payload(action, command.params))
    if rotating and command.name in handshake.OPENS:
        query = select(Handshake).where(Handshake.device_id == command.device_id)
        spoken = session.scalars(query.execution_options(populate_existing=True)).one()
        usable = handshake.take(session, command, now=now)
        message = handshake.trigger(keys, spoken) if usable else b""
        return Order(spoken.topic, message, rotating=True)
    device = command.device
    key = credentials.command_key(keys, device)
    message = signing.message(command, body, key)
    topic = f"{namespace}/{device.controller_id}/commands"
    if not device.sealed:
        return Order(topic, message)
    topic = f"{namespace}/{device.controller_id}/{DOWN}"
    n = _next(session, device, now)
    return Order(topic, Seal(key, topic).seal("commands", json.loads(message), n=n))


def _next(session: Session, device: Device, now: datetime) -> int:
    """Return a counter above all before.

    It follows the clock, so that a database restored from a backup does not fall behind what
    the device has heard.
    """
    ms = to_ms(now)
    count: int | None = session.scalar(
        update(Device)
        .where(Device.id == device.id)
        .values(sealed_n=case((Device.sealed_n >= ms, Device.sealed_n + 1), else_=ms))
        .returning(Device.sealed_n)
    )
    assert count is not None  # the device is there: the command refers to it
    return count
