"""GET /data/access-log.csv: the access log of a device, for its managers."""

from flask import Blueprint, Response, request, stream_with_context

import wiring
from auth import access, sessions
from dashboard import readers
from dashboard.answers import refusal
from devices import access_log
from errors import AppError, Unauthenticated

bp = Blueprint("log_csv", __name__, url_prefix="/data")
bp.register_error_handler(AppError, refusal)


@bp.get("/access-log.csv")
def download() -> Response:
    """Stream the whole log, newest first."""
    user = sessions.signed_in()
    if user is None:
        raise Unauthenticated
    device = access.visible(user, request.args.get("device", ""))
    lines = stream_with_context(access_log.csv(device, by=user))
    return Response(
        wiring.current().downloads.begin(readers.current(), [device], lines, access.Level.MANAGER),
        mimetype="text/csv",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{device.controller_id}-access.csv"',
            "X-Accel-Buffering": "no",
        },
    )
