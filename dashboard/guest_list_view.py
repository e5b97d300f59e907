"""What the page for many guests shows: how a list looks, what is wrong with it, and the links."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, guest_links, qr
from devices import guest_list
from devices.guest_list import Line
from errors import Invalid
from notify import language

EXAMPLE = """device;guest;from;until;email;hours;uses;pin;language
Room 1;Mia;2030-07-05 15:00;2030-07-07 11:00;mia@example.org;;;;en
Room 2;Otto;2030-07-05 15:00;2030-07-07 11:00;;fri sat 15:00-11:00;5;4711;de"""


def explained() -> Component:
    """Return how a list looks."""
    return components.fold(
        _("How the list looks"),
        html.Div(
            [
                html.P(
                    _(
                        "CSV with a line for each guest. The columns device, guest, from and until "
                        "are needed; times are those of the clock beside the door."
                    )
                ),
                html.Pre(html.Code(EXAMPLE), className="gh-scroll", tabIndex="0"),
            ]
        ),
    )


def file_text(contents: Any) -> str:
    """Return the text of a file as the browser's upload sends it.

    Raises:
        Invalid: it is no text.
    """
    try:
        return base64.b64decode(str(contents).partition(",")[2], validate=True).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid("not_utf8", _("The list is not UTF-8.")) from None


def looked_over(lines: Sequence[Line]) -> Component:
    """Return what would become of each line."""
    wrong = sum(line.error is not None for line in lines)
    told = (
        components.note(
            _("Lines that cannot be used: %(count)s. Nothing is made.", count=wrong), "bad"
        )
        if wrong
        else components.note(_("Every line can be used: %(count)s.", count=len(lines)), "ok")
    )
    heads = [_("Line"), _("Device"), _("Guest"), _("From – until"), _("Result")]
    return html.Section(
        [
            told,
            html.Div(components.table(heads, [_row(line) for line in lines]), className="gh-lines"),
        ],
        className="gh-panel gh-stack",
    )


def _row(line: Line) -> list[Component | str]:
    terms = line.terms
    span = guest_links.window(terms.not_before, terms.not_after, terms.timezone) if terms else ""
    state = (
        html.Span(language.translate(line.error), className="gh-badge", **{"data-state": "failed"})
        if line.error
        else html.Span(_("fits"), className="gh-badge", **{"data-state": "done"})
    )
    return [str(line.number), line.name, terms.label if terms else "", span, state]


def made(lines: Sequence[Line]) -> Component:
    """Return the new links, which are shown this once, to be printed or kept as a file."""
    sent = sum(bool(line.link and line.link.email) for line in lines)
    told = _("Links made: %(count)s, on their way by mail: %(sent)s.", count=len(lines), sent=sent)
    packed = base64.b64encode(guest_list.result(lines)).decode()
    return html.Div(
        [
            components.note(
                [html.Strong(told), " ", _("The links are shown only this once.")], "warn"
            ),
            html.Div(
                [
                    html.A(
                        [components.icon("download"), _("Download CSV")],
                        href=f"data:text/csv;charset=utf-8;base64,{packed}",
                        download="guest-links.csv",
                        className="btn btn-secondary",
                    ),
                    html.Button(
                        _("Print"),
                        type="button",
                        disable_n_clicks=True,
                        className="btn btn-secondary",
                        **{"data-print": ""},
                    ),
                ],
                className="gh-actions gh-not-printed",
            ),
            html.Div([_sheet(line) for line in lines], className="gh-list gh-sheets"),
        ],
        className="gh-stack",
    )


def _sheet(line: Line) -> Component | None:
    if line.link is None:
        return None
    link = line.link
    return html.Article(
        [
            html.Div([html.H2(link.device.name), html.Span(link.label)], className="gh-list-head"),
            html.Div(guest_links.window(link.not_before, link.not_after, link.timezone)),
            html.Img(
                src=qr.image(line.url), alt=_("The same link as a QR code"), className="gh-qr"
            ),
            html.Code(line.url, **{"data-guest-link": ""}),
        ],
        className="gh-list-item",
        **{"aria-label": f"{link.device.name}, {link.label}"},
    )
