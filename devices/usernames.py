"""Chooses under which user name a new device comes to the broker."""

import re

from sqlalchemy.orm import Session

from db.models import UsedUsername
from db.models.columns import ALPHABET
from db.models.device import opaque_username
from devices.ports import BrokerAdmin

OPAQUE = re.compile(f"d[{ALPHABET}]{{15}}")


def choose(session: Session, controller_id: str, broker: BrokerAdmin) -> str:
    """Return a name that no other device has or ever had; it stays when the controller id changes.

    It is made after the controller id where this suits the broker.
    """
    name = broker.username_for(controller_id)
    if name is None or OPAQUE.fullmatch(name) or session.get(UsedUsername, name) is not None:
        return opaque_username()
    session.add(UsedUsername(username=name))
    return name
