"""The account pages: forms rendered on the server, which need no JavaScript."""

from auth.routes import entrance, registration, settings
from auth.routes.blueprint import bp

__all__ = ["bp", "entrance", "registration", "settings"]
