"""How one gets in: /settings/password and /settings/security."""

from datetime import datetime

from flask import Response, jsonify, request
from flask_babel import gettext as _

from auth import browsers, codes, passkeys, password_change, second_factor, sessions
from auth.routes.blueprint import bp, go, login_required, me, message, page, site
from auth.routes.entrance import signed_answer
from auth.routes.forms import ButtonForm, CodeForm
from auth.routes.settings_forms import AddPasskeyForm, NewPasswordForm, PasswordForm
from clock import utcnow
from errors import AppError, Forbidden, Gone, Invalid
from notify.mark import N_


@bp.route("/settings/password", methods=["GET", "POST"])
@login_required
def change_password() -> Response:
    """Two steps: the current password brings a code, the code a new password."""
    now, address = utcnow(), sessions.client_address()
    waits = codes.pending(me(), password_change.PURPOSE, now=now) is not None
    if waits or "code" in request.form:  # a form of the second step whose request has ended
        return _second_step()
    form = PasswordForm()
    if not form.validate_on_submit():
        return page("password", form)
    try:
        password_change.ask(me(), form.password.data, now=now, address=address)
    except AppError as error:
        return page("password", form, error)
    return go("/settings/password")


def _second_step() -> Response:
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return page("new_password", form)
    try:
        password_change.finish(
            me(),
            form.code.data,
            form.password.data,
            now=utcnow(),
            address=sessions.client_address(),
        )
    except Gone as error:
        return _anew(error)
    except AppError as error:
        return page("new_password", form, error)
    sessions.forget_user()
    return message(
        _("Your password is changed"),
        _("You were logged out everywhere. Log in with the new password."),
        link=("/login", _("Log in")),
    )


def _anew(error: Gone) -> Response:
    """Say that the code has ended, on the page that asks for a new one."""
    return page("password", PasswordForm(formdata=None), error)


@bp.post("/settings/password/resend")
@login_required
def resend_code() -> Response:
    """Send the code of the pending change again."""
    if ButtonForm().validate_on_submit():
        try:
            codes.resend(
                me(),
                password_change.PURPOSE,
                now=utcnow(),
                address=sessions.client_address(),
            )
        except Gone as error:
            return _anew(error)
        except AppError as error:
            return page("new_password", NewPasswordForm(formdata=None), error)
    return go("/settings/password")


@bp.get("/settings/security")
@login_required
def security() -> Response:
    """Second factor and passkeys."""
    return _overview()


def _overview(error: AppError | None = None) -> Response:
    here, fresh = site(), sessions.is_fresh(now=utcnow())
    secret = second_factor.secret(me()) if fresh else ""
    return page(
        "security",
        error=error,
        fresh=fresh,
        secret=secret,
        picture=second_factor.picture(me()) if secret else "",
        needed=second_factor.needed(me()),
        left=second_factor.codes_left(me()),
        keys=passkeys.listed(me()),
        code=CodeForm(formdata=None),
        proof=PasswordForm(formdata=None),
        new_key=AddPasskeyForm(formdata=None) if here is not None else None,
    )


@bp.post("/settings/security/app")
@login_required
def begin_app() -> Response:
    """Show the QR code for an authenticator app."""
    if ButtonForm().validate_on_submit() and sessions.is_fresh(now=utcnow()):
        second_factor.begin(me())
    return go("/settings/security")


@bp.post("/settings/security/app/confirm")
@login_required
def confirm_app() -> Response:
    """Switch the app on when it shows the right code."""
    form, now, address = CodeForm(), utcnow(), sessions.client_address()
    if not (form.validate_on_submit() and sessions.is_fresh(now=now)):
        return go("/settings/security")
    try:
        made = second_factor.confirm(me(), form.code.data, now=now, address=address)
    except AppError as error:
        return _overview(error)
    return _changed(made)


@bp.post("/settings/security/<any(add, off, codes, passkey):what>")
@login_required
def with_password(what: str) -> Response:
    """Do what weakens the account, or lets one add a way in, only for who knows its password."""
    form, item = PasswordForm(), ButtonForm()
    if not form.validate_on_submit():
        return go("/settings/security")
    now, address = utcnow(), sessions.client_address()
    made: list[str] = []
    try:
        password_change.prove(me(), form.password.data, now=now, address=address)
        if what == "add":
            return _proved(now)
        if what == "off":
            second_factor.switch_off(me(), now=now, address=address)
        elif what == "codes":
            made = second_factor.new_recovery_codes(me(), now=now, address=address)
        else:
            passkeys.remove(me(), item.item.data or "", now=now, address=address)
    except AppError as error:
        return _overview(error)
    return _changed(made)


def _proved(now: datetime) -> Response:
    """Show the page with all that may be done for some minutes after a password."""
    if (here := sessions.current_session()) is not None:
        browsers.prove_again(here, now=now)
    return go("/settings/security")


@bp.post("/settings/security/passkeys/options")
@login_required
def new_passkey_options() -> Response:
    """Answer what a browser needs to make a passkey."""
    here, now = site(), utcnow()
    if here is None:
        raise Invalid("no_passkeys_here")
    if not sessions.is_fresh(now=now):
        raise Forbidden("password_needed", N_("Type your password first."))
    return jsonify(passkeys.registration(me(), here, now=now))


@bp.post("/settings/security/passkeys")
@login_required
def add_passkey() -> Response:
    """Keep the passkey that the browser has made."""
    form, here = AddPasskeyForm(), site()
    if not form.validate_on_submit() or here is None:
        return go("/settings/security")
    try:
        made = passkeys.register(
            me(),
            form.challenge.data or "",
            signed_answer(form),
            form.label.data,
            here,
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return _overview(error)
    return _changed(made)


def _changed(codes_made: list[str]) -> Response:
    """End the other sessions, for the way in has changed; show new recovery codes this once."""
    here = sessions.current_session()
    if here is not None:
        browsers.end_others(
            me(), keep=here.public_id, address=sessions.client_address(), now=utcnow()
        )
    if codes_made:
        return page("recovery_codes", codes=codes_made)
    return go("/settings/security")
