"""Files of a device: announced here, carried in parts, checked, and told to the device."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from flask import Response, request
from pydantic import Base64Bytes, Field
from werkzeug.exceptions import RequestedRangeNotSatisfiable

import wiring
from api.callers import reach, reader
from api.errors import WrongMedia
from api.models import Answer, Body, Line, Page, Time
from api.routing import Routes
from auth import access, connection, throttle
from auth.sessions import client_address
from clock import utcnow
from db.models import Device, DeviceFile, Level, User
from devices import file_delivery, file_fetch, files, kept_files
from errors import Forbidden, Invalid
from notify.mark import N_

routes = Routes("files")

BYTES = "application/octet-stream"
RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
BLOCK = 64 * 1024
TRANSFER_LIMIT = "600/minute"  # from one network


class NewFile(Body):
    """A file that will travel; a small one may come along as base64."""

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[Line, Field(max_length=64)]
    name: Annotated[Line, Field(max_length=120)] | None = None  # without one, after its checksum
    # upload: from the device; download: to it; without one, away from whoever asks
    direction: Literal["upload", "download"] | None = None
    content: Base64Bytes | None = None


class FileShown(Answer):
    """A file and how far it is: waiting, whole, fetched, refused."""

    id: str
    name: str
    direction: str
    size: int
    sha256: str
    state: str
    received: int
    sent_at: Time | None  # when the broker took the message for the device
    result: str  # why the device refused it
    created_at: Time
    expires_at: Time


class FileTold(FileShown):
    """A file, and whether its device was told of it over MQTT."""

    told: bool


class FileOnce(FileTold):
    """A file with the address for its bytes, which is shown this once."""

    url: str


@routes.post("/devices/<key:device_id>/files", refusals=(403, 410))
def announce(device_id: str, by: User | Device, body: NewFile) -> FileOnce:
    """Announce a file; PUT its bytes to `url`, in one part or several.

    A device uploads.  A manager sends a file down (`download`): the device is told of it when
    all its bytes are here; or asks the device for one (`upload`): it is told at once.
    """
    device = reach(by, device_id, Level.MANAGER)
    way, now = wiring.current().file_way, utcnow()
    direction = body.direction or ("upload" if isinstance(by, Device) else "download")
    if isinstance(by, Device):
        _check_device(by, direction)
    offer = files.announce(
        device,
        name=body.name,
        size=body.size,
        digest=body.sha256,
        direction=direction,
        by=by,
        now=now,
        address=client_address(),
    )
    told = False
    if body.content is not None:
        told = file_delivery.take(offer.file, [body.content], offset=0, way=way, now=now)
    elif isinstance(by, User) and direction == "upload":
        told = file_delivery.tell(offer, way=way, now=now)
    url = f"{way.url}/api/v1/transfers/{offer.token}"
    return FileOnce(**_fields(offer.file), url=url, told=told)


@routes.get("/devices/<key:device_id>/files")
def listing(device_id: str, by: User) -> Page[FileShown]:
    """List the files of a device, newest first."""
    found = kept_files.of(access.visible(by, device_id), by=by)
    return Page(items=[FileShown(**_fields(file)) for file in found])


@routes.get("/files/<key:file_id>", status=(200, 206), media=(BYTES,), refusals=(416,))
def content(file_id: str, by: User) -> Response:
    """Download the bytes of a file, or a range of them."""
    file = kept_files.find(file_id, by=by)
    answer = _bytes(kept_files.path_of(file, _folder()), file)
    answer.response = wiring.current().downloads.begin(
        reader(by), [file.device], iter(cast(Iterable[bytes], answer.response)), Level.MANAGER
    )
    return answer


@routes.delete("/devices/<key:device_id>/files/<key:file_id>")
def delete(device_id: str, file_id: str, by: User) -> None:
    """Delete a file of a device."""
    kept_files.delete(
        access.visible(by, device_id),
        file_id,
        by=by,
        folder=_folder(),
        now=utcnow(),
        address=client_address(),
    )


@routes.post("/devices/<key:device_id>/files/<key:file_id>/send", status=200)
def send_again(device_id: str, file_id: str, by: User) -> FileTold:
    """Tell a device again of a file for it, under a new URL."""
    told = file_delivery.send_again(
        access.visible(by, device_id),
        file_id,
        by=by,
        way=wiring.current().file_way,
        now=utcnow(),
        address=client_address(),
    )
    return FileTold(**_fields(kept_files.find(file_id, by=by)), told=told)


@routes.put("/transfers/<key:token>", status=(200, 202), takes=(BYTES,), refusals=(409, 410))
def put(token: str) -> tuple[FileShown, int]:
    """Send the bytes of a file, or the next part of them with `Content-Range`.

    202 until all are here, then 200.  409 `wrong_offset` says in `details.received` where to go
    on.
    """
    _slow_down()
    if request.mimetype != BYTES:
        raise WrongMedia(accepted=BYTES)
    file = files.by_token(token, "waiting", now=utcnow())
    request.max_content_length = file.size + 1
    (start, length), parts = _part(file), wiring.current()
    chunks = _chunks() if length is None else _counted(_chunks(), length)
    if file.direction == "upload":
        chunks = map(file_delivery.turning(file, token, start=start, keys=parts.keys), chunks)
    file_delivery.take(file, chunks, offset=start, way=parts.file_way, now=utcnow())
    return FileShown(**_fields(file)), 202 if file.state == "waiting" else 200


@routes.get("/transfers/<key:token>", status=(200, 206), media=(BYTES,), refusals=(410, 416))
def fetch(token: str) -> Response:
    """Fetch a file that was announced to the device, or a range of it; once it is whole.

    From byte 0 until its last byte was sent; from a later byte until the device has answered.
    """
    _slow_down()
    file = files.by_token(token, "whole", "fetched", now=utcnow())
    return _bytes(kept_files.path_of(file, _folder()), file, token=token)


def _bytes(path: Path, file: DeviceFile, *, token: str = "") -> Response:
    """Return a file, or the range that was asked for; under a token, as its device fetches it."""
    start, stop, status = 0, file.size, 200
    if request.range is not None:
        found = request.range.range_for_length(file.size)
        if found is None:
            raise RequestedRangeNotSatisfiable(file.size)
        (start, stop), status = found, 206
    parts: Iterator[bytes] = _parts(path, start, stop)
    if token and request.method == "GET":
        parts = _fetch(parts, file, token, start, stop)
    answer = Response(parts, status, mimetype=BYTES)
    answer.content_length = stop - start
    answer.headers["Accept-Ranges"] = "bytes"
    if status == 206:
        answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    answer.headers.set("Content-Disposition", "attachment", filename=file.name)
    answer.headers["Content-Security-Policy"] = "sandbox"
    answer.set_etag(file.sha256)
    return answer


def _fetch(
    parts: Iterator[bytes], file: DeviceFile, token: str, start: int, stop: int
) -> file_fetch.Fetch:
    turned = file_delivery.turning(file, token, start=start, keys=wiring.current().keys)
    return file_fetch.Fetch(
        parts,
        turned,
        hold=file_fetch.take(file, start=start, now=utcnow()),
        is_last=stop == file.size,
        hang_up=connection.breaker(),
    )


def _parts(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as content:
        content.seek(start)
        while start < stop and (block := content.read(min(BLOCK, stop - start))):
            start += len(block)
            yield block


def _chunks() -> Iterator[bytes]:
    while block := request.stream.read(BLOCK):
        yield block


def _counted(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Give the bytes of a part; one that is longer or shorter than it said is not taken."""
    for chunk in chunks:
        length -= len(chunk)
        if length < 0:
            raise _bad_range()
        yield chunk
    if length:
        raise _bad_range()


def _part(file: DeviceFile) -> tuple[int, int | None]:
    """Return where the sent part of a file begins, and its length if it says so."""
    given = request.headers.get("Content-Range")
    if given is None:
        return 0, None
    match = RANGE.fullmatch(given)
    if match is None:
        raise _bad_range()
    start, last, size = map(int, match.groups())
    if size != file.size or not start <= last < size:
        raise _bad_range()
    return start, last - start + 1


def _bad_range() -> Invalid:
    return Invalid(
        "bad_range", N_("Content-Range is like: bytes 0-4095/10000."), field="Content-Range"
    )


def _check_device(device: Device, direction: str) -> None:
    """Let a device announce what it sends, unless that would tell others what it seals."""
    if direction != "upload":
        raise Forbidden("direction", N_("A device uploads."))
    if device.sealed and not wiring.current().settings.url.startswith("https:"):
        raise Forbidden("not_sealed", N_("This device sends sealed messages only."))


def _slow_down() -> None:
    throttle.hit(f"transfer:{throttle.network(client_address())}", TRANSFER_LIMIT, now=utcnow())


def _folder() -> Path:
    return wiring.current().file_way.folder


def _fields(file: DeviceFile) -> dict[str, Any]:
    return {
        "id": file.public_id,
        "name": file.name,
        "direction": file.direction,
        "size": file.size,
        "sha256": file.sha256,
        "state": file.state,
        "received": file.received,
        "sent_at": file.sent_at,
        "result": file.result,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
    }
