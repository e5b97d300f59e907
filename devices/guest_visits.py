"""What a guest does with a link: looks at its page, presses its button, sees what came of it.

Looking never acts.  A press is tied to the page it was made on by its mark: pressing twice,
reloading or going back is one press, and without a page that was shown there is none.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auth import throttle
from auth.keys import Keys, sha256
from db.base import changed, db, transaction
from db.models import Command, GuestLink, Kind
from devices import commands, guest_pages, guests, link_states, rights
from devices.hours import Verdict, When
from devices.ports import LiveBus, Publisher
from errors import Forbidden, NotFound
from notify.mark import N_

SAME_PRESS = timedelta(minutes=1)  # what comes later from the same page is meant anew
PRESSES = "30/minute"  # with one link; nobody at a door presses oftener


@dataclass(frozen=True, slots=True)
class Look:
    """What a guest sees before pressing anything."""

    link: GuestLink
    verdict: Verdict
    wants_pin: bool


def look(token: str, *, now: datetime) -> Look:
    """Return what a link is at a moment; changes nothing.

    Raises:
        NotFound: unknown, ended, used up or revoked, or its maker lost the right: they look alike.
    """
    link = _by_token(token)
    if link_states.state(link, now=now) not in link_states.LIVING:
        raise ended()
    return Look(link, link_states.verdict(link, now=now), bool(link.pin_hash))


def press(
    token: str,
    *,
    nonce: str,
    pin: str,
    keys: Keys,
    publisher: Publisher,
    bus: LiveBus,
    namespace: str,
    now: datetime,
    address: str,
) -> Command:
    """Open the door; the same page again returns the same command and sends nothing.

    Args:
        token: of the link.
        nonce: the mark of the page on which the button was pressed.
        pin: what was typed, if the link wants one.
        keys: with which marks and PINs are compared, and the command is signed.
        publisher: the way to the broker.
        bus: told of what comes of it.
        namespace: MQTT_NAMESPACE.
        now: when.
        address: of the request.

    Raises:
        NotFound: as `look`.
        Forbidden: too early, or a wrong PIN.
        Conflict: page_stale, no page of this link was shown with this mark, or long ago.
        TooMany: too many wrong PINs, so a pause is on; or too many presses in a minute.
    """
    link = _by_token(token)
    key = f"guest:{link.public_id}:{sha256(nonce)[:40]}"
    if (before := _command(link, key)) is not None:
        if now - before.asked_at > SAME_PRESS:
            raise guest_pages.stale()
        return before
    if look(token, now=now).verdict.when is not When.OPEN:
        raise Forbidden("too_early", N_("This link does not open yet."))
    guest_pages.check(nonce, link, keys=keys, now=now)
    throttle.hit(f"guest-press:{link.public_id}", PRESSES, now=now)
    _check_pin(link, pin, keys, now=now, address=address)
    return commands.ask(
        link.device,
        guests.OPENABLE[Kind(link.device.kind)],
        {},
        by=link.creator,
        actor=link.label,
        right=rights.of_guest(link),
        via="guest",
        key=key,
        address=address,
        publisher=publisher,
        keys=keys,
        bus=bus,
        namespace=namespace,
        now=now,
        price=commands.Price(partial(_use, link), partial(_give_back, link.id)),
    )


def outcome(token: str, command_id: str) -> tuple[GuestLink, Command]:
    """Return the link, and what came of a press that was made with it.

    Raises:
        NotFound: the link is unknown, or the command was not made with it.
    """
    link = _by_token(token)
    command = db.session.scalar(select(Command).where(Command.public_id == command_id))
    if command is None or not command.idempotency_key.startswith(f"guest:{link.public_id}:"):
        raise ended()
    return link, command


def _by_token(token: str) -> GuestLink:
    link = db.session.scalar(select(GuestLink).where(GuestLink.token_hash == sha256(token)))
    if link is None:
        raise ended()
    return link


def _command(link: GuestLink, key: str) -> Command | None:
    return db.session.scalar(
        select(Command).where(Command.device_id == link.device_id, Command.idempotency_key == key)
    )


def _check_pin(link: GuestLink, pin: str, keys: Keys, *, now: datetime, address: str) -> None:
    """Count a try before comparing it; five wrong ones bring pauses, fifty end the link."""
    if not link.pin_hash:
        return
    throttle.attempt(f"pin:{link.public_id}", now=now)
    with transaction() as session:
        session.execute(
            update(GuestLink)
            .where(GuestLink.id == link.id)
            .values(pin_failures=GuestLink.pin_failures + 1)
        )
        right = hmac.compare_digest(link.pin_hash, guests.pin_hash(keys, link, pin))
        if right:
            session.execute(update(GuestLink).where(GuestLink.id == link.id).values(pin_failures=0))
        else:
            guests.note(link, "guest_link.pin", now, address=address, result="refused")
    if not right:
        raise Forbidden("wrong_pin", N_("This PIN is not right."))
    throttle.reset(f"pin:{link.public_id}")


def _use(link: GuestLink, session: Session) -> None:
    """Take one use, if there is one left; twenty at once take as many as there are.

    In the transaction that writes the command down, so that two requests of one press at once
    take one use and see the same outcome.
    """
    taken = changed(
        session,
        update(GuestLink)
        .where(
            GuestLink.id == link.id,
            GuestLink.revoked_at.is_(None),
            (GuestLink.max_uses.is_(None)) | (GuestLink.uses < GuestLink.max_uses),
        )
        .values(uses=GuestLink.uses + 1),
    )
    if not taken or not link_states.may_give(link):
        raise ended()


def _give_back(link_id: int, session: Session) -> None:
    """Return the use of a press that reached no door, so that the guest may press again."""
    session.execute(
        update(GuestLink)
        .where(GuestLink.id == link_id, GuestLink.uses > 0)
        .values(uses=GuestLink.uses - 1)
    )


def ended() -> NotFound:
    """Return what is said of a link that does not open anything."""
    return NotFound("guest_link_ended", N_("This link does not open anything (any more)."))
