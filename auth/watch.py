"""Asks again and again whether those who began something may still see the devices."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from auth import access, browsers, refresh, tokens
from errors import Unavailable


class Proof(NamedTuple):
    """What a request showed: a browser's session, a program's log-in or a device's token."""

    kind: Literal["session", "program", "device"]
    key: int | str  # the row of a session or token, the family of a log-in


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


def reach(
    proofs: Collection[Proof], *, now: datetime, needed: access.Level = access.Level.VIEWER
) -> dict[Proof, frozenset[str]]:
    """Return the public ids of the devices each proof gives to see; those that ended are missing.

    Of a person, only those on which they have at least the level `needed`.

    A session whose person does nothing counts, and so does an access token that has expired
    since: what they began may take its time.  A query for each kind and one for the rights.

    Raises:
        Unavailable: the database did not answer.
    """
    keys: dict[str, list[int | str]] = {}
    for proof in proofs:
        keys.setdefault(proof.kind, []).append(proof.key)
    try:
        users = {
            Proof("session", key): user
            for key, user in browsers.alive(keys.get("session", ()), idle=True, now=now).items()
        } | {
            Proof("program", key): user
            for key, user in refresh.alive(keys.get("program", ()), now=now).items()
        }
        devices = access.visible_ids(set(users.values()), needed)
        own = tokens.alive(keys.get("device", ()))
    except SQLAlchemyError as error:
        raise Unavailable from error
    return {proof: devices[user] for proof, user in users.items()} | {
        Proof("device", key): frozenset({device}) for key, device in own.items()
    }
