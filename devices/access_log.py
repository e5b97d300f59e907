"""Who asked what of a device, by which right, from where, and what came of it; for its managers.

Page, REST and CSV show the same lines.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from auth import access
from db.models import Command, Device, Level, User
from devices import commands
from devices.export import LINE_END, text_cell

PAGE = 500  # rows read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        command: what was asked, and what came of it.
        by: who, in words.
        via: by which right: owner, manager, operator, viewer, share_token, guest_link or
            app_token; empty: it was not written down yet.
        via_id: the public id of the link, token or pairing; empty for a level.
        via_label: what whoever made it calls it.
        channel: page, api, guest, app or cli.
        address: of the request.
    """

    command: Command
    by: str
    via: str
    via_id: str
    via_label: str
    channel: str
    address: str


def newest(device: Device, *, by: User, limit: int, before: int | None = None) -> list[Entry]:
    """Return the newest lines, newest first; `before` is the id of a command to go on from.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device.
    """
    access.require(by, device, Level.MANAGER)
    return _entries(device, limit=limit, before=before)


def csv(device: Device, *, by: User) -> Iterator[bytes]:
    """Return the whole log as CSV, newest first, in parts; times are UTC, texts carry no formula.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device; at once, not while it is read.
    """
    access.require(by, device, Level.MANAGER)
    return _lines(device)


def entry(command: Command) -> Entry:
    """Return what the log says of a command."""
    return Entry(
        command=command,
        by=command.actor,
        via=command.by_right,
        via_id=command.right_id,
        via_label=command.right_label,
        channel=command.via,
        address=command.address,
    )


def _entries(device: Device, *, limit: int, before: int | None) -> list[Entry]:
    return list(map(entry, commands.recent(device, limit=limit, before=before)))


def _lines(device: Device) -> Iterator[bytes]:
    yield "\ufeff".encode() + b",".join(head.encode() for head in COLUMNS) + LINE_END
    before: int | None = None
    while found := _entries(device, limit=PAGE, before=before):
        yield b"".join(map(_line, found))
        before = found[-1].command.id


def _line(one: Entry) -> bytes:
    cells = (value(one) for value in COLUMNS.values())
    return (
        b",".join(text_cell(cell) if isinstance(cell, str) else _stamp(cell) for cell in cells)
        + LINE_END
    )


def _stamp(moment: datetime | None) -> bytes:
    if moment is None:
        return b""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return (text.removesuffix("+00:00") + "Z").encode()


COLUMNS: dict[str, Callable[[Entry], str | datetime | None]] = {
    "asked_at": lambda one: one.command.asked_at,
    "by": lambda one: one.by,
    "via": lambda one: one.via,
    "via_id": lambda one: one.via_id,
    "via_label": lambda one: one.via_label,
    "channel": lambda one: one.channel,
    "address": lambda one: one.address,
    "command": lambda one: one.command.name,
    "state": lambda one: one.command.state,
    "detail": lambda one: one.command.detail,
    "answered_at": lambda one: one.command.answered_at,
}
