"""The links of a change of address: /confirm/email and /confirm/email/undo."""

from flask import Response
from flask_babel import gettext as _

from auth import email_change, sessions
from auth.routes.blueprint import bp, message, page
from auth.routes.forms import EmailLinkForm, UndoForm
from auth.routes.registration import dead_link, from_link
from clock import utcnow
from errors import AppError


@bp.route("/confirm/email", methods=["GET", "POST"])
def confirm_email() -> Response:
    """Take the new address when its owner presses the button."""
    form = EmailLinkForm()
    token, check = from_link(form)
    now = utcnow()
    try:
        if not form.validate_on_submit():
            email_change.to_confirm(token, check, now=now)
            return page("confirm_email", form)
        email_change.confirm(token, check, now=now, address=sessions.client_address())
    except AppError as error:
        return dead_link(error, "/login", token)
    return message(
        _("Your e-mail address is changed"),
        _("From now on, log in with the new address."),
        link=("/", _("Dashboard")),
    )


@bp.route("/confirm/email/undo", methods=["GET", "POST"])
def undo_email() -> Response:
    """Go back to the old address when its owner presses the button."""
    form = UndoForm()
    token, check = from_link(form)
    now = utcnow()
    try:
        if not form.validate_on_submit():
            email_change.to_undo(token, check, now=now)
            return page("undo_email", form)
        email_change.undo(token, check, now=now, address=sessions.client_address())
    except AppError as error:
        return dead_link(error, "/login", token)
    sessions.forget_user()
    return message(
        _("The old address is back"),
        _("All browsers were logged out. Now choose a new password: the old one is known."),
        link=("/recover", _("Choose a new password")),
    )
