"""Refusals in the book of what happened: a line a minute tells as much as a thousand.

Call these outside of transactions: the line stays whatever becomes of the request.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from auth import addresses, audit, links, throttle
from auth.people import by_email, by_public_id
from db.base import transaction
from db.models import User
from errors import AppError, Forbidden, TooMany

LIMIT = "1/minute"  # of an action, an account and a network address
WANT_OF_RIGHTS = frozenset({Forbidden.code, "admins_only", "level_too_low"})  # codes of errors


def note(
    action: str,
    *,
    user: User | None = None,
    actor: str = "",
    object_type: str = "",
    object_id: str = "",
    result: str = "refused",
    limit: str = LIMIT,
    address: str,
    now: datetime,
    **detail: object,
) -> None:
    """Write a line, unless there was one just now.

    Args:
        action: as of `audit.record`, and so are the others but `limit`.
        user: whose account it concerns.
        actor: who tried it, in words.
        object_type: what kind of thing was asked for.
        object_id: which one.
        result: refused, if nothing else is said.
        limit: how many lines there may be of this action, account and network.
        address: the network address it came from.
        now: when.
        detail: anything else worth knowing, never a secret.
    """
    of = user.public_id if user else ""
    try:
        throttle.hit(f"line:{action}:{of}:{throttle.network(address)}", limit, now=now)
    except TooMany:
        return
    with transaction() as session:
        audit.record(
            session,
            action,
            result=result,
            user=user,
            actor=actor,
            object_type=object_type,
            object_id=object_id,
            address=address,
            now=now,
            **detail,
        )


@contextmanager
def noted(
    action: str,
    *errors: type[AppError],
    user: User | None = None,
    actor: str = "",
    address: str,
    now: datetime,
) -> Iterator[None]:
    """Write a line when what is done inside is refused with one of these errors."""
    try:
        yield
    except errors:
        note(action, user=user, actor=actor, address=address, now=now)
        raise


def too_many_mails(email: str, *, address: str, now: datetime) -> AbstractContextManager[None]:
    """Write a line when what is done inside asks for too many mails to an address.

    It is looked up whatever happens, so that known addresses take no longer.
    """
    name = addresses.key(email)
    return noted(
        "account.limit", TooMany, user=by_email(name), actor=name, address=address, now=now
    )


def link(token: str, *, address: str, now: datetime) -> None:
    """Write down that a link of a mail was refused: forged, expired, or used before."""
    claimed = links.claimed(token)
    user = by_public_id(claimed.subject) if claimed else None
    reason = "forged" if claimed is None else "expired" if claimed.ended(now) else "used"
    purpose = claimed.purpose if claimed else ""
    note("link.refused", user=user, address=address, now=now, reason=reason, purpose=purpose)


def forbidden(
    error: AppError, *, user: User | None, path: str, address: str, now: datetime
) -> None:
    """Write down that somebody asked for what only others may; other errors are let go."""
    if user is not None and error.code in WANT_OF_RIGHTS:
        note(
            "access.refused",
            user=user,
            object_type="page",
            object_id=path,
            address=address,
            now=now,
        )


def cross_site(path: str, *, address: str, now: datetime) -> None:
    """Write down that another site made a browser send something here."""
    note("request.cross_site", object_type="page", object_id=path, address=address, now=now)
