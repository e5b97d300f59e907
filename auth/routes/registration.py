"""New accounts: /register, /confirm and what is below them."""

from flask import Response, request
from flask_babel import gettext as _

from auth import accounts, addresses, invitations, refusals, sessions
from auth.routes.blueprint import bp, go, message, page
from auth.routes.forms import ConfirmForm, EmailForm, InvitationForm, LinkForm, RegisterForm
from clock import utcnow
from errors import AppError
from notify import language


@bp.route("/register", methods=["GET", "POST"])
def register() -> Response:
    """Ask for an address and a password; the answer is the same for known addresses."""
    if sessions.signed_in() is not None:
        return go("/")
    form = RegisterForm()
    if not form.validate_on_submit():
        return page("register", form)
    try:
        accounts.register(
            form.email.data,
            form.password.data,
            language=language.code(),
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return page("register", form, error)
    return mail_sent(form.email.data)


@bp.route("/confirm", methods=["GET", "POST"])
def confirm() -> Response:
    """Confirm an address; opening the link only shows the button, for mail scanners open links.

    Without a link the page sends a fresh one.
    """
    if "token" in request.values:
        return _press_to_confirm()
    form = EmailForm()
    if not form.validate_on_submit():
        return page("resend", form)
    try:
        accounts.resend_confirmation(
            form.email.data, now=utcnow(), address=sessions.client_address()
        )
    except AppError as error:
        return page("resend", form, error)
    return mail_sent(form.email.data)


def _press_to_confirm() -> Response:
    form = ConfirmForm()
    token, check = from_link(form)
    now = utcnow()
    try:
        if not form.validate_on_submit():
            accounts.to_confirm(token, check, now=now)
            return page("confirm", form)
        accounts.confirm(token, check, now=now, address=sessions.client_address())
    except AppError as error:
        way_on = "/login" if error.code == "already_confirmed" else "/confirm"
        return dead_link(error, way_on, token)
    return message(
        _("Your account is confirmed"),
        _("You can log in now."),
        link=("/login", _("Log in")),
    )


@bp.route("/register/invitation", methods=["GET", "POST"])
def invitation() -> Response:
    """Let an invited person choose a password."""
    form = InvitationForm()
    now, address = utcnow(), sessions.client_address()
    token, check = from_link(form)
    try:
        email = invitations.read(token, check, now=now)
    except AppError as error:
        return dead_link(error, "/login", token)
    if email:
        form.email.data = email
        form.email.render_kw = {"autocomplete": "username", "readonly": True}
    if not form.validate_on_submit():
        return page("invitation", form)
    try:
        invitations.accept(
            token,
            check,
            form.email.data,
            form.password.data,
            language=language.code(),
            now=now,
            address=address,
        )
    except AppError as error:
        return page("invitation", form, error)
    return message(
        _("Your account is ready"), _("You can log in now."), link=("/login", _("Log in"))
    )


def mail_sent(email: str, link: tuple[str, str] | None = None) -> Response:
    """Say the same whether there is an account or not; `link` is the way on."""
    return message(
        _("Look into your mail"),
        _(
            "We have written to %(email)s. The link in the mail works for half an hour. "
            "If nothing comes, look among the unwanted mail too.",
            email=addresses.shown(email),
        ),
        link=link or ("/login", _("Log in")),
    )


def from_link(form: LinkForm) -> tuple[str, str]:
    """Put what the link in the mail says into its form, and return it: token and check."""
    if request.method != "POST":
        form.token.data = request.args.get("token", "")
        form.check.data = request.args.get("check", "")
    return form.token.data or "", form.check.data or ""


def dead_link(error: AppError, way_on: str, token: str) -> Response:
    """Say that a link does not work, show the way on, and write it down."""
    refusals.link(token, now=utcnow(), address=sessions.client_address())
    words = _("Log in") if way_on == "/login" else _("Send a new link")
    return message(_("That did not work"), "", link=(way_on, words), error=error)
