"""How a person wants to see the pages."""

from datetime import datetime

from auth import audit
from db.base import transaction
from db.models import User


def change(
    user: User, *, language: str, theme: str, timezone: str, now: datetime, address: str
) -> None:
    """Set language, theme (light, dark) and time zone (IANA name); empty: as the browser says."""
    with transaction() as session:
        user.language, user.theme, user.timezone = language, theme, timezone
        audit.record(session, "account.profile", user=user, address=address, now=now)
