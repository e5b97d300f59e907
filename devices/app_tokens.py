"""Phone apps: the device posts the token that it captured, the app finds its devices with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from auth import access, audit
from auth.keys import sha256
from db.base import changed, db, transaction
from db.models import AppToken, Device, Level, User
from devices import handed_out
from devices.changes import note, tell
from devices.ports import LiveBus
from errors import Conflict, Invalid, NotFound, Unauthenticated
from notify.mark import N_

SHORTEST, LONGEST = 16, 512  # characters of a token that an app made
GIVEN_BY_DEVICES = (Level.VIEWER, Level.OPERATOR)
MOST_PER_DEVICE = 50
PERSON, DEVICE = "person", "device"  # who revoked a pairing
KEPT = timedelta(days=90)  # after a revocation; the audit log tells for longer


def vouch(device: Device, token: str, level: Level, *, now: datetime) -> AppToken:
    """Let the app that holds a token reach a device; said by the device itself.

    Saying it again sets the level anew, and lifts a revocation that the device made itself.  One
    that a person made holds against this token for ever: devices say again what they know.

    Raises:
        Conflict: app_token_revoked, a person did so; the app needs a new token.
        Invalid: the token is too short to be secret, the level is not for apps, or too many
            apps are paired.
    """
    if not SHORTEST <= len(token) <= LONGEST:
        raise Invalid(
            "app_token_length",
            N_("An app token has %(least)s to %(most)s characters."),
            least=SHORTEST,
            most=LONGEST,
        )
    if level not in GIVEN_BY_DEVICES:
        raise Invalid("level_not_for_apps", N_("An app is a viewer or an operator."))
    with transaction() as session:
        known = session.scalars(select(AppToken).where(AppToken.device_id == device.id)).all()
        row = next((row for row in known if row.token_hash == sha256(token)), None)
        if row is None:
            if len([row for row in known if row.revoked_at is None]) >= MOST_PER_DEVICE:
                raise Invalid("too_many_apps", N_("Too many apps are paired; revoke some."))
            row = AppToken(device=device, token_hash=sha256(token), level=level, created_at=now)
            session.add(row)
        if row.revoked_by == PERSON:
            raise Conflict(
                "app_token_revoked", N_("Somebody has revoked this app; it needs a new token.")
            )
        row.level, row.revoked_at, row.revoked_by = level, None, ""
        session.flush()
        audit.record(
            session,
            "app_token.vouch",
            actor=f"device {device.public_id}",
            object_type="device",
            object_id=device.public_id,
            now=now,
            app=row.public_id,
            level=level.name.lower(),
        )
    return row


def discover(token: str, *, now: datetime) -> list[tuple[Device, Level]]:
    """Return the devices that an app may reach, by name.

    Raises:
        Unauthenticated: no device knows this token, or all that do revoked it or are shut out.
    """
    with transaction() as session:
        rows = session.scalars(
            select(AppToken)
            .join(Device, Device.id == AppToken.device_id)
            .where(
                access.ADMITTED,
                AppToken.token_hash == sha256(token),
                AppToken.revoked_at.is_(None),
            )
        ).all()
        if not rows:
            raise Unauthenticated("app_token_unknown", N_("No device knows this app."))
        for row in rows:
            row.used_at = now
        found = [(row.device, Level(row.level)) for row in rows]
    return sorted(found, key=lambda pair: (pair[0].name, pair[0].id))


def require(token: str, public_id: str, needed: Level) -> tuple[AppToken, User]:
    """Return the pairing of an app with a device and the owner, in whose name it acts.

    Raises:
        NotFound: the app does not know the device or has a lower level on it, or nobody has
            claimed the device.
    """
    row = db.session.scalar(
        select(AppToken)
        .join(Device, Device.id == AppToken.device_id)
        .where(
            Device.public_id == public_id,
            access.ADMITTED,
            AppToken.token_hash == sha256(token),
            AppToken.revoked_at.is_(None),
            AppToken.level >= needed,
        )
    )
    owner = access.owner(row.device) if row else None
    if row is None or owner is None:
        raise NotFound("device_not_found", N_("There is no such device."))
    return row, owner


def of(device: Device, *, by: User) -> Sequence[AppToken]:
    """Return the apps paired with a device, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    return handed_out.listed(AppToken, device, by=by)


def revoke(
    device: Device, public_id: str, *, by: User | None, bus: LiveBus, now: datetime, address: str
) -> None:
    """Refuse an app from now on; works at its next request.

    Args:
        device: that vouched for it.
        public_id: of the pairing.
        by: who wants it; None: the device itself, which has been authenticated.
        bus: told of it.
        now: when.
        address: of the request.

    Raises:
        NotFound, Forbidden: `by` may not, or there is no such app.
    """
    missing = NotFound("app_not_found", N_("There is no such app."))
    with transaction() as session:
        row = handed_out.find(AppToken, device, public_id, by=by, missing=missing)
        row.revoked_at = row.revoked_at or now
        row.revoked_by = PERSON if by else row.revoked_by or DEVICE
        audit.record(
            session,
            "app_token.revoke",
            user=by,
            actor="" if by else f"device {device.public_id}",
            object_type="device",
            object_id=device.public_id,
            address=address,
            now=now,
            app=public_id,
        )
    tell(bus, device)


def end_all(device: Device, *, by: User, now: datetime, address: str) -> None:
    """Refuse all apps of a device for ever, in the caller's transaction."""
    for row in db.session.scalars(
        select(AppToken).where(AppToken.device_id == device.id, AppToken.revoked_at.is_(None))
    ):
        row.revoked_at, row.revoked_by = now, PERSON
        note(device, by, "app_token.revoke", now, address, app=row.public_id)


def forget_ended(*, now: datetime) -> int:
    """Delete pairings that their devices revoked a while ago; returns how many."""
    with transaction() as session:
        return changed(
            session,
            delete(AppToken)
            .where(AppToken.revoked_at < now - KEPT, AppToken.revoked_by == DEVICE)
            .execution_options(synchronize_session=False),
        )
