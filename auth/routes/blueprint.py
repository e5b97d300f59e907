"""The blueprint of the account pages, and how a page answers."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlencode, urlsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from auth import audit_words, circumstances, refusals, sessions
from auth.passkeys import Site
from db.models import User
from errors import AppError, TooMany
from notify import language, mail_words
from notify.mark import N_

bp = Blueprint("account", __name__, template_folder="../templates")

P = ParamSpec("P")
TOKEN_PAGES = ("/confirm", "/register/invitation", "/reset")  # and what is below them
KEPT = ("token", "check", "next")  # what forms keep of the address they were opened at
NO_PAGE = "to_login"  # the view that only sends on
LARGEST = 2**53  # of a number in a query; databases count a little further


@bp.after_request
def guard(response: Response) -> Response:
    """Keep account pages out of caches, and links with a token out of the next site's log."""
    response.headers["Cache-Control"] = "no-store"
    if request.path.startswith(TOKEN_PAGES):
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.app_context_processor
def who() -> dict[str, object]:
    """Tell templates who is signed in."""
    return {"user": sessions.signed_in()}


@bp.app_template_filter("moment")
def moment(at: datetime) -> str:
    """Write a moment in the person's language and time zone."""
    return str(format_datetime(at, "medium"))


@bp.app_template_filter("action")
def action(code: str) -> str:
    """Write what was done in the person's language; a code that has no name stays as it is."""
    return _word(audit_words.WORDS, code)


@bp.app_template_filter("result")
def result(code: str) -> str:
    """Write what came of it in the person's language."""
    return _word(audit_words.RESULTS, code)


@bp.app_template_filter("object_type")
def object_type(code: str) -> str:
    """Write what kind of thing was touched in the person's language."""
    return _word(audit_words.OBJECTS, code)


@bp.app_template_filter("actor")
def actor(text: str) -> str:
    """Write who did it; those who are no persons in the person's language."""
    word, rest = audit_words.split_actor(text)
    return f"{_(word)} {rest}".strip() if word else rest


@bp.app_template_filter("mail")
def mail(template: str) -> str:
    """Write what kind of message it is in the person's language."""
    return _word(mail_words.TEMPLATES, template)


@bp.app_template_filter("mail_state")
def mail_state(code: str) -> str:
    """Write how far a message is in the person's language."""
    return _word(mail_words.STATES, code)


def _word(words: Mapping[str, str], code: str) -> str:
    return str(_(words[code])) if code in words else code


def page(
    template: str, form: FlaskForm | None = None, error: AppError | None = None, **values: Any
) -> Response:
    """Show a page; one whose form or wish was refused says why, with the right status.

    Args:
        template: a file in `templates/account` without its ending.
        form: what the page asks for.
        error: why the last try was refused.
        values: what else the template names.
    """
    text = "" if error is None else language.translate(error)
    response = make_response(
        render_template(
            f"account/{template}.html", form=form, error=text, this_page=_here(form), **values
        )
    )
    if error is not None:
        response.status_code = error.status
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
    elif form is not None and form.errors:
        response.status_code = 400
    return response


def _here(form: FlaskForm | None) -> str:
    """Return where the page that is shown can be opened again, with what its link said.

    It goes into forms only, never into an address of its own: it may hold a token.
    """
    if request.method == "GET":
        return request.full_path.rstrip("?")
    if form is None:  # what was sent is done
        return "/login"
    return _opened_at(request.path)


def _opened_at(path: str) -> str:
    """Return the address of a page with what its form has kept of it."""
    kept = {name: request.form[name] for name in KEPT if request.form.get(name)}
    return f"{path}?{urlencode(kept)}" if kept else path


def message(
    title: str, text: str, *, link: tuple[str, str] | None = None, error: AppError | None = None
) -> Response:
    """Show a page that only says something.

    Args:
        title: the heading, translated.
        text: what there is to say, translated.
        link: address and translated words of the way on.
        error: what went wrong, if that is what the page says.
    """
    return page("message", error=error, title=title, text=text, link=link)


@bp.errorhandler(AppError)
def refused(error: AppError) -> Response:
    """Say on a page of its own what a view did not expect."""
    refusals.forbidden(error, user=sessions.signed_in(), **circumstances.of_refusal())
    return message(_("That did not work"), "", link=("/", _("Dashboard")), error=error)


@bp.errorhandler(CSRFError)
def stale(_error: CSRFError) -> Response:
    """Say what a form without its token mostly is: one whose browser has lost its cookie."""
    again = AppError("page_too_old", N_("This page was open for too long. Please try again."))
    return message(_("That did not work"), "", link=(_form_page(), _("Back")), error=again)


def _form_page() -> str:
    """Return the page that a form stood on which was sent to here: the nearest one to look at."""
    path = request.path
    if _is_page(path):
        return request.full_path if request.query_string else _opened_at(path)
    while path and not _is_page(path):
        path = path.rpartition("/")[0]
    return path or "/login"


def _is_page(path: str) -> bool:
    """Return whether a page of this blueprint, no mere way to one, is at a path."""
    try:
        found = current_app.url_map.bind_to_environ(request.environ).match(path, method="GET")
    except (RequestRedirect, HTTPException):
        return False
    name = str(found[0])
    return name.startswith(f"{bp.name}.") and name != f"{bp.name}.{NO_PAGE}"


def number(name: str) -> int | None:
    """Return a number of the query; None if there is none, or one that no row can have."""
    given = request.args.get(name, type=int)
    return given if given is not None and 0 <= given <= LARGEST else None


def me() -> User:
    """Return who is signed in, below `login_required`."""
    user = sessions.signed_in()
    assert user is not None
    return user


def site() -> Site | None:
    """Return where this browser is for passkeys; None where only a network address is known."""
    host = urlsplit(request.host_url).hostname or ""
    if ":" in host or re.fullmatch(r"[\d.]*", host):
        return None
    return Site(host, request.host_url.rstrip("/"))


def login_required(
    view: Callable[P, Response],
) -> Callable[P, Response]:
    """Show a page only to who is signed in; others go to the login and come back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        if sessions.signed_in() is None:
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return go(url_for("account.login", next=wanted))
        return view(*args, **kwargs)

    return guarded


def go(address: str) -> Response:
    """Send the browser on with a GET, whatever it did before."""
    return make_response(redirect(address, 303))
