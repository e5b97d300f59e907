"""What surrounds the lists of a device's further pages: who gets in, files."""

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, device_parts
from db.models import Device


def head(device: Device) -> Component:
    """Return the title of the page that says who gets in."""
    return titled(device, _("Access to %(device)s", device=device.name))


def titled(device: Device, title: str) -> Component:
    """Return the title of a page about a device, and the way back to it."""
    return html.Div(
        [
            device_parts.kind_icon(device.kind),
            html.H1(title),
            dcc.Link(
                [components.icon("back"), _("To the device")],
                href=f"/devices/{device.public_id}",
                className="btn btn-secondary ms-auto",
            ),
        ],
        className="gh-head",
    )


def section(title: str, *content: Component) -> Component:
    """Return one part of the page."""
    return html.Section(
        [html.H2(title), html.Div(list(content), className="gh-stack")],
        className="gh-panel",
        **{"aria-label": title},
    )


def log(device: Device, lines: Component) -> Component:
    """Return the access log with its download."""
    return section(
        _("Access log"),
        lines,
        html.Div(
            html.A(
                [components.icon("download"), _("Download CSV")],
                href=f"/data/access-log.csv?device={device.public_id}",
                className="btn btn-secondary",
            )
        ),
    )
