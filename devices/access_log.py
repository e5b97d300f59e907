"""Who asked what of a device, by which right, when, and what came of it; for its managers."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from auth import access
from db.models import Command, Device, Level, User
from devices import commands
from devices.export import LINE_END, text_cell

PAGE = 500  # rows read at once
HEADS = ("asked_at", "by", "via", "address", "command", "state", "detail", "answered_at")


def newest(device: Device, *, by: User, limit: int) -> Sequence[Command]:
    """Return the newest lines, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device.
    """
    access.require(by, device, Level.MANAGER)
    return commands.recent(device, limit=limit)


def csv(device: Device, *, by: User) -> Iterator[bytes]:
    """Return the whole log as CSV, newest first, in parts; times are UTC, texts carry no formula.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device; at once, not while it is read.
    """
    access.require(by, device, Level.MANAGER)
    return _lines(device)


def _lines(device: Device) -> Iterator[bytes]:
    yield "\ufeff".encode() + b",".join(head.encode() for head in HEADS) + LINE_END
    before: int | None = None
    while found := commands.recent(device, limit=PAGE, before=before):
        yield b"".join(_line(command) for command in found)
        before = found[-1].id


def _line(command: Command) -> bytes:
    texts = (
        command.actor,
        command.via,
        command.address,
        command.name,
        command.state,
        command.detail,
    )
    cells = [_stamp(command.asked_at), *map(text_cell, texts), _stamp(command.answered_at)]
    return b",".join(cells) + LINE_END


def _stamp(moment: datetime | None) -> bytes:
    if moment is None:
        return b""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return (text.removesuffix("+00:00") + "Z").encode()
