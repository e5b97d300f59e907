"""What a person sees when something goes wrong in a callback or while a page is made."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

import dash
from dash import html, no_update
from flask_babel import gettext as _

from auth import circumstances, refusals, sessions
from dashboard import components, ids
from errors import AppError
from notify import language

log = logging.getLogger("gatehouse.dashboard")


def show(error: Exception) -> Any:
    """Show an error where it happened: instead of the page, or as a message over it.

    What went wrong on purpose says so in the person's language.  Everything else is logged
    under a number, and the person sees only that number.
    """
    if isinstance(error, AppError):
        refusals.forbidden(error, user=sessions.signed_in(), **circumstances.of_refusal())
        title, text = language.translate(error), ""
    else:
        number = secrets.token_hex(4)
        log.error("error %s", number, exc_info=error)
        title = _("Something went wrong.")
        text = _("It has been written down as error %(number)s.", number=number)
    if _is_page():
        return components.problem_page(title, text), {"title": f"{title} · Gatehouse"}
    dash.set_props(ids.TOASTS, {"children": html.P([title, " ", text], className="gh-toast")})
    return no_update


def beside(component_id: str) -> Callable[[Exception], Any]:
    """Return an error handler that shows what a person did wrong inside a form."""

    def show_there(error: Exception) -> Any:
        if not isinstance(error, AppError):
            return show(error)
        refusals.forbidden(error, user=sessions.signed_in(), **circumstances.of_refusal())
        told = components.note(language.translate(error), "bad")
        dash.set_props(component_id, {"children": told})
        return no_update

    return show_there


def _is_page() -> bool:
    outputs = dash.callback_context.outputs_list
    return isinstance(outputs, list) and bool(outputs) and outputs[0].get("id") == "_pages_content"
