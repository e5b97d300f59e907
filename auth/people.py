"""Finding accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, func, select

from db.base import db
from db.models import User
from errors import Conflict, Forbidden, NotFound
from notify.mark import N_

Sort = Literal["email", "role", "created_at", "confirmed_at", "disabled_at"]
PAGE = 50


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list of people."""

    users: Sequence[User]
    total: int


def by_email(normal: str) -> User | None:
    """Return the account with a normalised address."""
    return db.session.scalar(select(User).where(User.email == normal))


def by_public_id(public_id: str) -> User | None:
    """Return the account of this name."""
    return db.session.scalar(select(User).where(User.public_id == public_id))


def find(
    *,
    by: User,
    search: str = "",
    sort: Sort = "email",
    descending: bool = False,
    offset: int = 0,
    limit: int = PAGE,
) -> Found:
    """Return accounts whose address contains `search`.

    Args:
        by: who asks.
        search: part of an address; empty: everybody.
        sort: the column to order by.
        descending: whether the last comes first.
        offset: how many to leave out.
        limit: how many to return at most.

    Raises:
        Forbidden: `by` is no administrator.
    """
    require_admin(by)
    query = _matching(search)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    column = getattr(User, sort)
    order = column.desc() if descending else column.asc()
    users = db.session.scalars(query.order_by(order, User.id).offset(offset).limit(limit)).all()
    return Found(users, total)


def everybody(search: str = "") -> Sequence[User]:
    """Return all accounts whose address contains `search`, by address; for the command line."""
    return db.session.scalars(_matching(search).order_by(User.email)).all()


def _matching(search: str) -> Select[User]:
    return select(User).where(User.email.contains(search.lower(), autoescape=True))


def get(public_id: str, *, by: User) -> User:
    """Return an account for an administrator.

    Raises:
        Forbidden: `by` is no administrator.
        NotFound: there is no such account.
    """
    require_admin(by)
    user = by_public_id(public_id)
    if user is None:
        raise NotFound("user_not_found", N_("There is no such person."))
    return user


def require_admin(by: User) -> None:
    """Let administrators through.

    Raises:
        Forbidden: the person is none.
    """
    if not (by.is_admin and by.is_active):
        raise Forbidden()


def has_admin() -> bool:
    """Return whether somebody looks after this installation."""
    return _admins() > 0


def require_other_admin(user: User) -> None:
    """Refuse to lose the last administrator.

    Raises:
        Conflict: this is the last one.
    """
    if user.is_admin and user.is_active and _admins() <= 1:
        raise Conflict("last_admin", N_("This is the only administrator. Make another one first."))


def facts(user: User) -> tuple[object, ...]:
    """Return what must not change for links of an account to stay alive."""
    return user.email, user.password_hash, user.confirmed_at, user.epoch


def _admins() -> int:
    query = select(func.count()).where(
        User.role == "admin", User.confirmed_at.is_not(None), User.disabled_at.is_(None)
    )
    return db.session.scalar(query) or 0
