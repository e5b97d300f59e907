"""By which right somebody asks something of a device: a level, or what was handed out."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from db.models import AppToken, Device, GuestLink, Level, User
from devices import share_tokens


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody's right is, as the access log has it.

    Attributes:
        kind: owner, manager, operator, viewer, share_token, guest_link or app_token.
        id: the public id of what was handed out; empty for a level.
        label: what whoever handed it out calls it.
    """

    kind: str
    id: str = ""
    label: str = ""


def of_person(session: Session, device: Device, user: User, level: Level) -> Right:
    """Return a person's right: the level, or the share token that gave it."""
    token = None if level is Level.OWNER else share_tokens.behind(session, device, user)
    if token is None:
        return Right(level.name.lower())
    return Right("share_token", token.public_id, token.label)


def of_guest(link: GuestLink) -> Right:
    """Return the right of who holds a guest link."""
    return Right("guest_link", link.public_id, link.label)


def of_app(app: AppToken) -> Right:
    """Return the right of a paired app."""
    return Right("app_token", app.public_id)
