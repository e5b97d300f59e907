"""Another address, and leaving: /settings/email, /settings/account, /settings/export.json."""

from flask import Response, jsonify
from flask_babel import gettext as _

from auth import closing, email_change, password_change, sessions
from auth.routes.blueprint import bp, login_required, me, message, page
from auth.routes.registration import mail_sent
from auth.routes.settings_forms import NewEmailForm, PasswordForm
from clock import utcnow
from errors import AppError


@bp.route("/settings/email", methods=["GET", "POST"])
@login_required
def change_email() -> Response:
    """Send a link to the new address."""
    form = NewEmailForm()
    if not form.validate_on_submit():
        return page("email", form)
    try:
        email_change.ask(
            me(),
            form.password.data,
            form.email.data,
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return page("email", form, error)
    return mail_sent(form.email.data, ("/settings", _("Settings")))


@bp.get("/settings/export.json")
@login_required
def export() -> Response:
    """Download everything that is stored about oneself."""
    answer = jsonify(closing.export(me(), now=utcnow(), address=sessions.client_address()))
    answer.headers["Content-Disposition"] = 'attachment; filename="gatehouse-account.json"'
    return answer


@bp.route("/settings/account", methods=["GET", "POST"])
@login_required
def close_account() -> Response:
    """Delete the account of who knows its password."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return page("account", form)
    now, address = utcnow(), sessions.client_address()
    try:
        password_change.prove(me(), form.password.data, now=now, address=address)
        closing.delete(me(), now=now, address=address)
    except AppError as error:
        return page("account", form, error)
    sessions.forget_user()
    return message(
        _("Your account is deleted"),
        _("Thank you for having been with us."),
        link=("/login", _("Log in")),
    )
