"""The account of the caller."""

from api.models import Answer, Time
from api.routing import Routes
from db.models import User

routes = Routes("me")


class Account(Answer):
    """An account, as its owner sees it."""

    id: str
    email: str
    roles: list[str]
    language: str
    timezone: str
    created_at: Time


@routes.get("/me")
def show(by: User) -> Account:
    """Show one's account and roles."""
    return Account(
        id=by.public_id,
        email=by.email_typed,
        roles=["user", "admin"] if by.is_admin else ["user"],
        language=by.language,
        timezone=by.timezone,
        created_at=by.created_at,
    )
