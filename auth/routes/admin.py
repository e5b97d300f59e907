"""People and the book of what happened, for administrators: /admin/users, /admin/audit."""

from typing import get_args

from flask import Response, request
from flask_babel import gettext as _

from auth import administration, audit, people, sessions
from auth.routes.admin_forms import AuditFilter, InviteForm, PersonForm
from auth.routes.blueprint import bp, go, login_required, me, number, page
from auth.routes.forms import ButtonForm
from clock import utcnow
from db.models import User
from errors import AppError
from notify import language, outbox


@bp.route("/admin/users", methods=["GET", "POST"])
@login_required
def user_list() -> Response:
    """Search and sort accounts; invite somebody."""
    people.require_admin(me())
    form = InviteForm()
    if not form.validate_on_submit():
        return _list(form)
    try:
        user = administration.invite(
            form.email.data,
            role=form.role.data,
            language=language.code(),
            by=me(),
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return _list(form, error)
    return go(f"/admin/users/{user.public_id}")


def _list(form: InviteForm, error: AppError | None = None) -> Response:
    search, sort = request.args.get("search", ""), request.args.get("sort", "email")
    descending = "descending" in request.args
    shown = number("page") or 0
    if sort not in get_args(people.Sort):
        sort = "email"
    found = people.find(
        by=me(),
        search=search,
        sort=sort,  # type: ignore[arg-type]
        descending=descending,
        offset=shown * people.PAGE,
    )
    columns = (
        ("email", _("E-mail")),
        ("role", _("Role")),
        ("confirmed_at", _("Confirmed")),
        ("disabled_at", _("Switched off")),
        ("created_at", _("Since")),
    )
    return page(
        "users",
        form,
        error,
        found=found,
        search=search,
        sort=sort,
        descending=descending,
        number=shown,
        size=people.PAGE,
        columns=columns,
    )


@bp.route("/admin/users/<public_id>", methods=["GET", "POST"])
@login_required
def person(public_id: str) -> Response:
    """Show one account and change it."""
    user = people.get(public_id, by=me())
    form = PersonForm(obj=user)
    form.email.data = form.email.data if form.is_submitted() else user.email_typed
    if not form.validate_on_submit():
        return _person(user, form)
    try:
        administration.edit(
            user,
            by=me(),
            now=utcnow(),
            email=form.email.data,
            role=form.role.data,
            address=sessions.client_address(),
        )
    except AppError as error:
        return _person(user, form, error)
    return go(f"/admin/users/{public_id}")


ACTIONS = {
    "disable": administration.disable,
    "enable": administration.enable,
    "end-sessions": administration.end_sessions,
    "resend": administration.resend,
    "delete": administration.delete,
}


@bp.post("/admin/users/<public_id>/do")
@login_required
def act_on_person(public_id: str) -> Response:
    """Carry out one of the buttons below a person."""
    user, form = people.get(public_id, by=me()), ButtonForm()
    action = ACTIONS.get(form.item.data or "")
    if not form.validate_on_submit() or action is None:
        return go(f"/admin/users/{public_id}")
    try:
        action(user, by=me(), now=utcnow(), address=sessions.client_address())
    except AppError as error:
        return _person(user, PersonForm(formdata=None, obj=user, email=user.email_typed), error)
    return go("/admin/users" if form.item.data == "delete" else f"/admin/users/{public_id}")


def _person(user: User, form: PersonForm, error: AppError | None = None) -> Response:
    return page("person", form, error, person=user, rows=audit.of_user(user, limit=20))


@bp.get("/admin/audit")
@login_required
def book() -> Response:
    """Show what happened in the whole installation."""
    form = AuditFilter(request.args)
    rows = audit.everything(
        by=me(),
        action=form.action.data or "",
        search=form.search.data or "",
        before=number("before"),
    )
    return page("audit", form, rows=rows)


@bp.get("/admin/mail")
@login_required
def mail_queue() -> Response:
    """Show which mails wait and which failed, never what they say."""
    people.require_admin(me())
    return page("mail", rows=outbox.recent(), counts=outbox.counts())
