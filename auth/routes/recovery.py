"""The way back in: /recover and /reset."""

from flask import Response
from flask_babel import gettext as _

from auth import recovery, sessions
from auth.routes.blueprint import bp, message, page
from auth.routes.forms import EmailForm, ResetForm
from auth.routes.registration import dead_link, from_link, mail_sent
from clock import utcnow
from errors import AppError, Gone
from notify import language


@bp.route("/recover", methods=["GET", "POST"])
def recover() -> Response:
    """Send the way to a new password; the answer is the same for unknown addresses."""
    form = EmailForm()
    if not form.validate_on_submit():
        return page("recover", form)
    try:
        recovery.ask(
            form.email.data,
            language=language.code(),
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return page("recover", form, error)
    return mail_sent(form.email.data)


@bp.route("/reset", methods=["GET", "POST"])
def reset() -> Response:
    """Take the code and a new password; nobody is logged in by it."""
    form = ResetForm()
    token, check = from_link(form)
    now, address = utcnow(), sessions.client_address()
    try:
        if not form.validate_on_submit():
            recovery.to_reset(token, check, now=now)
            return page("reset", form)
        recovery.reset(token, check, form.code.data, form.password.data, now=now, address=address)
    except AppError as error:
        if isinstance(error, Gone):
            return dead_link(error, "/recover", token)
        return page("reset", form, error)
    return message(
        _("Your password is changed"),
        _("You were logged out everywhere. Log in with the new password."),
        link=("/login", _("Log in")),
    )
