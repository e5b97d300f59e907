"""Where codes go: /settings/codes."""

from flask import Response

from auth import contact, sessions
from auth.routes.blueprint import bp, go, login_required, me, page
from auth.routes.forms import CodeForm
from auth.routes.settings_forms import ChannelForm
from clock import utcnow
from db.models import User
from errors import AppError


@bp.route("/settings/codes", methods=["GET", "POST"])
@login_required
def code_channel() -> Response:
    """Choose mail, Telegram or SMS; a new number or chat proves itself by a code first."""
    form = ChannelForm(contact.channels(), channel=me().code_channel, target=_target(me()))
    if not form.validate_on_submit():
        return _page(form)
    now, address = utcnow(), sessions.client_address()
    channel, target = form.channel.data, form.target.data or ""
    try:
        if channel in contact.PURPOSES and target != contact.known(me(), channel):
            contact.ask(me(), channel, target, now=now, address=address)
        else:
            contact.choose(me(), channel, now=now, address=address)
    except AppError as error:
        return _page(form, error)
    return go("/settings/codes")


@bp.post("/settings/codes/confirm")
@login_required
def confirm_channel() -> Response:
    """Take the number or chat whose code came back."""
    form = CodeForm()
    if form.validate_on_submit():
        try:
            contact.confirm(me(), form.code.data, now=utcnow(), address=sessions.client_address())
        except AppError as error:
            shown = ChannelForm(contact.channels(), formdata=None, channel=me().code_channel)
            return _page(shown, error)
    return go("/settings/codes")


def _page(form: ChannelForm, error: AppError | None = None) -> Response:
    return page(
        "codes",
        form,
        error,
        waiting=contact.waiting(me(), now=utcnow()),
        code=CodeForm(formdata=None),
    )


def _target(user: User) -> str:
    return contact.known(user, user.code_channel) if user.code_channel != "mail" else ""
