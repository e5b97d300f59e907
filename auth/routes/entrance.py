"""In and out: /login, /logout, /language."""

from flask import Response, request
from flask_babel import gettext as _

from auth import accounts, sessions
from auth.routes import destination
from auth.routes.blueprint import bp, go, message, page
from auth.routes.forms import ButtonForm, LoginForm, LogoutForm
from clock import utcnow
from errors import AppError
from notify import language


@bp.route("/login", methods=["GET", "POST"])
def login() -> Response:
    """Ask for e-mail and password."""
    form = LoginForm()
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
        if sessions.signed_in() is not None:
            return go(destination.after_login(form.next.data))
    if not form.validate_on_submit():
        return page("login", form)
    now, address = utcnow(), sessions.client_address()
    try:
        user = accounts.check_password(
            form.email.data, form.password.data, now=now, address=address
        )
    except AppError as error:
        return page("login", form, error)
    sessions.begin(user, remember=form.remember.data, now=now)
    return go(destination.after_login(form.next.data or ""))


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
    """Remember the language of this browser, for the pages before the login."""
    form = ButtonForm()
    back = go(destination.after_login(request.args.get("next", "")))
    if form.validate_on_submit() and form.item.data in language.LANGUAGES:
        language.remember(back, form.item.data)
    return back
