"""A forgotten password: a link and a code, both needed, then the person chooses a new one."""

from datetime import datetime

from sqlalchemy.orm import Session

import notify.channels
import notify.letters
import notify.mail
import wiring
from auth import addresses, audit, codes, links, passwords, refusals, throttle
from auth.links import Link, Purpose
from auth.notices import password_changed
from auth.people import by_email, by_public_id, facts
from auth.steady import steady
from db.base import transaction
from db.models import User

REQUEST_LIMIT = "20/minute"  # a network address
MAIL_LIMIT = "5/10 minutes; 20/day"  # an e-mail address, known or not
MINUTES = links.LIFETIME.seconds // 60


@steady
def ask(email: str, *, language: str, now: datetime, address: str) -> None:
    """Send the way to a new password to the owner of an address, if it has an account.

    It works while too many wrong passwords have paused the login, and pauses nothing itself.

    Raises:
        Invalid: this is no e-mail address.
        TooMany: too many wishes for this address or from here.
    """
    with refusals.too_many_mails(email, now=now, address=address):
        throttle.hit(f"recover:{throttle.network(address)}", REQUEST_LIMIT, now=now)
        parsed = addresses.parse(email)
        throttle.hit(f"mail:{parsed.normal}", MAIL_LIMIT, now=now)
    passwords.take_time()
    check = links.hashed_email(parsed.normal)
    with transaction() as session:
        user = by_email(parsed.normal)
        known = user is not None and user.disabled_at is None
        audit.record(
            session,
            "account.recover",
            result="ok" if known else "refused",
            user=user,
            actor=parsed.normal,
            address=address,
            now=now,
        )
        if user is not None and known:
            _send(session, user, check, now)
        else:
            _write_for_nobody(check, language, now)


def _send(session: Session, user: User, check: str, now: datetime) -> None:
    request, code = codes.ask(session, user, "recover", now=now, lifetime=links.LIFETIME)
    by_mail = user.code_channel == "mail" or user.code_channel not in notify.channels.available(
        wiring.current().settings
    )
    if not by_mail:
        codes.send(session, user, request, code, now=now)
    token = links.issue(
        Purpose.RESET, user.public_id, *facts(user), now=now, number=request.public_id
    )
    notify.mail.enqueue(
        session,
        to=user.email_typed,
        template="recover",
        language=user.language,
        now=now,
        link=links.page("/reset", token, check),
        code=code if by_mail else "",
        minutes=MINUTES,
    )


def _write_for_nobody(check: str, language: str, now: datetime) -> None:
    """Do the work of a mail and send none, so that the answer takes as long."""
    token = links.issue(Purpose.RESET, "nobody", now=now)
    notify.letters.render(
        "recover",
        language,
        wiring.current().settings.url,
        {"link": links.page("/reset", token, check), "code": "000000", "minutes": MINUTES},
    )


def reset(token: str, check: str, code: str, password: str, *, now: datetime, address: str) -> User:
    """Set a new password; every session, token and link of the account ends.

    A second factor stays on, and nobody is logged in by this.

    Raises:
        Gone: the link or the code is forged, expired or used, or was tried too often.
        Invalid: the code is wrong.
        AppError: the password is too short, too long or too easily guessed.
    """
    link, user = to_reset(token, check, now=now)
    passwords.check(password, context=[user.email])
    request = codes.check(link.number, user, "recover", code, now=now, address=address)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user = _owner(link, check)
        codes.use(session, request, now=now)
        set_password(session, user, hashed, now=now, address=address)
        user.confirmed_at = user.confirmed_at or now  # the mail has proved the address
        audit.record(session, "account.reset", user=user, address=address, now=now)
    throttle.reset(f"login:{user.email}")
    return user


def to_reset(token: str, check: str, *, now: datetime) -> tuple[Link, User]:
    """Return a link that still works, and whose it is; opening it changes nothing.

    Raises:
        Gone: forged, expired or used, or a newer one was sent, or its code was tried too often.
    """
    link = links.read(Purpose.RESET, token, now=now)
    user = _owner(link, check)
    if not codes.works(link.number, now=now):
        raise links.dead()
    return link, user


def set_password(session: Session, user: User, hashed: str, *, now: datetime, address: str) -> None:
    """Give an account another password and log it out everywhere, in the caller's transaction."""
    user.password_hash = hashed
    user.epoch += 1
    password_changed(session, user, now=now, address=address)


def _owner(link: Link, check: str) -> User:
    user = by_public_id(link.subject)
    if user is None or user.disabled_at or not links.is_for_email(check, user.email):
        raise links.dead()
    if not link.fits(*facts(user)):
        raise links.dead()
    return user
