"""What administrators do to accounts, in the web page and on the command line.

`by` is the administrator; None is the command line, whose user owns the whole installation.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import wiring
from auth import accounts, addresses, audit, closing, invitations, passwords, people
from auth.audit_words import SHELL
from auth.notices import changed_by_admin
from db.base import transaction
from db.models import User
from errors import Conflict, Invalid
from notify.mark import N_

ROLES = ("user", "admin")


def invite(
    email: str, *, role: str, language: str, by: User | None, now: datetime, address: str = ""
) -> User:
    """Add an account; its person gets a link and chooses the password.

    Raises:
        Forbidden: `by` is no administrator.
        Invalid: this is no e-mail address, or there is no such role.
        Conflict: the address has an account already.
    """
    return _add(email, "", role, language, by, now, address)


def add(
    email: str, password: str, *, role: str, language: str, by: User | None, now: datetime
) -> User:
    """Add an account that can be used at once.

    Raises:
        Forbidden: `by` is no administrator.
        Invalid: this is no e-mail address, or there is no such role.
        Conflict: the address has an account already.
        AppError: the password is too short, too long or too easily guessed.
    """
    passwords.check(password, context=[email])
    return _add(email, passwords.hash_password(password), role, language, by, now, "")


def edit(
    user: User,
    *,
    by: User | None,
    now: datetime,
    email: str | None = None,
    role: str | None = None,
    address: str = "",
) -> None:
    """Change address or role; None leaves them.  Links that were sent to the old address end.

    The person is told, of another address at both.

    Raises:
        Forbidden: `by` is no administrator.
        Invalid: this is no e-mail address, or there is no such role.
        Conflict: the address has an account, or this is the last administrator.
    """
    _may(by)
    parsed = None if email is None else addresses.parse(email)
    if role is not None:
        _check_role(role)
    try:
        with transaction() as session:
            if role is not None and role != user.role:
                people.require_other_admin(user)
                user.role = role
                _record(session, "role", user, by, now, address, role=role)
                is_admin = role == "admin"
                changed_by_admin(session, user, "role_admin" if is_admin else "role_user", now=now)
            if parsed is not None and parsed.normal != user.email:
                before = user.email_typed
                user.email, user.email_typed = parsed.normal, parsed.typed
                session.flush()  # before anybody is told: the address may be taken
                _record(session, "email", user, by, now, address, email=parsed.normal)
                changed_by_admin(session, user, "email", now=now, also_to=before)
    except IntegrityError as error:
        raise _taken() from error


def disable(user: User, *, by: User | None, now: datetime, address: str = "") -> None:
    """Switch an account off: its pages, streams and tokens end at once, and so do its devices.

    Raises:
        Forbidden: `by` is no administrator.
        Conflict: this is the last administrator.
        Unavailable: the broker could not be told; the account is off, and the broker hears of it
            as soon as it is reached.
    """
    _may(by)
    with transaction() as session:
        people.require_other_admin(user)
        if user.disabled_at is None:
            user.disabled_at = now
            user.epoch += 1
            _record(session, "disable", user, by, now, address)
            changed_by_admin(session, user, "disabled", now=now)
    wiring.current().follow_owner(user)


def enable(user: User, *, by: User | None, now: datetime, address: str = "") -> None:
    """Switch an account on again; its person has to log in, its devices come in as before.

    Raises:
        Forbidden: `by` is no administrator.
        Unavailable: as `disable`.
    """
    _may(by)
    with transaction() as session:
        if user.disabled_at is None:
            return
        user.disabled_at = None
        _record(session, "enable", user, by, now, address)
        changed_by_admin(session, user, "enabled", now=now)
    wiring.current().follow_owner(user)


def end_sessions(user: User, *, by: User | None, now: datetime, address: str = "") -> None:
    """Log a person out everywhere and end all API tokens and links.

    Raises:
        Forbidden: `by` is no administrator.
    """
    _may(by)
    with transaction() as session:
        user.epoch += 1
        _record(session, "end_sessions", user, by, now, address)
        changed_by_admin(session, user, "sessions_ended", now=now)


def resend(user: User, *, by: User | None, now: datetime, address: str = "") -> None:
    """Send the invitation or the confirmation link again.

    Raises:
        Forbidden: `by` is no administrator.
        Conflict: the account is confirmed already.
    """
    _may(by)
    with transaction() as session:
        if user.confirmed_at is not None and user.password_hash:
            raise Conflict("already_confirmed", N_("This account is confirmed already."))
        if user.password_hash:
            accounts.send_confirmation(session, user, now=now)
        else:
            invitations.send(session, user, now=now)
        _record(session, "resend", user, by, now, address)


def delete(user: User, *, by: User | None, now: datetime, address: str = "") -> None:
    """Delete an account.

    Raises:
        Forbidden: `by` is no administrator.
        Conflict: this is the last administrator, or the only owner of a device.
    """
    _may(by)
    closing.delete(user, now=now, address=address, actor=by.email if by else SHELL)


def _add(
    email: str,
    hashed: str,
    role: str,
    language: str,
    by: User | None,
    now: datetime,
    address: str,
) -> User:
    _may(by)
    _check_role(role)
    parsed = addresses.parse(email)
    user = User(
        email=parsed.normal,
        email_typed=parsed.typed,
        password_hash=hashed,
        role=role,
        language=language,
        created_at=now,
        confirmed_at=now if hashed else None,
    )
    try:
        with transaction() as session:
            session.add(user)
            session.flush()
            if not hashed:
                invitations.send(session, user, now=now)
            _record(session, "add", user, by, now, address, role=role)
    except IntegrityError as error:
        raise _taken() from error
    return user


def _may(by: User | None) -> None:
    if by is not None:
        people.require_admin(by)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid("no_such_role", N_("There is no such role."), field="role")


def _taken() -> Conflict:
    return Conflict("email_taken", N_("This address has an account already."))


def _record(
    session: Session,
    what: str,
    user: User,
    by: User | None,
    now: datetime,
    address: str,
    **detail: str,
) -> None:
    audit.record(
        session,
        f"admin.{what}",
        user=user,
        actor=by.email if by else SHELL,
        object_type="user",
        object_id=user.public_id,
        address=address,
        now=now,
        changes=detail,
    )
