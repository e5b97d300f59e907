"""The parts that pages are put together from."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from babel.units import format_unit
from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import format_decimal, format_timedelta, get_locale
from flask_babel import gettext as _

from clock import from_ms, now_ms

Children: TypeAlias = Any  # whatever Dash takes as children


def icon(name: str) -> Component:
    """Return a small picture that says nothing by itself; a word stands beside it."""
    return html.Span(className="gh-icon", **{"data-icon": name, "aria-hidden": "true"})


def moment(ms: int | None, **marks: str) -> Component:
    """Return a time, if there is one; the script shows it in the reader's zone."""
    text = from_ms(ms).strftime("%Y-%m-%d %H:%M:%S UTC") if ms else ""
    return _time(ms, text, marks)


def ago(ms: int | None, **marks: str) -> Component:
    """Return how long ago a time is, if there is one; the script keeps it true.

    It is as long as what the script will write, so that nothing moves when it does.
    """
    since = timedelta(seconds=(now_ms() - ms) // 1000) if ms else timedelta()
    text = format_timedelta(-since, add_direction=True) if ms else ""
    return _time(ms, text, marks)


def _time(ms: int | None, text: str, marks: dict[str, str]) -> Component:
    if ms:
        at = from_ms(ms).isoformat(timespec="milliseconds")
        marks = {"dateTime": at, "data-t": str(ms), **marks}
    return html.Time(text, className="gh-seen", **marks)


def empty(
    title: str, text: str, *actions: Component, heading: type[Component] = html.H2
) -> Component:
    """Return what a page shows where there is nothing yet, and the way on."""
    return html.Div([heading(title), html.P(text), *actions], className="gh-empty")


def problem_page(title: str, text: str) -> Component:
    """Return a page that says what went wrong and leads back."""
    back = dcc.Link(_("Back to the dashboard"), href="/", className="btn btn-secondary")
    return html.Div(empty(title, text, back, heading=html.H1), className="gh-narrow")


def note(children: Children, tone: str = "info", **props: Any) -> Component:
    """Return a remark; `tone` is info, ok, warn or bad."""
    return html.Div(children, className="gh-note", **{"data-tone": tone, **props})


def note_about(row: str, states: str, children: Children, tone: str) -> Component:
    """Return a remark that is there only while what it is about has one of these states.

    Args:
        row: what a row of a list on the same page has as `data-named`.
        states: what the row's badge has as `data-state`, separated by spaces.
        children: what it says.
        tone: as of `note`.
    """
    return note(children, tone, **{"data-about": row, "data-while": states})


def field(label: str, control: Component, hint: str = "") -> Component:
    """Return a labelled field of a form."""
    return html.Div(
        [
            html.Label(label, htmlFor=control.id, className="form-label"),
            control,
            html.Div(hint, className="form-text") if hint else None,
        ],
        className="gh-field",
    )


def fold(title: str, content: Component) -> Component:
    """Return something that is folded away behind its title."""
    return html.Details([html.Summary(title), content], className="gh-fold")


def table(heads: Sequence[str], rows: Sequence[Sequence[Component | str]]) -> Component:
    """Return a table that scrolls sideways by itself where it is too wide."""
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows]),
            ],
            className="gh-table",
        ),
        className="gh-scroll",
        tabIndex="0",  # so that the keyboard can scroll it
    )


def copy_button(text: str) -> Component:
    """Return a button that puts a text on the clipboard."""
    return html.Button(
        icon("copy"),
        type="button",
        className="gh-copy",
        disable_n_clicks=True,
        title=_("Copy"),
        **{"data-copy": text, "aria-label": _("Copy")},
    )


def facts(rows: Iterable[tuple[str, str]]) -> Component:
    """Return names with values, each value with a button to copy it."""
    return html.Dl(
        [
            part
            for name, text in rows
            for part in (
                html.Dt(name),
                html.Dd([html.Code(text), copy_button(text)]),
            )
        ],
        className="gh-facts",
    )


def days(count: int | None) -> str:
    """Return for how long something is kept in words; None: for ever."""
    if count is None:
        return str(_("for ever"))
    return str(format_unit(count, "duration-day", locale=get_locale()))


def size(count: int) -> str:
    """Return a number of bytes in words."""
    if count < 1e6:
        return str(_("%(size)s kB", size=format_decimal(round(count / 1e3))))
    if count < 1e9:
        return str(_("%(size)s MB", size=format_decimal(round(count / 1e6, 1))))
    return str(_("%(size)s GB", size=format_decimal(round(count / 1e9, 1))))


def refresh_picker() -> Component:
    """Return the choice how often the page moves; the page's script acts on it."""
    choices = [
        ("live", _("live")),
        ("1", _("1 s")),
        ("5", _("5 s")),
        ("30", _("30 s")),
        ("paused", _("paused")),
    ]
    return html.Div(
        [
            html.Label(_("Refresh"), htmlFor="refresh"),
            html.Select(
                [html.Option(text, value=value) for value, text in choices],
                id="refresh",
                className="form-select",
                **{"data-refresh": ""},
            ),
        ],
        className="gh-tool",
    )
