"""Finding accounts."""

from sqlalchemy import select

from db.base import db
from db.models import User


def by_email(normal: str) -> User | None:
    """Return the account with a normalised address."""
    return db.session.scalar(select(User).where(User.email == normal))


def by_public_id(public_id: str) -> User | None:
    """Return the account of this name."""
    return db.session.scalar(select(User).where(User.public_id == public_id))


def has_admin() -> bool:
    """Return whether somebody looks after this installation."""
    query = select(User.id).where(User.role == "admin", User.confirmed_at.is_not(None)).limit(1)
    return db.session.scalar(query) is not None


def facts(user: User) -> tuple[object, ...]:
    """Return what must not change for links of an account to stay alive."""
    return user.email, user.password_hash, user.confirmed_at, user.epoch
