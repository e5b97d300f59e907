"""Files that travel: announced, carried by a temporary URL, checked when they are whole.

A URL works for one file and one direction, for ten minutes, until the transfer is whole.  What
was cut goes on where it stopped: an upload, announced again, under a new URL; a download under
its own, even if all its bytes were handed out, until the device has answered.
"""

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from sqlalchemy import select

from auth import access
from auth.keys import sha256
from db.base import db, transaction
from db.models import Device, DeviceFile, Level, User
from devices import kept_files
from devices.changes import note
from errors import AppError, Conflict, Gone, Invalid, NotFound
from notify.mark import N_

LARGEST = 64 * 1024 * 1024  # bytes of one file
URL_LIFETIME = timedelta(minutes=10)
KEPT = timedelta(days=90)
NAME = re.compile(r"[\w .()+-]{1,120}")
BLOCK = 1024 * 1024
TOKEN = len(secrets.token_urlsafe(32))  # characters; a sender's id follows
NAMED_BY = 12  # digits of the checksum of a file without a name
HEX = re.compile(r"[0-9a-f]{64}")


class TooLarge(AppError):
    """More bytes than a file, or a device, may have."""

    status, code, text = 413, "file_too_large", N_("The file is too large.")


@dataclass(frozen=True, slots=True)
class Offer:
    """A file and the address, shown once, under which its bytes travel."""

    file: DeviceFile
    token: str


def announce(
    device: Device,
    *,
    name: str | None,
    size: int,
    digest: str,
    direction: str,
    by: User | Device,
    now: datetime,
    address: str,
) -> Offer:
    """Make room for a file that will travel; the caller has checked that `by` may.

    A file that was announced before and has not arrived whole goes on under a new URL.

    Args:
        device: whose file.
        name: how people see it; None: its checksum, so that the same file is known again.
        size: of all of it, in bytes.
        digest: SHA-256 in hex digits.
        direction: "upload" from the device, "download" to it.
        by: the device itself, or a person; what a person does is written down.
        now: the present moment.
        address: of the request.

    Raises:
        Invalid: a name with a path in it, a wrong digest or direction.
        TooLarge: the file, or all files of the device together, would be too large.
    """
    if not HEX.fullmatch(digest):
        raise Invalid("sha256_form", N_("sha256 is 64 hexadecimal digits."), field="sha256")
    name = f"{digest[:NAMED_BY]}.bin" if name is None else name
    check(name, size)
    if direction not in {"upload", "download"}:
        raise Invalid("direction", N_("direction is upload or download."), field="direction")
    token = secrets.token_urlsafe(32)
    if isinstance(by, User) and direction == "download":
        token += by.public_id
    with transaction() as session:
        file = session.scalar(
            select(DeviceFile).where(
                DeviceFile.device_id == device.id,
                DeviceFile.direction == direction,
                DeviceFile.name == name,
                DeviceFile.size == size,
                DeviceFile.sha256 == digest,
                DeviceFile.state == "waiting",
            )
        )
        if file is None:
            check_room(device, size)
            file = DeviceFile(
                device=device,
                direction=direction,
                name=name,
                size=size,
                sha256=digest,
                created_at=now,
            )
            session.add(file)
        file.url_hash, file.url_expires_at = sha256(token), now + URL_LIFETIME
        file.expires_at = now + KEPT
        if isinstance(by, User):
            is_down = direction == "download"
            note(device, by, "file.send" if is_down else "file.ask", now, address, name=name)
        session.flush()
    return Offer(file, token)


def check(name: str, size: int) -> None:
    """Let a file through that may be kept.

    Raises:
        Invalid: a name with a path in it.
        TooLarge: it is too large for any device.
    """
    if not NAME.fullmatch(name) or name.strip(". ") == "":
        raise Invalid(
            "file_name",
            N_("A file name has at most 120 letters, digits, spaces and _ . ( ) + -, and no path."),
        )
    if not 0 <= size <= LARGEST:
        raise TooLarge()


def check_room(device: Device, size: int) -> None:
    """Let a file through for which a device has room.

    Raises:
        TooLarge: quota_exceeded.
    """
    if kept_files.used(device) + size > kept_files.QUOTA:
        raise TooLarge("quota_exceeded", N_("The device's files take all the room they may."))


def by_token(token: str, *states: str, now: datetime) -> DeviceFile:
    """Return the file that a temporary URL is for.

    Args:
        token: the last part of the URL.
        states: "waiting" to send its bytes, "whole" to fetch them, "fetched" to go on with that.
        now: the present moment.

    Raises:
        NotFound: no such URL, or not for this, or its device is shut out, or who sends the
            device a file manages it no more.
        Gone: it has expired.
    """
    file = db.session.scalar(
        select(DeviceFile)
        .join(Device, Device.id == DeviceFile.device_id)
        .where(DeviceFile.url_hash == sha256(token), access.ADMITTED)
    )
    if file is None or file.state not in states:
        raise NotFound()
    if file.state == "waiting" and file.direction == "download" and not _may_send(token, file):
        raise NotFound()
    if file.url_expires_at is None or now >= file.url_expires_at:
        raise Gone("url_expired", N_("This address has expired; ask for a new one."))
    return file


def _may_send(token: str, file: DeviceFile) -> bool:
    """Return whether the person whose id ends a URL's token still manages the device."""
    by = db.session.scalar(select(User).where(User.public_id == token[TOKEN:]))
    return by is not None and (access.level(by, file.device) or 0) >= Level.MANAGER


def receive(
    file: DeviceFile, chunks: Iterable[bytes], *, offset: int, folder: Path, now: datetime
) -> DeviceFile:
    """Write the bytes of an upload from an offset on; when all are there, check them.

    A checksum that does not match throws the bytes away, and the upload begins anew.  Others may
    write to the same file meanwhile, such as a try that its device has given up: what is whole
    is a copy that only this one has written.

    Raises:
        NotFound: it was deleted meanwhile, another try was quicker, or its device was shut out.
        Conflict: the offset is not where the last part ended (`received` says where).
        TooLarge: more bytes than were announced.
        Invalid: all bytes are there but are not what was announced.
    """
    path = kept_files.place(folder, file)
    part = kept_files.part_of(path)
    if offset != file.received:
        raise Conflict("wrong_offset", N_("Go on at byte %(received)s."), received=file.received)
    received = offset
    with _opened(part, anew=not offset) as out:
        out.seek(offset)
        for chunk in chunks:
            received += len(chunk)
            if received > file.size:
                raise TooLarge()
            out.write(chunk)
        whole = received == file.size
        copy = _copied(out, path) if whole else None
    try:
        right = copy is not None and _digest(copy) == file.sha256
        with transaction() as session:
            kept = session.get(DeviceFile, file.id, with_for_update=True)
            if kept is None:  # deleted while the bytes came
                part.unlink(missing_ok=True)
                raise kept_files.unknown()
            if kept.state != "waiting":
                part.unlink(missing_ok=True)
                raise NotFound()
            if kept.direction == "upload" and access.shut_out(kept.device):
                raise NotFound()
            kept.received = received if right or not whole else 0
            if copy is not None and right:
                kept.state, kept.url_hash = "whole", None
                copy.replace(path)
            if whole:
                part.unlink(missing_ok=True)
    finally:
        if copy is not None:
            copy.unlink(missing_ok=True)
    if whole and not right:
        raise Invalid("checksum", N_("The bytes are not those that sha256 announced."))
    return file


def _opened(path: Path, *, anew: bool) -> IO[bytes]:
    try:
        return path.open("w+b" if anew else "r+b")
    except FileNotFoundError:  # deleted a moment ago
        raise kept_files.unknown() from None


def _copied(content: IO[bytes], path: Path) -> Path:
    """Return a copy beside a file; the name says whose it is."""
    content.seek(0)
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as copy:
        try:
            shutil.copyfileobj(content, copy, BLOCK)
        except OSError:
            Path(copy.name).unlink()
            raise
    return Path(copy.name)


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
