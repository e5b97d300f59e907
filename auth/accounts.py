"""Accounts: register, confirm, log in, be invited.

Answers never tell whether an address has an account: what a stranger is told is the same, what
differs goes by mail to the owner of the address.
"""

from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import notify.mail
from auth import (
    addresses,
    audit,
    invitations,
    links,
    passwords,
    refusals,
    second_factor,
    throttle,
)
from auth.addresses import Address
from auth.links import Purpose
from auth.people import by_email, by_public_id, facts
from auth.steady import steady
from db.base import transaction
from db.models import User
from errors import Forbidden, Gone, TooMany, Unauthenticated
from notify.mark import N_

REGISTER_LIMIT = "20/minute"  # a network address
MAIL_LIMIT = "5/10 minutes; 20/day"  # an e-mail address, known or not
SECOND_STEP_LIFETIME = timedelta(minutes=5)
LOGIN_LIMIT = "20/minute"  # wrong ones from a network address


@steady
def register(email: str, password: str, *, language: str, now: datetime, address: str) -> None:
    """Take a registration; the owner of the address gets a mail, whatever there is already.

    Nobody shall confirm an address together with a password that somebody else has chosen.  So if
    it was registered before with another one, neither counts: the owner of the mailbox chooses by
    the link of an invitation, as those do who were invited by an administrator.

    Raises:
        Invalid: this is no e-mail address.
        AppError: the password is too short, too long or too easily guessed.
        TooMany: too many registrations from here or of this address.
    """
    with refusals.too_many_mails(email, now=now, address=address):
        throttle.hit(f"register:{throttle.network(address)}", REGISTER_LIMIT, now=now)
        parsed = addresses.parse(email)
        passwords.check(password, context=[parsed.normal])
        throttle.hit(f"mail:{parsed.normal}", MAIL_LIMIT, now=now)
    with passwords.in_turn(parsed.normal):  # a form that is sent twice is no other password
        hashed = _kept(parsed, password)
        try:
            _enter(parsed, hashed, language, now, address)
        except IntegrityError:  # registered at the same moment in another process
            _enter(parsed, hashed, language, now, address)


def _kept(parsed: Address, password: str) -> str:
    """Return how a password is kept, or "" if the address waits with another; hashes once."""
    with transaction():  # what was read before one's turn may be old
        user = by_email(parsed.normal)
        waiting = "" if user is None or user.confirmed_at else user.password_hash
    if not waiting:
        return passwords.hash_password(password)
    return waiting if passwords.verify(password, waiting) else ""


def _enter(parsed: Address, hashed: str, language: str, now: datetime, address: str) -> None:
    check = links.hashed_email(parsed.normal)  # for known addresses too: it takes time
    with transaction() as session:
        user = by_email(parsed.normal)
        if user is not None and (user.confirmed_at or user.disabled_at):
            audit.record(
                session, "account.register", result="refused", user=user, address=address, now=now
            )
            notify.mail.enqueue(
                session,
                to=user.email_typed,
                template="already_registered",
                language=user.language or language,
                now=now,
                login_link=links.page("/login"),
                recover_link=links.page("/recover"),
            )
            return
        if user is not None and user.password_hash != hashed:
            user.password_hash = ""
            audit.record(
                session, "account.register", result="refused", user=user, address=address, now=now
            )
            invitations.send(session, user, now=now)
            return
        if user is None:
            user = User(email=parsed.normal, created_at=now, role="user", epoch=0)
            session.add(user)
        user.email_typed, user.password_hash, user.language = parsed.typed, hashed, language
        session.flush()
        audit.record(session, "account.register", user=user, address=address, now=now)
        send_confirmation(session, user, now=now, check=check)


def send_confirmation(session: Session, user: User, *, now: datetime, check: str = "") -> None:
    """Write the mail with the link that confirms an address, in the caller's transaction.

    `check` is the hash of the address, where the caller has made it already.
    """
    token = links.issue(Purpose.CONFIRM, user.public_id, *facts(user), now=now)
    notify.mail.enqueue(
        session,
        to=user.email_typed,
        template="confirm",
        language=user.language,
        now=now,
        link=links.page("/confirm", token, check or links.hashed_email(user.email)),
        minutes=links.LIFETIME.seconds // 60,
    )


@steady
def resend_confirmation(email: str, *, now: datetime, address: str) -> None:
    """Send a fresh link to an address that waits for its confirmation; else do nothing.

    Raises:
        Invalid: this is no e-mail address.
        TooMany: too many mails to this address or wishes from here.
    """
    with refusals.too_many_mails(email, now=now, address=address):
        throttle.hit(f"register:{throttle.network(address)}", REGISTER_LIMIT, now=now)
        parsed = addresses.parse(email)
        throttle.hit(f"mail:{parsed.normal}", MAIL_LIMIT, now=now)
    passwords.take_time()
    check = links.hashed_email(parsed.normal)
    with transaction() as session:
        user = by_email(parsed.normal)
        waits = user is not None and not (user.confirmed_at or user.disabled_at)
        audit.record(
            session,
            "account.resend",
            result="ok" if waits else "refused",
            user=user,
            actor=parsed.normal,
            address=address,
            now=now,
        )
        if user is not None and waits and user.password_hash:
            send_confirmation(session, user, now=now, check=check)
        elif user is not None and waits:
            invitations.send(session, user, now=now)


def confirm(token: str, check: str, *, now: datetime, address: str) -> User:
    """Confirm the address of an account; the person still has to log in.

    Raises:
        Gone: the link is forged, expired or for another address ("link_ended"), or has done its
            work before ("already_confirmed").
    """
    with transaction() as session:
        user = to_confirm(token, check, now=now)
        user.confirmed_at = now
        audit.record(session, "account.confirm", user=user, address=address, now=now)
    return user


def to_confirm(token: str, check: str, *, now: datetime) -> User:
    """Return the account that a link would confirm; opening the link changes nothing.

    Raises:
        Gone: as `confirm`.
    """
    link = links.read(Purpose.CONFIRM, token, now=now)
    user = by_public_id(link.subject)
    if user is None or user.disabled_at or not links.is_for_email(check, user.email):
        raise links.dead()
    if user.confirmed_at is not None:
        raise Gone(
            "already_confirmed", N_("This address has been confirmed already. You can log in.")
        )
    if not link.fits(*facts(user)):
        raise links.dead()
    return user


def authenticate(
    email: str, password: str, *, now: datetime, address: str, otp: str | None = None
) -> User:
    """Return the account with this address, password and, where it has one, second factor.

    Raises:
        Unauthenticated: "wrong_credentials"; or, only with the right password,
            "second_factor_needed" without `otp`, "code_wrong" with a wrong one.
        Forbidden: "not_confirmed" or "disabled", only with the right password.
        TooMany: too many wrong tries for this address or from here.
        AppError: the password is too long to be one.
    """
    user = check_password(email, password, now=now, address=address)
    if second_factor.needed(user):
        if not otp:
            _note_first_step(user, now, address)
            raise Unauthenticated(
                "second_factor_needed", N_("This account needs a second factor too.")
            )
        second_factor.check(user, otp, now=now, address=address)
    return user


def second_step(user: User, *, now: datetime, address: str) -> str:
    """Return a token that says for some minutes that this person's password was right."""
    _note_first_step(user, now, address)
    return links.issue(
        Purpose.SECOND_STEP, user.public_id, *facts(user), now=now, lifetime=SECOND_STEP_LIFETIME
    )


def _note_first_step(user: User, now: datetime, address: str) -> None:
    """Write down that somebody knows the password, whatever becomes of the second factor."""
    refusals.note("login.password", result="ok", user=user, now=now, address=address)


def after_first_step(token: str, *, now: datetime) -> User:
    """Return the person who had the right password some minutes ago.

    Raises:
        Gone: that was too long ago, or the account was changed since.
    """
    ended = Gone("second_step_ended", N_("That took too long. Please log in again."))
    try:
        step = links.read(Purpose.SECOND_STEP, token, now=now)
    except Gone:
        raise ended from None
    user = by_public_id(step.subject)
    if user is None or not user.is_active or not step.fits(*facts(user)):
        raise ended
    return user


def finish_login(token: str, otp: str, *, now: datetime, address: str) -> User:
    """Return the person who had the right password some minutes ago and now has the right code.

    Raises:
        Gone: that was too long ago.
        Unauthenticated: the code is wrong.
        TooMany: it was wrong too often.
    """
    user = after_first_step(token, now=now)
    second_factor.check(user, otp, now=now, address=address)
    return user


@steady
def check_password(
    email: str, password: str, *, now: datetime, address: str, browser: str = ""
) -> User:
    """Return the account with this address and password; a second factor may still be due.

    Args:
        email: as typed.
        password: as typed.
        now: the present moment.
        address: where the request came from.
        browser: a name for a browser that this account was logged into before; its tries are
            counted apart, so that those of strangers do not keep the owner out.

    Raises:
        Unauthenticated: "wrong_credentials"; no more is said.
        Forbidden: "not_confirmed" or "disabled", only to who knows the password.
        TooMany: too many wrong tries for this address or from here.
        AppError: the password is too long to be one.
    """
    passwords.check_length(password)
    with passwords.in_turn(throttle.network(address)):
        user = _by_password(email, password, now=now, address=address, browser=browser)
    if user.disabled_at is not None:
        refusals.note("login.disabled", user=user, now=now, address=address)
        raise Forbidden("disabled", N_("This account is switched off."))
    if user.confirmed_at is None:
        refusals.note("login.unconfirmed", user=user, now=now, address=address)
        raise Forbidden(
            "not_confirmed",
            N_("Please confirm your e-mail address first: open the link that we sent you."),
        )
    if passwords.is_outdated(user.password_hash):
        _rehash(user, password)
    return user


def _by_password(email: str, password: str, *, now: datetime, address: str, browser: str) -> User:
    """Return the account with this address and password, whatever else is wrong with it."""
    name = addresses.key(email)
    network = f"login:{throttle.network(address)}"
    key = f"login:{name}:{browser}" if browser else f"login:{name}"
    try:
        throttle.check(network, LOGIN_LIMIT, now=now)
        throttle.attempt(key, now=now)
    except TooMany:
        refusals.note("login.locked", user=by_email(name), actor=name, now=now, address=address)
        raise
    user = by_email(name)
    right = passwords.verify(password, user.password_hash if user else "")
    if user is None or not right:
        with transaction() as session:
            audit.record(
                session,
                "login.fail",
                result="refused",
                user=user,
                actor=name,
                address=address,
                now=now,
            )
        throttle.hit(network, LOGIN_LIMIT, now=now)
        raise Unauthenticated("wrong_credentials", N_("E-mail or password is wrong."))
    throttle.reset(key)
    return user


def _rehash(user: User, password: str) -> None:
    """Keep the password with the cost that is set now; links that wait for it end."""
    hashed = passwords.hash_password(password)
    with transaction():
        user.password_hash = hashed


def admin_invitation(now: datetime) -> str | None:
    """Return a link that makes the first administrator, or None if there is one."""
    return invitations.for_first_admin(now=now)
