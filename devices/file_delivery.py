"""Files on their way to a device: announced to it, sent again, and what it says of them.

Every file has a temporary URL; a small one comes along in the message besides.  A device that is
not there hears of nothing later: its page says so, and somebody sends the file again.
"""

import base64
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select, update

from auth import access
from auth.keys import Keys, sha256
from clock import utcnow
from db.base import db, elsewhere, transaction
from db.models import Device, DeviceFile, Level, User
from devices import credentials, envelopes, files, kept_files
from devices.changes import note
from devices.files import Offer
from devices.ports import Publisher
from mqtt.sealing import stream

INLINE = 16 * 1024  # bytes that come along in the message
LONGEST = 256  # characters of a refusal
PATIENCE_S = 0.5  # with the broker
ANSWERS = {"done": "fetched", "refused": "refused", "failed": "refused"}


class State(StrEnum):
    """How far a file is."""

    WAITING = "waiting"  # its bytes are not all here
    HERE = "here"  # all that a device sent
    UNSENT = "unsent"  # the device was not there, or the broker was not
    SENT = "sent"  # the device knows of it and has said nothing
    FETCHED = "fetched"  # the device has it
    REFUSED = "refused"  # the device says why
    EXPIRED = "expired"  # the time of its URL is over


@dataclass(frozen=True, slots=True)
class Way:
    """What it takes to bring a file to a device.

    Attributes:
        folder: where the bytes of files lie.
        url: APP_URL, what temporary URLs begin with.
        publisher: the way to the broker.
        keys: from which those follow that seal it, if the device asks for that.
        namespace: MQTT_NAMESPACE.
    """

    folder: Path
    url: str
    publisher: Publisher
    keys: Keys = field(repr=False)
    namespace: str


def state(file: DeviceFile, *, now: datetime) -> State:
    """Return how far a file is."""
    if file.state in {"fetched", "refused"}:
        return State(file.state)
    if file.direction == "upload" and file.state == "whole":
        return State.HERE
    if file.state == "whole" and file.sent_at is None:
        return State.UNSENT
    if file.url_expires_at is None or now >= file.url_expires_at:
        return State.EXPIRED
    return State.SENT if file.state == "whole" else State.WAITING


def take(
    file: DeviceFile, chunks: Iterable[bytes], *, offset: int, way: Way, now: datetime
) -> bool:
    """Write bytes of a file, and tell the device of one for it that is whole now.

    Returns whether the device was told; raises what `files.receive` does.
    """
    files.receive(file, chunks, offset=offset, folder=way.folder, now=now)
    if file.state != "whole" or file.direction != "download":
        return False
    return tell(_renew(file, now=now), way=way, now=now)


def tell(offer: Offer, *, way: Way, now: datetime) -> bool:
    """Announce a file to its device over MQTT; returns whether the broker was there.

    Waits a moment for what the broker says of it, so that the file's state is true afterwards.
    """
    file, begin, known = offer.file, elsewhere(), threading.Event()
    identity, url_hash = file.id, file.url_hash
    with transaction() as session:
        letter = envelopes.address(
            session,
            file.device,
            "files",
            msgspec.json.encode(_announcement(offer, way)),
            keys=way.keys,
            namespace=way.namespace,
            now=now,
        )

    def taken(heard: bool) -> None:
        if heard:
            with begin() as session:
                session.execute(
                    update(DeviceFile)
                    .where(DeviceFile.id == identity, DeviceFile.url_hash == url_hash)
                    .values(sent_at=utcnow())
                )
        known.set()

    told = way.publisher.publish(
        letter.topic,
        letter.message,
        expires_in_s=files.URL_LIFETIME.total_seconds(),
        on_taken=taken,
    )
    if told and known.wait(PATIENCE_S):
        db.session.get(DeviceFile, identity, populate_existing=True)
    return told


def send_again(
    device: Device, public_id: str, *, by: User, way: Way, now: datetime, address: str
) -> bool:
    """Tell a device of a file for it under a new URL; returns whether the broker was there.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device, or it has no such file.
        NotFound: file_not_there, its bytes have not arrived.
    """
    access.require(by, device, Level.MANAGER)
    with transaction():
        file = kept_files.find(public_id, by=by)
        if file.device_id != device.id or file.direction != "download":
            raise kept_files.unknown()
        kept_files.path_of(file, way.folder)
        offer = _renew(file, now=now)
        note(device, by, "file.send", now, address, name=file.name)
    return tell(offer, way=way, now=now)


def answer(device: Device, said: Mapping[str, str]) -> bool:
    """Take what a device says of a file; returns False if it is about none of its files.

    `done` is not said of what it sends: that the server sees by itself.
    """
    outcome = ANSWERS[said["status"]]
    about = select(DeviceFile).where(
        DeviceFile.device_id == device.id, DeviceFile.public_id == said["id"]
    )
    if db.session.scalar(about) is None:
        return False
    with transaction() as session:
        file = session.scalar(about)
        if file is None:
            return False
        is_here = file.state != "waiting"
        if is_here if file.direction == "download" else not is_here and outcome == "refused":
            file.state, file.url_hash = outcome, None
            file.result = said["detail"][:LONGEST] if outcome == "refused" else ""
    return True


def turning(file: DeviceFile, token: str, *, start: int, keys: Keys) -> Callable[[bytes], bytes]:
    """Return what turns a file's bytes into those that travel to or from its device, and back.

    Args:
        file: which one.
        token: the last part of the URL under which they travel.
        start: the place in the file from which on.
        keys: from which the device's secrets follow.
    """
    if not file.device.sealed:
        return bytes
    key = credentials.command_key(keys, file.device)
    return stream(key, token, start=start).update


def _renew(file: DeviceFile, *, now: datetime) -> Offer:
    """Give a whole file a new temporary URL, under which its device fetches it."""
    token = secrets.token_urlsafe(32)
    with transaction():
        db.session.refresh(file)
        file.url_hash, file.url_expires_at = sha256(token), now + files.URL_LIFETIME
        file.state, file.sent_at, file.result = "whole", None, ""
        file.holder = file.held_until = None  # a download under the old URL ends
    return Offer(file, token)


def _announcement(offer: Offer, way: Way) -> dict[str, Any]:
    file = offer.file
    assert file.url_expires_at is not None
    told: dict[str, Any] = {
        "id": file.public_id,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "url": f"{way.url}/api/v1/transfers/{offer.token}",
        "expires": int(file.url_expires_at.timestamp() * 1000),
        "direction": file.direction,
    }
    if file.direction == "download" and file.size <= INLINE:
        content = kept_files.path_of(file, way.folder).read_bytes()
        told["content"] = base64.b64encode(content).decode()
    return told
