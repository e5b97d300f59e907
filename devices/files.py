"""Files of a device: announced, carried by a temporary URL, checked, kept for a while.

A URL works for one file and one direction, for ten minutes, until the transfer is whole.  An
upload that was cut goes on where it stopped.  Bytes are kept under the file's id; what a device
calls a file is only shown.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import func, select, update

from auth import access
from auth.keys import sha256
from db.base import db, elsewhere, transaction
from db.models import Device, DeviceFile, Level, User
from devices.ports import Publisher
from errors import AppError, Conflict, Gone, Invalid, NotFound
from notify.mark import N_

LARGEST = 64 * 1024 * 1024  # bytes of one file
QUOTA = 256 * 1024 * 1024  # bytes of all files of a device
URL_LIFETIME = timedelta(minutes=10)
KEPT = timedelta(days=90)
NAME = re.compile(r"[\w .()+-]{1,120}")
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
    device: Device, *, name: str, size: int, digest: str, direction: str, now: datetime
) -> Offer:
    """Make room for a file that will travel; the caller has authenticated the device or person.

    Raises:
        Invalid: a name with a path in it, a wrong digest or direction.
        TooLarge: the file, or all files of the device together, would be too large.
    """
    if not NAME.fullmatch(name) or name.strip(". ") == "":
        raise Invalid("file_name", N_("A file name has no path and at most 120 letters."))
    if not HEX.fullmatch(digest):
        raise Invalid("sha256_form", N_("sha256 is 64 hexadecimal digits."), field="sha256")
    if direction not in {"upload", "download"}:
        raise Invalid("direction", N_("direction is upload or download."), field="direction")
    if not 0 <= size <= LARGEST:
        raise TooLarge()
    with transaction() as session:
        used = session.scalar(
            select(func.coalesce(func.sum(DeviceFile.size), 0)).where(
                DeviceFile.device_id == device.id
            )
        )
        if (used or 0) + size > QUOTA:
            raise TooLarge("quota_exceeded", N_("The device's files take all the room they may."))
        token = secrets.token_urlsafe(32)
        file = DeviceFile(
            device=device,
            direction=direction,
            name=name,
            size=size,
            sha256=digest,
            url_hash=sha256(token),
            url_expires_at=now + URL_LIFETIME,
            created_at=now,
            expires_at=now + KEPT,
        )
        session.add(file)
        session.flush()
    return Offer(file, token)


def tell_device(offer: Offer, *, url: str, publisher: Publisher, topic: str) -> bool:
    """Announce a file to its device over MQTT; returns whether the broker was there."""
    file = offer.file
    assert file.url_expires_at is not None
    return publisher.publish(
        topic,
        msgspec.json.encode(
            {
                "id": file.public_id,
                "name": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "url": f"{url}/api/v1/transfers/{offer.token}",
                "expires": int(file.url_expires_at.timestamp() * 1000),
                "direction": file.direction,
            }
        ),
        expires_in_s=URL_LIFETIME.total_seconds(),
    )


def renew(file: DeviceFile, *, now: datetime) -> Offer:
    """Give a whole file a new temporary URL, under which its device fetches it."""
    token = secrets.token_urlsafe(32)
    with transaction():
        db.session.refresh(file)
        file.url_hash, file.url_expires_at = sha256(token), now + URL_LIFETIME
    return Offer(file, token)


def by_token(token: str, state: str, *, now: datetime) -> DeviceFile:
    """Return the file that a temporary URL is for.

    Args:
        token: the last part of the URL.
        state: "waiting" to send its bytes, "whole" to fetch them.
        now: the present moment.

    Raises:
        NotFound: no such URL, or not for this.
        Gone: it has expired.
    """
    file = db.session.scalar(select(DeviceFile).where(DeviceFile.url_hash == sha256(token)))
    if file is None or file.state != state:
        raise NotFound()
    if file.url_expires_at is None or now >= file.url_expires_at:
        raise Gone("url_expired", N_("This address has expired; ask for a new one."))
    return file


def receive(
    file: DeviceFile, chunks: Iterable[bytes], *, offset: int, folder: Path, now: datetime
) -> DeviceFile:
    """Write the bytes of an upload from an offset on; when all are there, check them.

    A checksum that does not match throws the bytes away, and the upload begins anew.

    Raises:
        Conflict: the offset is not where the last part ended (`received` says where).
        TooLarge: more bytes than were announced.
        Invalid: all bytes are there but are not what was announced.
    """
    path = _path(folder, file)
    if offset != file.received:
        raise Conflict("wrong_offset", N_("Go on at byte %(received)s."), received=file.received)
    received = offset
    with path.open("r+b" if offset else "wb") as out:
        out.seek(offset)
        for chunk in chunks:
            received += len(chunk)
            if received > file.size:
                raise TooLarge()
            out.write(chunk)
    whole = received == file.size
    right = whole and _digest(path) == file.sha256
    with transaction():
        db.session.refresh(file)
        file.received = received if right or not whole else 0
        if right:
            file.state, file.url_hash = "whole", None
    if whole and not right:
        path.unlink(missing_ok=True)
        raise Invalid("checksum", N_("The bytes are not those that sha256 announced."))
    return file


def ender(file: DeviceFile) -> Callable[[], None]:
    """Return what to call, from anywhere, when a device has fetched a file: its URL ends."""
    identity, begin = file.id, elsewhere()

    def fetched() -> None:
        with begin() as session:
            session.execute(
                update(DeviceFile)
                .where(DeviceFile.id == identity)
                .values(state="fetched", url_hash=None)
            )

    return fetched


def of(device: Device, *, by: User) -> Sequence[DeviceFile]:
    """Return the files of a device, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(DeviceFile).where(DeviceFile.device_id == device.id).order_by(DeviceFile.id.desc())
    ).all()


def find(public_id: str, *, by: User) -> DeviceFile:
    """Return a file that a person may read.

    Raises:
        NotFound: there is none, or the person may not.
    """
    file = db.session.scalar(select(DeviceFile).where(DeviceFile.public_id == public_id))
    if file is None or (access.level(by, file.device) or 0) < Level.MANAGER:
        raise NotFound("file_not_found", N_("There is no such file."))
    return file


def path_of(file: DeviceFile, folder: Path) -> Path:
    """Return where a whole file's bytes are.

    Raises:
        NotFound: they have not arrived.
    """
    path = _path(folder, file)
    if file.state == "waiting" or not path.exists():
        raise NotFound("file_not_there", N_("The file has not arrived."))
    return path


def sweep(*, folder: Path, now: datetime) -> int:
    """Delete what has expired; returns how many files."""
    with transaction() as session:
        old = session.scalars(select(DeviceFile).where(DeviceFile.expires_at < now)).all()
        for file in old:
            _path(folder, file).unlink(missing_ok=True)
            session.delete(file)
    return len(old)


def _path(folder: Path, file: DeviceFile) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / file.public_id


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
