"""The whole installation, for administrators."""

from typing import Annotated, Any, Literal

from pydantic import Field

import wiring
from api import health, shown
from api.models import Answer, Line, Page, Paging, Time
from api.paging import decode, encode
from api.routing import Routes
from api.shown import DeviceShown
from auth import audit, people
from db.models import User
from devices import inventory, system

routes = Routes("admin")


class Search(Paging):
    """A list, or those of it that contain a text."""

    search: Annotated[Line, Field(max_length=200)] = ""


class AuditSearch(Search):
    """Lines of the audit log; `action` is how its name begins, such as "login"."""

    action: Annotated[Line, Field(max_length=48)] = ""


class Person(Answer):
    """An account."""

    id: str
    email: str
    role: Literal["user", "admin"]
    created_at: Time
    confirmed_at: Time | None
    disabled_at: Time | None


class OwnedDevice(DeviceShown):
    """A device and whose it is; empty: nobody has claimed it."""

    owner: str


class Happened(Answer):
    """One line of the audit log."""

    at: Time
    action: str
    result: str
    actor: str
    object_type: str
    object_id: str
    address: str
    detail: dict[str, Any]


class System(Answer):
    """How the installation does."""

    users: int
    devices: int
    database: bool
    store: bool
    broker: bool
    listener: dict[str, Any] | None


@routes.get("/admin/users", admin=True)
def users(by: User, query: Search) -> Page[Person]:
    """List all accounts, by age."""
    start = decode(query.cursor)[0] if query.cursor else 0
    found = people.find(
        by=by, search=query.search, sort="created_at", offset=max(0, start), limit=query.limit
    )
    end = start + len(found.users)
    items = [
        Person(
            id=user.public_id,
            email=user.email_typed,
            role="admin" if user.is_admin else "user",
            created_at=user.created_at,
            confirmed_at=user.confirmed_at,
            disabled_at=user.disabled_at,
        )
        for user in found.users
    ]
    return Page(items=items, next=encode((end, "")) if end < found.total else None)


@routes.get("/admin/devices", admin=True)
def devices(by: User, query: Search) -> Page[OwnedDevice]:
    """List all devices with their owners, by age."""
    after = decode(query.cursor)[0] if query.cursor else 0
    found = inventory.everything(by=by, search=query.search, limit=query.limit + 1, after=after)
    listed = found[: query.limit]
    described = shown.devices((one.device, None) for one in listed)
    items = [
        OwnedDevice(**dict(device), owner=one.owner)
        for device, one in zip(described, listed, strict=True)
    ]
    more = len(found) > len(listed)
    return Page(items=items, next=encode((listed[-1].device.id, "")) if more else None)


@routes.get("/admin/audit", admin=True)
def audit_log(by: User, query: AuditSearch) -> Page[Happened]:
    """List what happened, newest first."""
    before = decode(query.cursor)[0] if query.cursor else None
    found = audit.everything(
        by=by, action=query.action, search=query.search, limit=query.limit + 1, before=before
    )
    listed = found[: query.limit]
    items = [Happened.model_validate(one, from_attributes=True) for one in listed]
    more = len(found) > len(listed)
    return Page(items=items, next=encode((listed[-1].id, "")) if more else None)


@routes.get("/admin/system", admin=True)
def overview(by: User) -> System:
    """Show how the installation does."""
    parts, sizes = wiring.current(), system.sizes()
    return System(
        users=sizes.users,
        devices=sizes.devices,
        database=system.database_answers(),
        store=system.store_answers(parts.store),
        broker=parts.publisher.connected,
        listener=health.listening(),
    )
