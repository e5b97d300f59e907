"""What the server tells devices, on its way: in the clear, or sealed to those that ask for it."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, update
from sqlalchemy.orm import Session

from auth.keys import Keys
from clock import to_ms
from db.models import Device
from devices import credentials
from mqtt import topics
from mqtt.sealing import DOWN, Seal

RETAINED = "config"  # has a counter of its own: the newest comes again at each connect


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and the full name of the topic that it goes to."""

    topic: str
    message: bytes


def address(
    session: Session,
    device: Device,
    rest: str,
    message: bytes,
    *,
    keys: Keys,
    namespace: str,
    now: datetime,
) -> Letter:
    """Return what is to be published so that a device hears a message.

    Args:
        session: of the transaction, in which the counter of a sealed message is taken down.
        device: for which one.
        rest: commands, config or files.
        message: JSON.
        keys: from which the device's secrets follow.
        namespace: MQTT_NAMESPACE.
        now: when.
    """
    if not device.sealed:
        return Letter(topics.of(namespace, device.controller_id, rest), message)
    topic = topics.of(namespace, device.controller_id, rest if rest == RETAINED else DOWN)
    seal = Seal(credentials.command_key(keys, device), topic)
    return Letter(topic, seal.seal(rest, json.loads(message), n=_next(session, device, now)))


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
    assert count is not None  # the device is there: what it is told refers to it
    return count
