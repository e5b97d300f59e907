"""What a command is on its way: signed JSON, the same sealed, or the trigger of a simple lock."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import BindParameter

from auth.keys import Keys
from db.models import Command, Device, Handshake
from devices import asking, credentials, envelopes, handshake, signing

_device_id: BindParameter[int] = bindparam("device", type_=Device.id.type)
LANGUAGE = (asking.is_foreign(_device_id), exists().where(Handshake.device_id == _device_id))
"""Columns of a question by "device": whether it speaks as others made it, whether it rotates."""


@dataclass(frozen=True, slots=True)
class Order:
    """A message and where it goes.

    Attributes:
        topic: the full name.
        message: what to publish.
        listener: the broker's user who alone may hear it; empty: whoever was given its branch.
        rotating: whether it is a trigger, which must be followed by the word to log in again.
    """

    topic: str
    message: bytes
    listener: str = ""
    rotating: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether there is something to send; a used-up trigger is empty until the next login."""
        return bool(self.message) or not self.rotating


def prepare(
    session: Session,
    command: Command,
    body: str,
    *,
    foreign: bool,
    rotating: bool,
    keys: Keys,
    namespace: str,
    now: datetime,
) -> Order:
    """Return what is to be sent, and take down in the caller's transaction what it uses up.

    Args:
        session: of the transaction; the command is flushed.
        command: to be sent.
        body: its parameters in canonical form.
        foreign: whether the device was not written for us, by LANGUAGE.
        rotating: whether it is a simple lock that opens by a trigger, by LANGUAGE.
        keys: from which the device's secrets follow.
        namespace: MQTT_NAMESPACE.
        now: when.

    Raises:
        Invalid: a foreign device cannot do this.
    """
    if foreign:
        action = asking.action_for(session, command.device_id, command.name, command.params)
        command.awaits = bool(action.expects)
        return Order(action.topic, asking.payload(action, command.params))
    if rotating and command.name in handshake.OPENS:
        query = select(Handshake).where(Handshake.device_id == command.device_id)
        spoken = session.scalars(query.execution_options(populate_existing=True)).one()
        usable = handshake.take(session, command, now=now)
        message = handshake.trigger(keys, spoken) if usable else b""
        return Order(spoken.topic, message, command.device.mqtt_username, rotating=True)
    device = command.device
    key = credentials.command_key(keys, device)
    letter = envelopes.address(
        session,
        device,
        "commands",
        signing.message(command, body, key),
        keys=keys,
        namespace=namespace,
        now=now,
    )
    return Order(letter.topic, letter.message, device.mqtt_username)
