"""The parts of the page of one device that show what it says."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, controls, device_parts, figures, ids
from db.models import Device, Level
from db.telemetry.records import Series
from devices.readings import DeviceNow, SensorNow


def head(
    device: Device,
    level: Level,
    found: DeviceNow,
    command: dict[str, Any] | None,
) -> Component:
    """Return name, presence, and the button that opens a lock.

    Args:
        device: whose page it is.
        level: of the person who looks.
        found: what is known of it.
        command: the last one, as the stream tells it, or None.
    """
    return html.Div(
        [
            device_parts.kind_icon(device.kind),
            html.H1(device.name, id="device-title"),
            device_parts.presence(device, found.state),
            device_parts.seen(device, found.presence.last_seen if found.presence else None),
            html.Div(
                [
                    device_parts.last_command(device, command),
                    *controls.first(device, level, found),
                    *(_further_pages(device) if level >= Level.MANAGER else ()),
                ],
                className="gh-tools ms-auto",
            ),
        ],
        className="gh-head",
    )


def _further_pages(device: Device) -> list[Component]:
    pages = [("people", _("Access"), "access"), ("file", _("Files"), "files")]
    return [
        dcc.Link(
            [components.icon(symbol), text],
            href=f"/devices/{device.public_id}/{path}",
            className="btn btn-secondary",
        )
        for symbol, text, path in pages
    ]


def notes(device: Device) -> Component | None:
    """Return what somebody wrote down about the device."""
    if not device.notes:
        return None
    text = html.P(device.notes, className="gh-notes")
    return html.Section([html.H2(_("Notes")), text], className="gh-panel")


def sensors(device: Device, found: Sequence[SensorNow]) -> Component:
    """Return a chart per number and a timeline per state; texts stand in a list of their own."""
    if not found:
        return components.empty(
            _("No readings yet"),
            _("This page fills by itself when the device sends its first message."),
        )
    drawn = [one for one in found if one.series.kind != "text"]
    numbers = [_chart(device, one) for one in drawn if one.series.kind == "number"]
    states = [_chart(device, one) for one in drawn if one.series.kind == "state"]
    return html.Div(
        [html.Div(charts, className="gh-charts") for charts in (numbers, states) if charts],
        className="gh-stack",
    )


def _chart(device: Device, one: SensorNow) -> Component:
    series = one.series
    is_state = series.kind == "state"
    light = [device_parts.light(device, series, one.newest)] if device_parts.is_led(series) else []
    return html.Section(
        [
            html.Div(
                [
                    html.H2(device_parts.label_of(series)),
                    html.Span(
                        [*light, *device_parts.value_with_unit(device, series, one.newest)],
                        className="gh-value",
                    ),
                ],
                className="gh-chart-head",
            ),
            html.Div(
                dcc.Graph(
                    id=ids.chart(device.public_id, series.name),
                    figure=figures.state(device_parts.words_of(series))
                    if is_state
                    else figures.number(series.unit),
                    config=figures.CONFIG,
                    responsive=True,
                    style={"height": "100%"},
                ),
                className="gh-chart-body",
                tabIndex=0,
                role="group",
                **_marks(device, series),
            ),
        ],
        className="gh-panel gh-chart",
        **{"data-kind": series.kind},
    )


def _marks(device: Device, series: Series) -> dict[str, str]:
    marks = {
        "data-chart": "",
        "data-device": device.public_id,
        "data-sensor": series.name,
        "data-kind": series.kind,
        "data-unit": series.unit,
        "data-label": device_parts.label_of(series),
        "data-colour": series.colour,
        "aria-label": _(
            "%(label)s: arrow keys move in time, + and - zoom, Escape goes back",
            label=device_parts.label_of(series),
        ),
    }
    if series.kind == "state":
        marks["data-if-off"], marks["data-if-on"] = device_parts.words_of(series)
    for name in ("decimals", "low", "high"):
        if (number := getattr(series, name)) is not None:
            marks[f"data-{name}"] = str(number)
    return marks
