"""Readings as a file: which devices, sensors and times, and how they are written."""

from typing import Any
from urllib.parse import urlencode

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, callback, dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

import wiring
from auth import access as rights
from dashboard import components, device_parts
from dashboard.access import access
from db.models import User
from devices import export

IDS = ("devices", "sensors", "from", "to", "form", "layout", "step", "times", "separator", "gzip")
DEVICES, SENSORS, FROM, TO, FORM, LAYOUT, STEP, TIMES, SEPARATOR, GZIP = (
    f"export-{name}" for name in IDS
)
ASKED = ("from", "to", "layout")  # as they are
OF_CSV = ("times", "separator", "gzip")
LINK, WORD, CELLS = "export-link", "export-word", "export-cells"
PATHS = {"csv": "/data/export.csv", "parquet": "/data/export.parquet"}
TEXT = 64  # characters of a time or a number that a field may hold


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Export")) + " · Gatehouse"


dash.register_page(__name__, path="/export", title=title, order=5)


@access("user")
def layout(user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.Div(html.H1(_("Export")), className="gh-head"),
            html.Div(
                [
                    html.Div([_what(user), _when(), _how()], className="gh-columns"),
                    html.Div(
                        [
                            html.A(
                                [
                                    components.icon("download"),
                                    html.Span(_("Download CSV"), id=WORD),
                                ],
                                id=LINK,
                                href=PATHS["csv"],
                                className="btn btn-primary",
                                **{"data-export": ""},
                            ),
                            html.Div(**{"data-export-progress": ""}),
                        ],
                        className="gh-tools mt-3",
                    ),
                ],
                className="gh-panel",
            ),
        ]
    )


@callback(
    Output(LINK, "href"),
    Output(WORD, "children"),
    Output(CELLS, "hidden"),
    *(Input(f"export-{name}", "value") for name in IDS),
)
@access("user")
def address(_user: User, *values: Any) -> tuple[str, str, bool]:
    """Return where the file is that the fields ask for, what it is, and if it has no cells.

    The route itself asks who may.
    """
    given = dict(zip(IDS, values, strict=True))
    typed = given["form"] == "parquet"
    wide = ("step",) if given["layout"] == "wide" else ()
    query = [
        *(("device", one) for one in _several(given["devices"])),
        *(("sensor", one) for one in _several(given["sensors"])),
        *(
            (name, str(given[name])[:TEXT])
            for name in (*ASKED, *wide, *(() if typed else OF_CSV))
            if given[name]
        ),
    ]
    path = PATHS["parquet" if typed else "csv"]
    word = _("Download Parquet") if typed else _("Download CSV")
    return f"{path}?{urlencode(query)}" if query else path, word, typed


def _several(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _what(user: User) -> Component:
    devices = [device for device, _level in rights.visible_devices(user)]
    columns = export.columns(devices, wiring.current().store)
    labels = {one.series.name: device_parts.label_of(one.series) for one in columns}
    sensors = {
        name: name if label == name else f"{label} ({name})" for name, label in labels.items()
    }
    return html.Section(
        [
            html.H2(_("What")),
            components.field(
                _("Devices"),
                _picker(DEVICES, {one.public_id: one.name for one in devices}),
                _("None chosen: all that you may see."),
            ),
            components.field(
                _("Sensors"),
                _picker(SENSORS, sensors),
                _("None chosen: all of these devices."),
            ),
        ]
    )


def _picker(component_id: str, options: dict[str, str]) -> Component:
    return dcc.Dropdown(
        id=component_id,
        options=[{"value": value, "label": word} for value, word in options.items()],
        multi=True,
        placeholder=_("All"),
    )


def _when() -> Component:
    return html.Section(
        [
            html.H2(_("When")),
            components.field(
                _("From"),
                dbc.Input(id=FROM, type="datetime-local"),
                _("Empty: from the first reading on."),
            ),
            components.field(
                _("To"),
                dbc.Input(id=TO, type="datetime-local"),
                _("Empty: until now. This moment itself is left out."),
            ),
        ]
    )


def _how() -> Component:
    return html.Section(
        [
            html.H2(_("How")),
            components.field(
                _("File"),
                _choice(
                    FORM,
                    {
                        "csv": _("CSV: for spreadsheets and programs"),
                        "parquet": _("Parquet: for analysis"),
                    },
                ),
            ),
            components.field(
                _("Layout"),
                _choice(
                    LAYOUT,
                    {
                        "long": _("Long: one line a reading"),
                        "wide": _("Wide: one column a sensor"),
                    },
                ),
            ),
            components.field(
                _("Seconds a line, if wide"),
                dbc.Input(id=STEP, inputMode="numeric"),  # what is no number is for the route
                _("Empty: a line for each time. Else means of numbers, the last of the rest."),
            ),
            html.Div(_cells(), id=CELLS),
        ]
    )


def _cells() -> list[Component]:
    """Return what only CSV asks."""
    return [
        components.field(
            _("Times"),
            _choice(
                TIMES,
                {
                    "iso": _("For programs: 2026-01-31T12:00:00.000Z"),
                    "local": _("For spreadsheets: 2026-01-31 12:00:00, as on your clock"),
                },
            ),
        ),
        components.field(
            _("Separator"),
            _choice(
                SEPARATOR,
                {
                    "comma": _("Comma"),
                    "semicolon": _("Semicolon, with decimal commas"),
                    "tab": _("Tab"),
                },
            ),
        ),
        components.field(
            _("Size"),
            _choice(GZIP, {"0": _("As it is"), "1": _("Packed with gzip")}),
        ),
    ]


def _choice(component_id: str, words: dict[str, str]) -> Component:
    options = [{"value": value, "label": word} for value, word in words.items()]
    return dbc.Select(id=component_id, options=options, value=next(iter(words)))
