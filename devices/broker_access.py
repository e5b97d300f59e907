"""Who a broker's client is, for brokers that ask instead of being told."""

from sqlalchemy import select

from auth import access
from db.base import db
from db.models import Device
from devices import credentials
from devices.ports import BrokerIdentity

NOBODY = credentials.mosquitto_hash("")  # compared with when there is no such user


def known(username: str) -> BrokerIdentity | None:
    """Return the device that a broker may let in under this user name, or None."""
    device = db.session.scalar(
        select(Device).where(Device.mqtt_username == username, access.ADMITTED)
    )
    return None if device is None else credentials.identity(device)


def login(username: str, password: str) -> BrokerIdentity | None:
    """Return the device with this user name and password, or None."""
    identity = known(username)
    right = credentials.matches(password, identity.password_hash if identity else NOBODY)
    return identity if right else None
