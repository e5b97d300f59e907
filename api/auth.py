"""Tokens of people: log in, refresh, end."""

from typing import Annotated

from flask import request
from pydantic import Field

import wiring
from api.models import Answer, Body, Line, Page, Time
from api.routing import Routes
from auth import accounts, refresh, throttle
from auth.sessions import client_address
from clock import utcnow
from db.models import User

routes = Routes("auth")
LIMIT = "60/minute"  # from one network
Secret = Annotated[Line, Field(min_length=1, max_length=200)]


class LogIn(Body):
    """Who wants a token, and the proof."""

    email: Annotated[Line, Field(min_length=1, max_length=320)]
    password: Annotated[str, Field(min_length=1)]
    otp: Annotated[Line, Field(max_length=40)] | None = None


class Refresh(Body):
    """A refresh token."""

    refresh_token: Secret


class Tokens(Answer):
    """An access token and what gets the next one."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int


class Program(Answer):
    """One log-in of a program, and all tokens that came of it."""

    id: str
    label: str
    created_at: Time
    used_at: Time
    expires_at: Time


@routes.post("/auth/token", status=200, refusals=(401, 403))
def log_in(body: LogIn) -> Tokens:
    """Exchange e-mail, password and, where set, a code of the second factor for tokens."""
    now, address = utcnow(), client_address()
    user = accounts.authenticate(body.email, body.password, otp=body.otp, now=now, address=address)
    label = request.user_agent.string
    keys = wiring.current().keys
    return _tokens(refresh.begin(user, keys=keys, label=label, now=now, address=address))


@routes.post("/auth/refresh", status=200, refusals=(401,))
def renew(body: Refresh) -> Tokens:
    """Exchange a refresh token for a new pair.

    The old one ends.  If it comes again later, all tokens that came of the same log-in end.
    """
    now, address = utcnow(), client_address()
    throttle.hit(f"refresh:{throttle.network(address)}", LIMIT, now=now)
    keys = wiring.current().keys
    return _tokens(refresh.refresh(body.refresh_token, keys=keys, now=now, address=address))


@routes.post("/auth/revoke", status=204)
def revoke(body: Refresh) -> None:
    """End a refresh token and all that came of the same log-in; an unknown one is no error."""
    now, address = utcnow(), client_address()
    throttle.hit(f"refresh:{throttle.network(address)}", LIMIT, now=now)
    refresh.revoke(body.refresh_token, now=now, address=address)


@routes.get("/auth/tokens")
def programs(by: User) -> Page[Program]:
    """List the programs that are logged in to one's account."""
    found = refresh.families(by, now=utcnow())
    return Page(items=[Program.model_validate(one, from_attributes=True) for one in found])


@routes.delete("/auth/tokens/<key:token_id>")
def end(token_id: str, by: User) -> None:
    """Log one of one's programs out."""
    refresh.end_family(by, token_id, now=utcnow(), address=client_address())


def _tokens(pair: refresh.Pair) -> Tokens:
    return Tokens.model_validate(pair, from_attributes=True)
