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
from functools import cache
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate

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
            given = {f"new_{name}": value for name, value in values.items()}
            changed = (
                session.connection()
                .execute(
                    _change(tuple(values)),
                    {"identity": identity, "since": since, "new_state": to, **given},
                )
                .one_or_none()
            )
            if changed is None:
                return False
            event = LiveEvent(changed.device, "command", told(changed, now))
        bus.publish([event])
    return True


@cache
def _change(columns: tuple[str, ...]) -> ReturningUpdate[Any]:
    """Return the statement that sets the state and these columns.

    It is built once, and goes past the session, which has forgotten all rows when a transaction
    begins: four changes a command are a third of what the server does for it.
    """
    return (
        update(Command)
        .where(
            Command.id == bindparam("identity"),
            Command.state.in_(bindparam("since", expanding=True)),
        )
        .values({name: bindparam(f"new_{name}") for name in ("state", *columns)})
        .returning(*TOLD)
    )


def told(command: Command | Row[Any], at: datetime) -> dict[str, Any]:
    """Return what pages are told of a command, as `LiveEvent` has it."""
    return {
        "id": command.public_id,
        "name": command.name,
        "state": command.state,
        "detail": command.detail,
        "at": to_ms(at),
    }
