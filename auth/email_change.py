"""Changing one's e-mail address: confirmed from the new one, told to the old one.

The pending change is a row; its link goes to the new address only.  The old address can take the
change back for a day.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import notify.mail
from auth import addresses, audit, codes, links, refusals, second_factor, throttle
from auth.links import Link, Purpose
from auth.password_change import prove
from auth.people import by_email, by_public_id, facts
from db.base import db, transaction
from db.models import CodeRequest, User
from errors import Conflict, TooMany
from notify.mark import N_

MAIL_LIMIT = "5/10 minutes; 20/day"
UNDO_LIFETIME = timedelta(hours=24)


def ask(user: User, password: str, email: str, *, now: datetime, address: str) -> None:
    """Send a link to the new address; an address that has an account is told so by mail only.

    Raises:
        Invalid: the password is wrong, or this is no e-mail address.
        TooMany: wrong too often, or too many mails to this address.
    """
    new = addresses.parse(email)
    prove(user, password, now=now, address=address)
    with refusals.noted("account.limit", TooMany, user=user, now=now, address=address):
        throttle.hit(f"mail:{new.normal}", MAIL_LIMIT, now=now)
    with transaction() as session:
        owner = by_email(new.normal)
        audit.record(
            session, "email.ask", user=user, address=address, now=now, email=new.normal
        )  # the person reads this line, so it does not tell whether the address has an account
        if owner is not None:
            audit.record(
                session,
                "email.ask",
                result="refused",
                actor=user.email,
                address=address,
                now=now,
                email=new.normal,
            )
            notify.mail.enqueue(
                session,
                to=owner.email_typed,
                template="already_registered",
                language=owner.language,
                now=now,
                login_link=links.page("/login"),
                recover_link=links.page("/recover"),
            )
            return
        payload = {"email": new.normal, "typed": new.typed}
        row, _ = codes.ask(
            session, user, "email", now=now, lifetime=links.LIFETIME, payload=payload
        )
        token = links.issue(
            Purpose.EMAIL, user.public_id, *facts(user), now=now, number=row.public_id
        )
        notify.mail.enqueue(
            session,
            to=new.typed,
            template="email_change",
            language=user.language,
            now=now,
            link=links.page("/confirm/email", token, links.hashed_email(new.normal)),
            minutes=codes.minutes(row),
        )


def confirm(token: str, check: str, *, now: datetime, address: str) -> User:
    """Take the new address; the old one gets a link that undoes it.

    Raises:
        Gone: the link is forged, expired or used.
        Conflict: the address has got an account in the meantime.
    """
    taken = Conflict("email_taken", N_("This address has an account already."))
    try:
        with transaction() as session:
            user, row = to_confirm(token, check, now=now)
            if by_email(row.payload["email"]) is not None:
                raise taken
            old = {"email": user.email, "typed": user.email_typed}
            user.email, user.email_typed = row.payload["email"], row.payload["typed"]
            codes.use(session, row, now=now)
            _tell_old_address(session, user, old, now)
            audit.record(
                session, "email.change", user=user, address=address, now=now, old=old["email"]
            )
    except IntegrityError as error:
        raise taken from error
    return user


def to_confirm(token: str, check: str, *, now: datetime) -> tuple[User, CodeRequest]:
    """Return whose change a link would confirm, and the change; opening it changes nothing.

    Raises:
        Gone: the link is forged, expired or used.
    """
    link = links.read(Purpose.EMAIL, token, now=now)
    user, row = _pending(link, check, "email", now)
    if not link.fits(*facts(user)):
        raise links.dead()
    return user, row


def undo(token: str, check: str, *, now: datetime, address: str) -> User:
    """Go back to the old address, log out everywhere and take the password away.

    Whoever changed the address knew the password; the owner chooses a new one by mail.  What
    gets in since then, app and passkeys, goes with it, and codes come by mail again; what was
    there before the change stays.

    Raises:
        Gone: the link is forged, expired or used.
        Conflict: the old address has got another account in the meantime.
    """
    with transaction() as session:
        user, row = to_undo(token, check, now=now)
        owner = by_email(row.payload["email"])
        if owner is not None and owner is not user:
            raise Conflict("email_taken", N_("This address has an account already."))
        user.email, user.email_typed = row.payload["email"], row.payload["typed"]
        user.password_hash, user.code_channel = "", "mail"
        user.epoch += 1
        second_factor.forget_since(session, user, row.created_at)
        codes.use(session, row, now=now)
        audit.record(session, "email.undo", user=user, address=address, now=now)
    return user


def to_undo(token: str, check: str, *, now: datetime) -> tuple[User, CodeRequest]:
    """Return whose change a link would undo, and what was before; opening it changes nothing.

    Raises:
        Gone: the link is forged, expired or used.
    """
    return _pending(links.read(Purpose.UNDO, token, now=now), check, "email-undo", now)


def _tell_old_address(session: Session, user: User, old: dict[str, str], now: datetime) -> None:
    row, _ = codes.ask(
        session,
        user,
        "email-undo",
        now=now,
        lifetime=UNDO_LIFETIME,
        payload=old,
        alone=False,  # a thief who changes the address again must not end the first way back
    )
    token = links.issue(
        Purpose.UNDO, user.public_id, now=now, lifetime=UNDO_LIFETIME, number=row.public_id
    )
    notify.mail.enqueue(
        session,
        to=old["typed"],
        template="email_changed",
        language=user.language,
        now=now,
        new_email=user.email_typed,
        link=links.page("/confirm/email/undo", token, links.hashed_email(old["email"])),
        hours=UNDO_LIFETIME // timedelta(hours=1),
    )


def _pending(link: Link, check: str, purpose: str, now: datetime) -> tuple[User, CodeRequest]:
    user = by_public_id(link.subject)
    row = db.session.scalar(
        select(CodeRequest).where(
            CodeRequest.public_id == link.number,
            CodeRequest.purpose == purpose,
            CodeRequest.used_at.is_(None),
            CodeRequest.expires_at > now,
        )
    )
    if user is None or row is None or row.user_id != user.id or user.disabled_at is not None:
        raise links.dead()
    if not links.is_for_email(check, row.payload["email"]):
        raise links.dead()
    return user, row
