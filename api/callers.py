"""Who calls: a person's program with an access token, or a device with a device token.

Cookies mean nothing here: a browser's session never authorises /api/v1.
"""

from flask import g, request

import wiring
from auth import access, connection, refresh, refusals, throttle, tokens
from auth.sessions import client_address
from auth.watch import Proof
from clock import utcnow
from db.models import Device, Level, User
from devices.downloads import Reader
from errors import Forbidden, NotFound, TooMany, Unauthenticated
from notify.mark import N_

USER_LIMIT = "3000/minute"
WRONG_LIMIT = "60/minute"  # credentials that nobody has, from one network

Caller = User | Device


def caller(kinds: frozenset[type], *, admin: bool = False) -> Caller:
    """Return who calls.

    Args:
        kinds: which may: User, Device or both.
        admin: only administrators.

    Raises:
        Unauthenticated: no credential, or a wrong, ended or unfitting one.
        Forbidden: an administrator is needed.
        TooMany: too many requests.
    """
    found = _authenticate()
    g.caller = found
    if type(found) not in kinds:
        raise Unauthenticated("wrong_token_kind", N_("This needs another kind of token."))
    if admin and not (isinstance(found, User) and found.is_admin):
        raise Forbidden("admins_only", N_("Only administrators may do that."))
    throttle.hit(f"api:{identity(found)}", _limit(found), now=utcnow())
    return found


def reach(by: Caller, device_id: str, needed: Level = Level.VIEWER) -> Device:
    """Return the device that a caller means: a person's by right, a device only itself.

    Raises:
        NotFound: there is none, or the caller may not know of it.
        Forbidden: the person has a lower level.
    """
    if isinstance(by, User):
        return access.visible(by, device_id, needed)
    if by.public_id != device_id:
        raise NotFound("device_not_found", N_("There is no such device."))
    return by


def identity(found: Caller) -> str:
    """Return a caller as a short text that no other has."""
    return f"{'user' if isinstance(found, User) else 'device'}:{found.public_id}"


def reader(found: Caller) -> Reader:
    """Return a caller as one who takes a download."""
    return Reader(identity(found), g.proof, connection.breaker(), connection.apart())


def _authenticate() -> Caller:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("token_missing", N_("Send a token: Authorization: Bearer ..."))
    try:
        return _holder(secret.strip())
    except Unauthenticated:
        address, now = client_address(), utcnow()
        with refusals.noted("token.limit", TooMany, now=now, address=address):
            throttle.hit(f"api-wrong:{throttle.network(address)}", WRONG_LIMIT, now=now)
        raise


def _holder(secret: str) -> Caller:
    now = utcnow()
    if not secret.startswith(tokens.PREFIX):
        bearer = refresh.authenticate(secret, keys=wiring.current().keys, now=now)
        g.proof = Proof("program", bearer.family)
        return bearer.user
    token = tokens.authenticate_device(secret, now)
    if token is None:
        raise Unauthenticated("device_token_invalid", N_("This device token is not valid."))
    g.proof = Proof("device", token.id)
    return token.device


def _limit(found: Caller) -> str:
    if isinstance(found, User):
        return USER_LIMIT
    return f"{max(1, round(wiring.current().settings.device_max_rate * 60))}/minute"
