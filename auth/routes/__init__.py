"""The account pages: forms rendered on the server, which need no JavaScript."""

from auth.routes import (
    admin,
    contact,
    email_links,
    entrance,
    leaving,
    recovery,
    registration,
    security,
    settings,
)
from auth.routes.blueprint import bp

__all__ = [
    "admin",
    "bp",
    "contact",
    "email_links",
    "entrance",
    "leaving",
    "recovery",
    "registration",
    "security",
    "settings",
]
