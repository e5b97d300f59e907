"""The tools above the charts: which part of time, compared with what, and the download."""

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, ranges
from dashboard.ranges import Shown
from db.models import Device


def tools(device: Device, shown: Shown) -> Component:
    """Return the choice of range, comparison, time zone and refresh, and the download."""
    return html.Div(
        [
            html.Div(
                [
                    html.Span(_("Range"), className="gh-tool-label", id="device-range"),
                    html.Div(
                        [_range(name, word, shown) for name, word in ranges.words().items()],
                        className="gh-segments",
                        role="group",
                        **{"aria-labelledby": "device-range"},
                    ),
                    _own(),
                    html.Button(
                        _("Leave zoom"),
                        type="button",
                        className="btn btn-secondary btn-sm",
                        hidden=True,
                        disable_n_clicks=True,
                        **{"data-zoom-out": ""},
                    ),
                ],
                className="gh-tool gh-ranges",
            ),
            _choice(
                "device-compare",
                _("Compare"),
                [
                    ("", _("nothing")),
                    ("before", _("the range before")),
                    ("week", _("a week before")),
                ],
                "data-compare",
            ),
            _choice(
                "device-clock",
                _("Times"),
                [("", _("mine")), ("device", device.timezone)],
                "data-zone-choice",
            )
            if device.timezone
            else None,
            components.refresh_picker(),
            html.A(
                [components.icon("download"), _("Download CSV")],
                href=f"/data/export.csv?device={device.public_id}&{shown.query}",
                className="btn btn-secondary",
                **{"data-csv": "", "data-device": device.public_id},
            ),
            components.note(
                None, "warn", role="status", hidden=True, **{"data-range-problems": ""}
            ),
        ],
        className="gh-tools",
    )


def _range(name: str, word: str, shown: Shown) -> Component:
    marks = {"aria-current": "true"} if name == shown.name else {}
    return html.A(word, href=f"?range={name}", **{"data-range": name, **marks})


def _own() -> Component:
    """Return what opens the form of two times; the page's script makes it, as Dash has no such."""
    return html.Details(
        [
            html.Summary(_("Custom"), className="btn btn-secondary btn-sm"),
            html.Form(className="gh-menu-body"),
        ],
        className="gh-menu",
        **{"data-own-range": "", "data-menu": ""},
    )


def _choice(component_id: str, word: str, choices: list[tuple[str, str]], mark: str) -> Component:
    select = html.Select(
        [html.Option(text, value=value) for value, text in choices],
        id=component_id,
        className="form-select",
        **{mark: ""},
    )
    return html.Div([html.Label(word, htmlFor=component_id), select], className="gh-tool")
