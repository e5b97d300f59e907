"""Who may call a callback or open a page: each one declares it, nothing is open by default."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from auth import sessions
from db.models import User
from errors import Forbidden, Unauthenticated

Level = Literal["user", "admin"]
P = ParamSpec("P")
R = TypeVar("R")

MARK = "__access__"


def access(
    level: Level,
) -> Callable[[Callable[Concatenate[User, P], R]], Callable[P, R]]:
    """Give a callback or a layout the signed-in person first; stands below `@callback`.

    The gate reads the mark before anything runs; the check in here is the second lock, for
    when a function is reached in another way.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the person is not what `level` asks for.
    """

    def declare(function: Callable[Concatenate[User, P], R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            user = sessions.signed_in()
            if user is None:
                raise Unauthenticated
            if not allows(level, user):
                raise Forbidden
            return function(user, *args, **kwargs)

        setattr(checked, MARK, level)
        return checked

    return declare


def declared(function: Any) -> Level | None:
    """Return what a callback or layout declares, or None: then nobody may call it."""
    return getattr(function, MARK, None)


def allows(level: Level | None, user: User) -> bool:
    """Return whether a person is what a declaration asks for."""
    return level == "user" or (level == "admin" and user.is_admin)
