"""Tokens with which a device calls over HTTP."""

from typing import Annotated

from pydantic import Field

from api.models import Answer, Body, Line, Page, Time
from api.routing import Routes
from auth import access, tokens
from auth.sessions import client_address
from clock import utcnow
from db.models import User

routes = Routes("tokens")


class NewToken(Body):
    """What a token is for."""

    label: Annotated[Line, Field(max_length=80)] = ""


class Token(Answer):
    """A token, without its secret."""

    id: str
    label: str
    created_at: Time
    used_at: Time | None


class TokenOnce(Answer):
    """A token with its secret, which is shown this once."""

    id: str
    label: str
    token: str


@routes.get("/devices/<key:device_id>/tokens")
def listing(device_id: str, by: User) -> Page[Token]:
    """List the tokens of a device that have not been revoked."""
    found = tokens.listing(access.visible(by, device_id), by=by)
    return Page(
        items=[
            Token(id=one.public_id, label=one.label, created_at=one.created_at, used_at=one.used_at)
            for one in found
        ]
    )


@routes.post("/devices/<key:device_id>/tokens", refusals=(409,))
def add(device_id: str, by: User, body: NewToken) -> TokenOnce:
    """Make a token for a device; it is shown this once and works until it is revoked."""
    device = access.visible(by, device_id)
    token, secret = tokens.create(
        device, by=by, label=body.label, now=utcnow(), address=client_address()
    )
    return TokenOnce(id=token.public_id, label=token.label, token=secret)


@routes.delete("/devices/<key:device_id>/tokens/<key:token_id>")
def revoke(device_id: str, token_id: str, by: User) -> None:
    """Revoke a token at once."""
    device = access.visible(by, device_id)
    tokens.revoke(device, token_id, by=by, now=utcnow(), address=client_address())
