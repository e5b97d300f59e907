"""In and out: /login with its second step and passkeys, /logout, /language."""

import json

from flask import Response, jsonify, request, url_for
from flask_babel import gettext as _

from auth import accounts, addresses, passkeys, second_factor, sessions, throttle
from auth.routes import destination
from auth.routes.blueprint import bp, go, message, page, site
from auth.routes.forms import (
    ButtonForm,
    LoginForm,
    LogoutForm,
    PasskeyForm,
    PasskeyLoginForm,
    SecondStepForm,
)
from clock import utcnow
from db.models import User
from errors import AppError, Gone, Invalid
from notify import language

OPTIONS_LIMIT = "30/minute"  # a network address


@bp.route("/login", methods=["GET", "POST"])
def login() -> Response:
    """Ask for e-mail and password."""
    form = LoginForm()
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
        if sessions.signed_in() is not None:
            return go(destination.after_login(form.next.data))
    if not form.validate_on_submit():
        return _login_page(form)
    now, address = utcnow(), sessions.client_address()
    try:
        user = accounts.check_password(
            form.email.data,
            form.password.data,
            now=now,
            address=address,
            browser=sessions.known_browser(addresses.key(form.email.data)),
        )
    except AppError as error:
        return _login_page(form, error)
    if second_factor.needed(user):
        return _ask_for_code(user, form)
    sessions.begin(user, remember=form.remember.data, now=now)
    return go(destination.after_login(form.next.data or ""))


def _login_page(form: LoginForm, error: AppError | None = None) -> Response:
    return page("login", form, error, key=_passkey_form(next=form.next.data))


def _passkey_form(**kept: str | None) -> PasskeyLoginForm | None:
    """Return what offers to use a passkey, if there can be any at this address."""
    return PasskeyLoginForm(formdata=None, **kept) if site() is not None else None


def _ask_for_code(user: User, first: LoginForm) -> Response:
    return _second_page(
        SecondStepForm(
            formdata=None,
            token=accounts.second_step(user, now=utcnow(), address=sessions.client_address()),
            remember="y" if first.remember.data else "",
            next=first.next.data,
        )
    )


def _second_page(form: SecondStepForm, error: AppError | None = None) -> Response:
    """Ask for a factor that the person has; whose first step is too old begins again."""
    kept = {name: form.data[name] for name in ("token", "remember", "next")}
    try:
        user = accounts.after_first_step(form.token.data or "", now=utcnow())
    except Gone as ended:
        return _login_page(LoginForm(formdata=None, next=form.next.data), ended)
    factors = second_factor.of(user)
    key = _passkey_form(**kept) if factors.passkey else None
    return page("second_step", form, error, factors=factors, key=key)


@bp.post("/login/code")
def second_step() -> Response:
    """Take the code of the second factor."""
    form = SecondStepForm()
    if not form.validate_on_submit():
        return _second_page(form)
    now, address = utcnow(), sessions.client_address()
    try:
        user = accounts.finish_login(
            form.token.data or "", form.code.data, now=now, address=address
        )
    except AppError as error:
        return _second_page(form, error)
    sessions.begin(user, remember=bool(form.remember.data), now=now, proof="password and code")
    return go(destination.after_login(form.next.data or ""))


@bp.get("/login/code")
@bp.get("/login/passkey")
@bp.get("/language")
def to_login() -> Response:
    """Send who opens the address of a mere form to the login."""
    return go(url_for("account.login", next=request.args.get("next")))


@bp.post("/login/passkey/options")
def passkey_options() -> Response:
    """Answer what a browser needs to ask for a passkey."""
    form, here, now = PasskeyLoginForm(), site(), utcnow()
    throttle.hit(f"passkey:{throttle.network(sessions.client_address())}", OPTIONS_LIMIT, now=now)
    if here is None:
        raise Invalid("no_passkeys_here")
    return jsonify(passkeys.login_options(here, of=_known(form), now=now))


@bp.post("/login/passkey")
def passkey_login() -> Response:
    """Log in with what the passkey has signed; neither password nor code is needed."""
    form, here, now = PasskeyLoginForm(), site(), utcnow()
    if not form.validate_on_submit() or here is None:
        return _passkey_page(form)
    try:
        user = passkeys.login(
            form.challenge.data or "",
            signed_answer(form),
            here,
            of=_known(form),
            now=now,
            address=sessions.client_address(),
        )
    except AppError as error:
        return _passkey_page(form, error)
    second = bool(form.token.data)
    sessions.begin(
        user,
        remember=second and bool(form.remember.data),
        now=now,
        proof="password and passkey" if second else "passkey",
    )
    return go(destination.after_login(form.next.data or ""))


def _known(form: PasskeyLoginForm) -> User | None:
    """Return who has done the first step, if this is the second."""
    token = form.token.data
    return accounts.after_first_step(token, now=utcnow()) if token else None


def _passkey_page(form: PasskeyLoginForm, error: AppError | None = None) -> Response:
    """Show the page again on which the passkey was offered."""
    if not form.token.data:
        return _login_page(LoginForm(formdata=None, next=form.next.data), error)
    kept = {name: form.data[name] for name in ("token", "remember", "next")}
    return _second_page(SecondStepForm(formdata=None, data=kept), error)


def signed_answer(form: PasskeyForm) -> dict[str, object]:
    """Return the browser's answer; an empty one if it is no JSON object."""
    try:
        answer = json.loads(form.answer.data or "")
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> Response:
    """End this session; a GET, which other sites can cause, only shows the button."""
    form = LogoutForm()
    if not form.validate_on_submit():
        return page("logout", form)
    sessions.end(now=utcnow())
    return message(_("Logged out"), _("See you soon."), link=("/login", _("Log in")))


@bp.post("/language")
def choose_language() -> Response:
    """Remember the language of this browser, for the pages before the login.

    The page stays the same.  What its link said comes in the form, so that no log holds it.
    """
    form, step = ButtonForm(), SecondStepForm()
    chosen = form.item.data if form.item.data in language.LANGUAGES else language.code()
    with language.use(chosen):
        if step.token.data:
            kept = {name: step.data[name] for name in ("token", "remember", "next")}
            answer = _second_page(SecondStepForm(formdata=None, data=kept))
        else:
            answer = go(destination.after_login(request.form.get("next", "")))
    if form.validate_on_submit():
        language.remember(answer, chosen)
    return answer
