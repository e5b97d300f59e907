"""POST /data/file: a file that a manager chose in the browser goes down to the device."""

import hashlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from flask import Blueprint, Response, request
from flask_babel import gettext as _

import wiring
from auth import access, sessions
from auth.access import Level
from clock import utcnow
from dashboard.answers import answer, refusal
from devices import file_delivery, files
from devices.file_delivery import State
from errors import AppError, Unauthenticated

bp = Blueprint("file_sending", __name__, url_prefix="/data")
bp.register_error_handler(AppError, refusal)

BLOCK = 64 * 1024
IN_MEMORY = 1024 * 1024  # bytes; what is larger waits on the disk


@bp.url_value_preprocessor
def _allow(_endpoint: str | None, _values: object) -> None:
    """Let large bodies in; the check against forged forms, which comes next, asks how large."""
    request.max_content_length = files.LARGEST


@bp.post("/file")
def send() -> Response:
    """Take the bytes of a file and announce it to the device; the query names both."""
    user = sessions.signed_in()
    if user is None:
        raise Unauthenticated
    device = access.visible(user, request.args.get("device", ""), Level.MANAGER)
    name = request.args.get("name", "")
    # before the bytes are read; without a length there are none
    files.check(name, request.content_length or 0)
    files.check_room(device, request.content_length or 0)
    with SpooledTemporaryFile(IN_MEMORY) as content:
        digest = _keep(content)
        size, now = content.tell(), utcnow()
        offer = files.announce(
            device,
            name=name,
            size=size,
            digest=digest,
            direction="download",
            by=user,
            now=now,
            address=sessions.client_address(),
        )
        content.seek(offer.file.received)  # of the same file, if it was cut before
        told = file_delivery.take(
            offer.file,
            iter(lambda: content.read(BLOCK), b""),
            offset=offer.file.received,
            way=wiring.current().file_way,
            now=now,
        )
        is_there = file_delivery.state(offer.file, now=utcnow()) is not State.UNSENT
    said = _("%(name)s is on its way.", name=name)
    if not told:
        said = _("%(name)s is here, but the broker is away: send it again later.", name=name)
    elif not is_there:
        said = _(
            "%(name)s is here, but the device is not connected: send it again later.", name=name
        )
    return answer({"file": offer.file.public_id, "told": told and is_there, "message": said})


def _keep(content: IO[bytes]) -> str:
    """Write the bytes of the request down; returns their SHA-256."""
    digest = hashlib.sha256()
    for block in _blocks():
        digest.update(block)
        content.write(block)
    return digest.hexdigest()


def _blocks() -> Iterator[bytes]:
    while block := request.stream.read(BLOCK):
        yield block
