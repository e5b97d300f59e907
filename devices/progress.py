"""How the state of a command moves forward, and how live pages hear of it.

queued -> sent                                              the broker has it
sent -> delivered                                           and the device is connected to it
sent | delivered -> done | refused | failed                 the device says so
queued -> failed                                            the broker is away
sent | delivered -> no_answer                               nobody subscribed, or no answer
queued -> expired                                           the server died before sending
no_answer | expired -> done | refused | failed              the device says so, late
"""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from clock import to_ms
from db.base import Begin
from db.models import Command, Device
from devices.ports import LiveBus, LiveEvent

UNDERWAY = ("queued", "sent", "delivered")
DEAF = "not connected"  # a detail: the device does not hear what was sent
UNSURE = ("no_answer", "expired")  # closed, but the device may know better
TOLD = (
    Command.public_id,
    Command.name,
    Command.state,
    Command.detail,
    select(Device.public_id)
    .where(Device.id == Command.device_id)
    .scalar_subquery()
    .label("device"),
)
_in_order = threading.Lock()  # pages hear of changes in the order in which they were made


def move(
    begin: Begin,
    identity: int,
    to: str,
    *,
    since: Sequence[str],
    bus: LiveBus,
    now: datetime,
    **values: Any,
) -> bool:
    """Change the state of a command if it is one of `since`; of many who try, one succeeds.

    Args:
        begin: begins a transaction, in this thread.
        identity: `Command.id`.
        to: the new state.
        since: the states that may become it.
        bus: told of the change.
        now: when.
        values: other columns to set.
    """
    with _in_order:
        with begin() as session:
            changed = session.execute(
                update(Command)
                .where(Command.id == identity, Command.state.in_(since))
                .values(state=to, **values)
                .returning(*TOLD)
                .execution_options(synchronize_session="evaluate")
            ).one_or_none()
            if changed is None:
                return False
            event = LiveEvent(changed.device, "command", told(changed, now))
        bus.publish([event])
    return True


def told(command: Command | Row[Any], at: datetime) -> dict[str, Any]:
    """Return what pages are told of a command, as `LiveEvent` has it."""
    return {
        "id": command.public_id,
        "name": command.name,
        "state": command.state,
        "detail": command.detail,
        "at": to_ms(at),
    }
