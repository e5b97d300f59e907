"""Files of a device that are kept here for a while: listed, read, deleted, swept.

Bytes lie in one folder under the file's id; the name that a device or person gave is only shown.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from auth import access
from db.base import db, transaction
from db.models import Device, DeviceFile, Level, User
from devices.changes import note
from errors import NotFound
from notify.mark import N_

QUOTA = 256 * 1024 * 1024  # bytes of all files of a device
UNFINISHED_KEPT = timedelta(days=1)  # after its URL has ended


def used(device: Device) -> int:
    """Return how many bytes the files of a device take or will take."""
    total = db.session.scalar(
        select(func.coalesce(func.sum(DeviceFile.size), 0)).where(DeviceFile.device_id == device.id)
    )
    return int(total or 0)


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
        raise unknown()
    return file


def path_of(file: DeviceFile, folder: Path) -> Path:
    """Return where a whole file's bytes are.

    Raises:
        NotFound: they have not arrived.
    """
    path = place(folder, file)
    if file.state == "waiting" or not path.exists():
        raise NotFound("file_not_there", N_("The file has not arrived."))
    return path


def delete(
    device: Device, public_id: str, *, by: User, folder: Path, now: datetime, address: str
) -> None:
    """Delete a file of a device; an address for its bytes ends with it.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device, or it has no such file.
    """
    access.require(by, device, Level.MANAGER)
    with transaction() as session:
        file = find(public_id, by=by)
        if file.device_id != device.id:
            raise unknown()
        session.delete(file)
        note(device, by, "file.delete", now, address, name=file.name)
        path = place(folder, file)
    path.unlink(missing_ok=True)
    part_of(path).unlink(missing_ok=True)


def sweep(*, folder: Path, now: datetime) -> int:
    """Delete what has expired, and bytes that belong to no file; returns how many."""
    with transaction() as session:
        old = session.scalars(
            select(DeviceFile).where(
                (DeviceFile.expires_at < now)
                | (DeviceFile.state == "waiting")
                & (DeviceFile.url_expires_at < now - UNFINISHED_KEPT)
            )
        ).all()
        for file in old:
            session.delete(file)
        session.flush()
        known = set(session.scalars(select(DeviceFile.public_id)))
        # in the transaction: a file that is announced meanwhile has no bytes yet
        stray = [path for path in folder.glob("*") if path.name.partition(".")[0] not in known]
        for path in stray:
            path.unlink(missing_ok=True)
    return max(len(old), len(stray))


def place(folder: Path, file: DeviceFile) -> Path:
    """Return where a file's bytes are or will be; the folder is there afterwards."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / file.public_id


def part_of(path: Path) -> Path:
    """Return where the bytes of a file that is not whole yet are, beside its place."""
    return path.with_name(f"{path.name}.part")


def unknown() -> NotFound:
    """Return what is said of a file that is not there, or not for whoever asks."""
    return NotFound("file_not_found", N_("There is no such file."))
