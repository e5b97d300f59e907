"""The parts of the page of one device that show what it says."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, controls, device_parts, figures, ids
from db.models import Device, Level
from db.telemetry.records import Series
from devices.readings import DeviceNow, SensorNow

RANGES_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "24h": 86_400_000,
}
SHOWN_FIRST = "1h"


def range_words() -> dict[str, str]:
    """Return what each range is called."""
    return {
        "5m": _("5 min"),
        "15m": _("15 min"),
        "1h": _("1 h"),
        "6h": _("6 h"),
        "24h": _("24 h"),
    }


def csv_address(device: Device, shown: str) -> str:
    """Return where the CSV of the shown range is."""
    return f"/data/export.csv?device={device.public_id}&range={shown}"


def tools(device: Device, shown: str) -> Component:
    """Return the choice of range and refresh, and the download."""
    ranges = [
        html.A(
            word,
            href=f"?range={name}",
            **{"data-range": name, **({"aria-current": "true"} if name == shown else {})},
        )
        for name, word in range_words().items()
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.Span(_("Range"), className="gh-tool-label", id="device-range"),
                    html.Div(
                        ranges,
                        className="gh-segments",
                        role="group",
                        **{"aria-labelledby": "device-range"},
                    ),
                ],
                className="gh-tool",
            ),
            components.refresh_picker(),
            html.A(
                [components.icon("download"), _("Download CSV")],
                href=csv_address(device, shown),
                className="btn btn-secondary",
                **{"data-csv": "", "data-device": device.public_id},
            ),
        ],
        className="gh-tools",
    )


def head(
    device: Device,
    level: Level,
    found: DeviceNow,
    command: tuple[str, str],
) -> Component:
    """Return name, presence, and the button that opens a lock.

    Args:
        device: whose page it is.
        level: of the person who looks.
        found: what is known of it.
        command: state and detail of the last command; empty texts before the first.
    """
    return html.Div(
        [
            device_parts.kind_icon(device.kind),
            html.H1(device.name, id="device-title"),
            device_parts.presence(device, found.state),
            device_parts.seen(device, found.presence.last_seen if found.presence else None),
            html.Div(
                [
                    device_parts.command_state(device, *command),
                    device_parts.unlock(device, level),
                    *controls.further(device, level, found),
                    _to_access(device) if level >= Level.MANAGER else None,
                ],
                className="gh-tools ms-auto",
            ),
        ],
        className="gh-head",
    )


def _to_access(device: Device) -> Component:
    return dcc.Link(
        [components.icon("people"), _("Access")],
        href=f"/devices/{device.public_id}/access",
        className="btn btn-secondary",
    )


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
                    figure=figures.state()
                    if is_state
                    else figures.number(series.unit, series.decimals),
                    config=figures.CONFIG,
                    responsive=True,
                    style={"height": "100%"},
                ),
                className="gh-chart-body",
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
    }
    if series.decimals is not None:
        marks["data-decimals"] = str(series.decimals)
    return marks
