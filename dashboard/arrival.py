"""Waits with a person for the first message of a new device, and says what is wrong with it."""

from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

import wiring
from dashboard import components, device_parts
from db.models import Device
from devices import diagnosis, readings


def waiting(device: Device) -> Component:
    """Return what is shown while nothing has come."""
    return html.Div(
        html.Div(
            [
                html.Span(className="gh-spinner", **{"aria-hidden": "true"}),
                html.P(_("Waiting for the first message of %(name)s …", name=device.name)),
            ],
            className="gh-waiting",
        ),
        className="gh-panel",
        role="status",
    )


def progress(device: Device, *, now: datetime) -> tuple[Component, bool]:
    """Return what has come of a new device so far, and whether its first message is there."""
    parts = wiring.current()
    found = readings.sensors(device, parts.store)
    if found:
        return _arrived(device, found), True
    problems = diagnosis.problems(
        device,
        since=device.created_at,
        now=now,
        store=parts.store,
        brokerlog=parts.brokerlog,
    )
    told = [waiting(device), *(_problem(one) for one in problems)]
    return html.Div(told, className="gh-stack"), False


def _arrived(device: Device, found: Sequence[readings.SensorNow]) -> Component:
    return html.Div(
        [
            components.note(html.Strong(_("The first message is here.")), "ok"),
            html.Dl(
                [
                    html.Div(
                        [
                            html.Dt(device_parts.label_of(one.series)),
                            html.Dd(device_parts.value_with_unit(device, one.series, one.newest)),
                        ],
                        className="gh-row",
                    )
                    for one in found
                ],
                className="gh-rows mb-3",
            ),
            dcc.Link(
                _("Open the page of the device"),
                href=f"/devices/{device.public_id}",
                className="btn btn-primary",
            ),
        ],
        className="gh-panel",
        role="status",
    )


def _problem(found: diagnosis.Problem) -> Component:
    sample = [html.Br(), html.Code(found.sample)] if found.sample else []
    return components.note([_(found.text), *sample], "warn", role="status")
