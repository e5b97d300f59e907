"""The engineer's hand-off."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from api import shown
from api.models import Answer, Body, Line, Moment, Page, Time
from api.routing import Routes
from auth import access, circumstances
from auth.sessions import client_address
from clock import utcnow
from db.models import Level, ShareToken, User
from devices import share_tokens, sharing

routes = Routes("share tokens")

LIFETIME = timedelta(days=7)


class NewShare(Body):
    """What a token gives, how often, until when (a week from now if not said)."""

    level: Annotated[Line, Field(max_length=16)] = "operator"
    max_uses: int = 1
    expires_at: Moment | None = None
    label: Annotated[Line, Field(max_length=80)] = ""


class Redeem(Body):
    """A token that somebody was given."""

    token: Annotated[Line, Field(max_length=100)]


class Redeemed(Answer):
    """Who used a token, when."""

    by: str
    at: Time


class Share(Answer):
    """A token, without its secret."""

    id: str
    label: str
    level: str
    max_uses: int
    uses: int
    expires_at: Time
    revoked_at: Time | None
    redeemed: list[Redeemed]


class ShareOnce(Share):
    """A token with its secret, which is shown this once."""

    token: str


@routes.get("/devices/<key:device_id>/share-tokens")
def listing(device_id: str, by: User) -> Page[Share]:
    """List the tokens of a device, newest first, with who redeemed them."""
    found = share_tokens.of(access.visible(by, device_id), by=by)
    return Page(items=[Share(**_fields(token)) for token in found])


@routes.post("/devices/<key:device_id>/share-tokens")
def add(device_id: str, by: User, body: NewShare) -> ShareOnce:
    """Make a token that gives whoever redeems it a level."""
    now = utcnow()
    token, secret = share_tokens.create(
        access.visible(by, device_id),
        level=sharing.parse_level(body.level),
        max_uses=body.max_uses,
        expires_at=body.expires_at or now + LIFETIME,
        label=body.label,
        by=by,
        now=now,
        address=client_address(),
    )
    return ShareOnce(**_fields(token), token=secret)


@routes.delete("/devices/<key:device_id>/share-tokens/<key:token_id>")
def revoke(device_id: str, token_id: str, by: User) -> None:
    """End a token and the levels that it gave, but for those that were changed since."""
    device = access.visible(by, device_id)
    share_tokens.revoke(device, token_id, by=by, **circumstances.of_change())


@routes.post("/share-tokens/redeem", status=200, refusals=(404,))
def redeem(by: User, body: Redeem) -> shown.DeviceShown:
    """Take the level that a token gives; answers the device."""
    device = share_tokens.redeem(body.token, by=by, **circumstances.of_change())
    return shown.device(device, access.level(by, device))


def _fields(token: ShareToken) -> dict[str, Any]:
    return {
        "id": token.public_id,
        "label": token.label,
        "level": Level(token.level).name.lower(),
        "max_uses": token.max_uses,
        "uses": token.uses,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "redeemed": [Redeemed(by=one.who, at=one.at) for one in token.redemptions],
    }
