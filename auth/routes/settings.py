"""One's own account: /settings and the list of signed-in browsers."""

from flask import Response
from flask_babel import gettext as _
from flask_login import current_user

from auth import browsers, profile, sessions
from auth.routes.blueprint import bp, go, login_required, page
from auth.routes.forms import ButtonForm
from auth.routes.profile_form import ProfileForm
from clock import utcnow
from errors import AppError
from notify import language


@bp.route("/settings", methods=["GET", "POST"])
@login_required
def settings() -> Response:
    """Language, look and time zone."""
    form = ProfileForm(obj=current_user)
    if not form.validate_on_submit():
        return page("settings", form)
    profile.change(
        current_user._get_current_object(),
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
    user, here = current_user._get_current_object(), sessions.current_session()
    assert here is not None
    form, now, address = ButtonForm(), utcnow(), sessions.client_address()
    refusal = None
    if form.validate_on_submit():
        try:
            if form.item.data == "others":
                browsers.end_others(user, keep=here.public_id, address=address, now=now)
            else:
                browsers.end(form.item.data or "", by=user, address=address, now=now)
            return go("/settings/sessions")
        except AppError as error:
            refusal = error
    return page(
        "sessions",
        form,
        refusal,
        here=here,
        rows=[(row, browser_name(row.user_agent)) for row in browsers.listed(user, now=now)],
    )


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"))
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def browser_name(user_agent: str) -> str:
    """Return a browser in words that its owner knows, such as "Firefox, Linux"."""
    names = dict((*BROWSERS, ("Safari", "Safari")))
    browser = next((name for sign, name in names.items() if sign + "/" in user_agent), "")
    system = next((name for name in SYSTEMS if name in user_agent), "")
    return ", ".join(part for part in (browser, system) if part) or _("Unknown browser")
