"""GET /data/file: the bytes of a file that a device sent or was sent, for its managers."""

from collections.abc import Iterable
from typing import cast

from flask import Blueprint, Response, request, send_file

import wiring
from auth import access, sessions
from auth.access import Level
from dashboard import readers
from dashboard.answers import refusal
from devices import kept_files
from errors import AppError, Invalid, Unauthenticated
from notify.mark import N_

bp = Blueprint("file_download", __name__, url_prefix="/data")
bp.register_error_handler(AppError, refusal)


@bp.get("/file")
def download() -> Response:
    """Send a file, or a range of it; never to be shown by the browser itself."""
    user = sessions.signed_in()
    if user is None:
        raise Unauthenticated
    device = access.visible(user, request.args.get("device", ""), Level.MANAGER)
    if not (wanted := request.args.get("file", "")):
        raise Invalid("file_missing", N_("Say which file."), field="file")
    file = kept_files.find(wanted, by=user)
    if file.device_id != device.id:
        raise kept_files.unknown()
    answer = send_file(
        kept_files.path_of(file, wiring.current().file_way.folder),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=file.name,
        etag=file.sha256,
        max_age=0,
    )
    answer.response = wiring.current().downloads.begin(
        readers.current(), [device], iter(cast(Iterable[bytes], answer.response)), Level.MANAGER
    )
    answer.headers["Content-Security-Policy"] = "sandbox"
    return answer
