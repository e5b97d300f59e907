"""Shows the credentials of a device, once, in every form in which somebody may need them."""

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from config import Settings
from dashboard import components, snippets
from db.models import Device


def panel(
    settings: Settings, device: Device, password: str, *, command_key: str = "", token: str = ""
) -> Component:
    """Return credentials, QR code and programs to paste.

    Args:
        settings: of this installation.
        device: whose credentials they are.
        password: for the broker; it is kept nowhere in readable form.
        command_key: signs the commands it is sent; empty where it was not made new.
        token: for HTTP; empty where it was not made new.
    """
    found = snippets.login(settings, device, password)
    rows = [
        (_("Host"), found.host),
        (_("Port"), str(found.port)),
        (_("User name"), found.username),
        (_("Password"), found.password),
        (_("Topic for readings"), f"{found.base}/telemetry"),
        (_("Topic of commands"), f"{found.base}/commands"),
    ]
    if command_key:
        rows.append((_("Command key"), command_key))
    if token:
        rows.append((_("Token for HTTP"), token))
    return html.Div(
        [
            components.note(
                [
                    html.Strong(_("Password and token are shown only this once.")),
                    " ",
                    _("Copy what you need now; later you can only make new ones."),
                ],
                "warn",
            ),
            html.Div(
                [
                    html.Section([html.H3(_("Credentials")), components.facts(rows)]),
                    html.Section(
                        [
                            html.H3(_("QR code")),
                            html.Img(
                                src=snippets.qr(found),
                                alt=_("The same credentials as a QR code"),
                                className="gh-qr",
                            ),
                        ]
                    ),
                ],
                className="gh-columns",
            ),
            html.H3(_("A program to begin with"), className="mt-4 mb-2"),
            dbc.Tabs(
                [
                    _tab("mosquitto_pub", snippets.mosquitto(found)),
                    _tab("Python", snippets.python(found)),
                    _tab("Arduino", snippets.arduino(found)),
                ],
                active_tab="mosquitto_pub",
            ),
        ],
        className="gh-panel",
    )


def _tab(title: str, program: str) -> Component:
    shown = html.Div(
        [html.Pre(html.Code(program), tabIndex=0), components.copy_button(program)],
        className="gh-snippet mt-3",
    )
    return dbc.Tab(shown, label=title, tab_id=title)
