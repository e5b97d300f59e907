"""Changing one's password in two steps: the current one brings a code, the code the new one."""

from datetime import datetime

from auth import audit, codes, passwords, refusals, throttle
from auth.recovery import set_password
from db.base import transaction
from db.models import User
from errors import Gone, Invalid, TooMany
from notify.mark import N_

PURPOSE = "password"


def prove(user: User, password: str, *, now: datetime, address: str) -> None:
    """Let through who knows the password of an account, before something grave is done to it.

    Raises:
        Invalid: the password is wrong.
        TooMany: it was wrong too often.
    """
    key = f"prove:{user.public_id}"
    with refusals.noted("password.locked", TooMany, user=user, now=now, address=address):
        throttle.attempt(key, now=now)
    if not passwords.verify(password, user.password_hash):
        with transaction() as session:
            audit.record(
                session, "password.fail", result="refused", user=user, address=address, now=now
            )
        raise Invalid("wrong_password", N_("The password is wrong."), field="password")
    throttle.reset(key)


def ask(user: User, current: str, *, now: datetime, address: str) -> None:
    """Send the code for a change of password; what is pending stays on the server.

    Raises:
        Invalid: the current password is wrong.
        TooMany: it was wrong too often, or too many codes were sent.
    """
    prove(user, current, now=now, address=address)
    codes.count_sending(user, now=now, address=address)
    with transaction() as session:
        request, code = codes.ask(session, user, PURPOSE, now=now)
        codes.send(session, user, request, code, now=now)
        audit.record(session, "password.ask", user=user, address=address, now=now)


def finish(user: User, code: str, password: str, *, now: datetime, address: str) -> None:
    """Set the new password; the person is logged out everywhere.

    Raises:
        Gone: no change is pending, or its code was tried too often.
        Invalid: the code is wrong.
        AppError: the new password is too short, too long or too easily guessed.
    """
    request = codes.pending(user, PURPOSE, now=now)
    if request is None:
        raise Gone("code_ended", N_("This code does not work any more. Please ask for a new one."))
    passwords.check(password, context=[user.email])
    request = codes.check(request.public_id, user, PURPOSE, code, now=now, address=address)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        codes.use(session, request, now=now)
        set_password(session, user, hashed, now=now, address=address)
        audit.record(session, "password.change", user=user, address=address, now=now)
