"""Files of a device on a page: what arrived, how large it is, and how much room there is."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from flask_babel import format_decimal
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, rows
from db.models import Device, DeviceFile
from devices import kept_files

DELETE = "file-delete"
SHOWN_DIGITS = 12  # of a checksum; the button copies all


def state_words() -> dict[str, str]:
    """Return how far a file is, in words."""
    return {"waiting": _("on its way"), "whole": _("here"), "fetched": _("fetched by the device")}


def listing(device: Device, found: Sequence[DeviceFile], used: int) -> Component:
    """Return the files, newest first, and how much of the room they take."""
    room = _("%(used)s of %(most)s used", used=size(used), most=size(kept_files.QUOTA))
    if not found:
        return html.P(
            [_("The device has not sent a file yet."), " ", room], className="gh-muted mb-0"
        )
    return html.Div(
        [
            html.Div(
                [
                    html.Progress(
                        value=str(used), max=str(kept_files.QUOTA), **{"aria-label": room}
                    ),
                    html.Span(room, className="gh-muted gh-small"),
                ],
                className="gh-quota",
            ),
            html.Div([_file(device, one) for one in found], className="gh-list"),
        ],
        className="gh-stack",
    )


def _file(device: Device, file: DeviceFile) -> Component:
    is_here = file.state != "waiting"
    way = _("from the device") if file.direction == "upload" else _("to the device")
    arrived = (
        size(file.size)
        if is_here
        else _("%(part)s of %(whole)s", part=size(file.received), whole=size(file.size))
    )
    download = html.A(
        [components.icon("download"), _("Download")],
        href=f"/data/file?device={device.public_id}&file={file.public_id}",
        className="btn btn-secondary btn-sm",
    )
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(file.name, className="text-break"),
                    html.Span(
                        state_words().get(file.state, file.state),
                        className="gh-badge",
                        **{"data-state": "done" if is_here else "sent"},
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(
                [way, " · ", arrived, " · ", components.moment(to_ms(file.created_at))],
                className="gh-muted gh-small",
            ),
            html.Div(
                [
                    _("Checksum"),
                    " ",
                    html.Code(f"{file.sha256[:SHOWN_DIGITS]}…", title=file.sha256),
                    components.copy_button(file.sha256),
                ],
                className="gh-muted gh-small",
            ),
            html.Div(
                [
                    download if is_here else None,
                    components.fold(
                        _("Delete …"),
                        rows.button(_("Delete file"), DELETE, file.public_id, "outline-danger"),
                    ),
                ],
                className="gh-actions",
            ),
        ],
        className="gh-list-item",
        **{"aria-label": file.name},
    )


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1000:
        return str(_("%(size)s bytes", size=format_decimal(count)))
    if count < 1_000_000:
        return str(_("%(size)s kB", size=format_decimal(round(count / 1e3, 1))))
    return str(_("%(size)s MB", size=format_decimal(round(count / 1e6, 1))))


def mark_of(found: Sequence[DeviceFile]) -> str:
    """Return a mark that changes whenever the list does."""
    return ",".join(f"{one.public_id}{one.state}{one.received}" for one in found)
