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
    if not form.validate_on_submit():
        return page("confirm_email", from_link(form))
    try:
        email_change.confirm(
            form.token.data or "",
            form.check.data or "",
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return dead_link(error, "/login")
    return message(
        _("Your e-mail address is changed"),
        _("From now on, log in with the new address."),
        link=("/", _("Dashboard")),
    )


@bp.route("/confirm/email/undo", methods=["GET", "POST"])
def undo_email() -> Response:
    """Go back to the old address when its owner presses the button."""
    form = UndoForm()
    if not form.validate_on_submit():
        return page("undo_email", from_link(form))
    try:
        email_change.undo(
            form.token.data or "",
            form.check.data or "",
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return dead_link(error, "/login")
    sessions.forget_user()
    return message(
        _("The old address is back"),
        _("All browsers were logged out. Now choose a new password: the old one is known."),
        link=("/recover", _("Choose a new password")),
    )
