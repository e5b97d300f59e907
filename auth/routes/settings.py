"""One's own account: /settings, sessions, API tokens, activity."""

from flask import Response
from flask_babel import gettext as _

import wiring
from auth import audit, browsers, profile, refresh, sessions
from auth.routes.blueprint import bp, go, login_required, me, number, page
from auth.routes.forms import ButtonForm
from auth.routes.settings_forms import ProfileForm
from clock import utcnow
from errors import AppError
from notify import language


@bp.route("/settings", methods=["GET", "POST"])
@login_required
def settings() -> Response:
    """Language, look and time zone."""
    form = ProfileForm(obj=me())
    if not form.validate_on_submit():
        return page("settings", form)
    profile.change(
        me(),
        language=form.language.data,
        theme=form.theme.data,
        timezone=form.timezone.data,
        now=utcnow(),
        address=sessions.client_address(),
    )
    answer = go("/settings")
    if form.language.data:
        language.remember(answer, form.language.data)
    return answer


@bp.route("/settings/sessions", methods=["GET", "POST"])
@login_required
def session_list() -> Response:
    """Show where one is signed in, and end any of it."""
    here = sessions.current_session()
    assert here is not None
    form, now, address = ButtonForm(), utcnow(), sessions.client_address()
    refusal = None
    if form.validate_on_submit():
        try:
            if form.item.data == "others":
                browsers.end_others(me(), keep=here.public_id, address=address, now=now)
            else:
                browsers.end(form.item.data or "", by=me(), address=address, now=now)
            return go("/settings/sessions")
        except AppError as error:
            refusal = error
    rows = [(row, browser_name(row.user_agent)) for row in browsers.listed(me(), now=now)]
    return page("sessions", form, refusal, here=here, rows=rows)


@bp.route("/settings/tokens", methods=["GET", "POST"])
@login_required
def token_list() -> Response:
    """Show which programs are logged in, and end any of them."""
    form, now, refusal = ButtonForm(), utcnow(), None
    if form.validate_on_submit():
        try:
            refresh.end_family(
                me(), form.item.data or "", now=now, address=sessions.client_address()
            )
            return go("/settings/tokens")
        except AppError as error:
            refusal = error
    site = wiring.current().settings.url
    return page("tokens", form, refusal, rows=refresh.families(me(), now=now), site=site)


@bp.get("/settings/activity")
@login_required
def activity() -> Response:
    """Show what happened to one's account."""
    return page("activity", rows=audit.of_user(me(), before=number("before")))


BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def browser_name(user_agent: str) -> str:
    """Return a browser in words that its owner knows, such as "Firefox, Linux"."""
    browser = next((name for sign, name in BROWSERS if sign + "/" in user_agent), "")
    system = next((name for name in SYSTEMS if name in user_agent), "")
    return ", ".join(part for part in (browser, system) if part) or _("Unknown browser")
