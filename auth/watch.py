"""What live streams ask every second: which sessions still are, and what their people may see."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from auth import access, browsers
from errors import Unavailable


def seen_by(session_ids: Collection[int], *, now: datetime) -> dict[int, frozenset[str]]:
    """Return the public ids of the devices each session may see; ended sessions are missing.

    Two queries, however many sessions there are.

    Raises:
        Unavailable: the database did not answer.
    """
    try:
        users = browsers.alive(session_ids, now=now)
        devices = access.visible_ids(set(users.values()))
    except SQLAlchemyError as error:
        raise Unavailable from error
    return {session_id: devices[user_id] for session_id, user_id in users.items()}
