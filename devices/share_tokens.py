"""The engineer's hand-off: a token that gives whoever redeems it a level on a device."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from auth import access, throttle
from auth.keys import sha256
from db.base import changed, transaction
from db.models import Device, Grant, Level, Redemption, ShareToken, User
from devices import handed_out
from devices.changes import note, tell
from devices.ports import LiveBus
from devices.sharing import SHAREABLE
from errors import Forbidden, Invalid, NotFound
from notify.mark import N_

PREFIX = "share_"
LONGEST = timedelta(days=366)
MOST_USES = 1000
KEPT = timedelta(days=90)  # after its end; the audit log tells for longer
REDEEM_LIMIT = "10/minute; 60/hour"  # tries of one person


def create(
    device: Device,
    *,
    level: Level,
    max_uses: int,
    expires_at: datetime,
    label: str,
    by: User,
    now: datetime,
    address: str,
) -> tuple[ShareToken, str]:
    """Make a token; returns the row and the secret, which is shown this once.

    Raises:
        NotFound, Forbidden: `by` is no manager, or would give more than it has.
        Invalid: uses or expiry out of bounds.
    """
    access.require(by, device, Level.MANAGER)
    if level not in SHAREABLE or level > (access.level(by, device) or 0):
        raise Forbidden("level_too_low", N_("You cannot give more than you have."))
    if not 1 <= max_uses <= MOST_USES:
        raise Invalid("uses_out_of_bounds", N_("Uses are between 1 and %(most)s."), most=MOST_USES)
    if not now < expires_at <= now + LONGEST:
        raise Invalid("expiry_out_of_bounds", N_("It ends within a year from now."))
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        token = ShareToken(
            device=device,
            creator=by,
            token_hash=sha256(secret),
            label=label.strip()[:80],
            level=level,
            max_uses=max_uses,
            created_at=now,
            expires_at=expires_at,
        )
        session.add(token)
        session.flush()
        _note(token, by, "share_token.create", now, address)
    return token, secret


def of(device: Device, *, by: User) -> Sequence[ShareToken]:
    """Return the tokens of a device, newest first, with who redeemed them.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    return handed_out.listed(ShareToken, device, by=by)


def revoke(
    device: Device, public_id: str, *, by: User, bus: LiveBus, now: datetime, address: str
) -> None:
    """End a token and the levels that it gave, but for those that were changed since.

    Who was given a lower level by hand before, or by another token that is not revoked, has
    the highest of these.

    Raises:
        NotFound, Forbidden: `by` may not, or there is none.
    """
    missing = NotFound("share_token_not_found", N_("There is no such token."))
    with transaction() as session:
        token = handed_out.find(ShareToken, device, public_id, by=by, missing=missing)
        if token.revoked_at is None:
            token.revoked_at = now
            for redemption in token.redemptions:
                _take_back(session, token, redemption, now)
        _note(token, by, "share_token.revoke", now, address)
    tell(bus, device)


def redeem(secret: str, *, by: User, bus: LiveBus, now: datetime, address: str) -> Device:
    """Give `by` the level of a token; redeeming it again changes nothing and uses nothing up.

    A level that `by` has already is never lowered, and the creator must still have the right
    to give it. Whoever lost the level since does not get it back with the same token.

    Raises:
        NotFound: unknown, used up, expired, revoked or taken back from `by`: they look alike.
        TooMany: too many tries.
    """
    throttle.hit(f"redeem:{by.public_id}", REDEEM_LIMIT, now=now)
    with transaction() as session:
        token = session.scalar(select(ShareToken).where(ShareToken.token_hash == sha256(secret)))
        if token is None or not _counts(token, now):
            raise _unknown()
        device = token.device
        grant = _grant(session, device, by.id)
        if any(redemption.user_id == by.id for redemption in token.redemptions):
            if grant is None or grant.level < token.level:
                raise _unknown()
        else:
            left = ShareToken.id == token.id, ShareToken.uses < ShareToken.max_uses
            take = update(ShareToken).where(*left).values(uses=ShareToken.uses + 1)
            if not changed(session, take):
                raise _unknown()
            before = grant.level if grant else None
            session.add(Redemption(token=token, user_id=by.id, who=by.email, before=before, at=now))
        if grant is None:
            session.add(Grant(user=by, device=device, level=token.level, created_at=now))
        else:
            grant.level = max(grant.level, token.level)
        _note(token, by, "share_token.redeem", now, address)
    tell(bus, device)
    return device


def behind(session: Session, device: Device, user: User) -> ShareToken | None:
    """Return the token to which somebody owes the present level; None: it was given by hand."""
    grant = _grant(session, device, user.id)
    if grant is None:
        return None
    by_hand, standing = _sources(session, grant)
    if by_hand is not None and by_hand >= grant.level:
        return None
    found = [one.token for one in _valid(standing) if one.token.level == grant.level]
    return found[-1] if found else None


def forget_ended(*, now: datetime) -> int:
    """Delete tokens that ended a while ago, with who redeemed them; returns how many."""
    ended = or_(ShareToken.revoked_at < now - KEPT, ShareToken.expires_at < now - KEPT)
    with transaction() as session:
        return changed(
            session, delete(ShareToken).where(ended).execution_options(synchronize_session=False)
        )


def _take_back(session: Session, token: ShareToken, redemption: Redemption, now: datetime) -> None:
    """Leave the person of a redemption what others gave, unless somebody changed it since."""
    grant = _grant(session, token.device, redemption.user_id)
    if grant is None:
        return
    by_hand, standing = _sources(session, grant)
    if redemption not in standing or grant.level != _highest(
        by_hand, [one for one in standing if one is redemption or one.token.revoked_at is None]
    ):
        return
    for place, one in enumerate(standing):
        if place > standing.index(redemption):  # as if it had never been redeemed
            one.before = _highest(by_hand, _valid(standing[:place]))
    left = _highest(by_hand, _valid(standing))
    if left is None or left < Level.MANAGER:
        handed_out.end_of(session, grant.user_id, grant.device_id, now=now)
    if left is None:
        session.delete(grant)
    else:
        grant.level = min(grant.level, left)


def _sources(session: Session, grant: Grant) -> tuple[int | None, list[Redemption]]:
    """Return the level that was given by hand, and the redemptions that a grant stands on.

    What a person had before each redemption tells which of those before it had been undone.
    """
    by_hand: int | None = None
    standing: list[Redemption] = []
    for one in session.scalars(
        select(Redemption)
        .join(ShareToken, ShareToken.id == Redemption.token_id)
        .where(
            ShareToken.device_id == grant.device_id,
            Redemption.user_id == grant.user_id,
            Redemption.at >= grant.created_at,
        )
        .order_by(Redemption.id)
    ):
        standing = [other for other in standing if other.token.level <= (one.before or 0)]
        if one.before != _highest(by_hand, standing):
            by_hand = one.before
        standing.append(one)
    return by_hand, standing


def _valid(redemptions: Sequence[Redemption]) -> list[Redemption]:
    return [one for one in redemptions if one.token.revoked_at is None]


def _highest(by_hand: int | None, redemptions: Sequence[Redemption]) -> int | None:
    levels = [one.token.level for one in redemptions]
    return max(levels if by_hand is None else [by_hand, *levels], default=None)


def _grant(session: Session, device: Device, user_id: int | None) -> Grant | None:
    found: Grant | None = session.scalar(
        select(Grant).where(Grant.device_id == device.id, Grant.user_id == user_id)
    )
    return found


def _counts(token: ShareToken, now: datetime) -> bool:
    giver = access.level(token.creator, token.device)
    return (
        token.revoked_at is None
        and now < token.expires_at
        and giver is not None
        and giver >= max(token.level, Level.MANAGER)
    )


def _unknown() -> NotFound:
    return NotFound("share_token_not_found", N_("This token is unknown, used up or has ended."))


def _note(token: ShareToken, by: User, action: str, now: datetime, address: str) -> None:
    level = Level(token.level).name.lower()
    note(token.device, by, action, now, address, token=token.public_id, level=level)
