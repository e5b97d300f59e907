"""Who has which level on a device."""

from typing import Annotated, Literal

from pydantic import Field

from api.models import Answer, Body, Line, Page
from api.routing import Routes
from auth import access, circumstances
from clock import utcnow
from db.models import Grant, Invitation, Level, User
from devices import invitations, sharing

routes = Routes("grants")


class NewGrant(Body):
    """Whom to give which level; `owner` offers the device itself."""

    email: Annotated[Line, Field(max_length=320)]
    level: Annotated[Line, Field(max_length=16)]


class NewLevel(Body):
    """Which level somebody has from now on."""

    level: Annotated[Line, Field(max_length=16)]


class GrantShown(Answer):
    """A level somebody has, or is offered while `state` is invited."""

    id: str
    email: str
    level: str
    state: Literal["active", "invited"]


@routes.get("/devices/<key:device_id>/grants")
def listing(device_id: str, by: User) -> Page[GrantShown]:
    """List who has access to a device, and who is invited."""
    device = access.visible(by, device_id)
    held = sharing.grants(device, by=by)
    offered = invitations.invitations(device, by=by, now=utcnow())
    return Page(items=[*map(_grant, held), *map(_offer, offered)])


@routes.post("/devices/<key:device_id>/grants", refusals=(409,))
def add(device_id: str, by: User, body: NewGrant) -> GrantShown:
    """Give an address a level; without an account there it becomes an invitation."""
    device = access.visible(by, device_id)
    level = sharing.parse_level(body.level)
    where = circumstances.of_change()
    if level is Level.OWNER:
        return _offer(
            invitations.offer_ownership(
                device, body.email, by=by, now=where["now"], address=where["address"]
            )
        )
    made = sharing.share(device, body.email, level, by=by, **where)
    return _grant(made) if isinstance(made, Grant) else _offer(made)


@routes.patch("/devices/<key:device_id>/grants/<key:grant_id>")
def change(device_id: str, grant_id: str, by: User, body: NewLevel) -> GrantShown:
    """Change the level of somebody, or the one that an invitation will give."""
    device = access.visible(by, device_id)
    level = sharing.parse_level(body.level)
    changed = sharing.change(device, grant_id, level, by=by, **circumstances.of_change())
    return _grant(changed) if isinstance(changed, Grant) else _offer(changed)


@routes.delete("/devices/<key:device_id>/grants/<key:grant_id>", refusals=(409,))
def remove(device_id: str, grant_id: str, by: User) -> None:
    """Take a level or an invitation away; one's own is leaving."""
    device = access.visible(by, device_id)
    where = circumstances.of_change()
    if invitations.open_one(device, grant_id, now=where["now"]):
        invitations.withdraw(device, grant_id, by=by, now=where["now"], address=where["address"])
    else:
        sharing.remove(device, grant_id, by=by, **where)


@routes.post("/invitations/<key:invitation_id>/accept", status=204)
def accept(invitation_id: str, by: User) -> None:
    """Accept what was offered to one's address."""
    invitations.answer(invitation_id, accept=True, by=by, **circumstances.of_change())


@routes.post("/invitations/<key:invitation_id>/decline", status=204)
def decline(invitation_id: str, by: User) -> None:
    """Decline what was offered to one's address."""
    invitations.answer(invitation_id, accept=False, by=by, **circumstances.of_change())


@routes.get("/invitations")
def waiting(by: User) -> Page[GrantShown]:
    """List what one is offered."""
    return Page(items=[_offer(one) for one in invitations.waiting(by, now=utcnow())])


def _grant(grant: Grant) -> GrantShown:
    return GrantShown(
        id=grant.user.public_id,
        email=grant.user.email_typed,
        level=Level(grant.level).name.lower(),
        state="active",
    )


def _offer(offer: Invitation) -> GrantShown:
    return GrantShown(
        id=offer.public_id,
        email=offer.email,
        level=Level(offer.level).name.lower(),
        state="invited",
    )
