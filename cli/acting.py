"""What commands about devices share: who acts, on which device, and how the answer is printed."""

from typing import Any

import click
import orjson

from auth import addresses, people
from db.models import Device, User
from devices import inventory
from errors import Conflict, NotFound

device_argument = click.argument("device")
as_option = click.option("--as", "acting", metavar="EMAIL", help="Act as this person.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def person(email: str) -> User:
    """Return the account of an address.

    Raises:
        NotFound: there is none.
    """
    user = people.by_email(addresses.key(email))
    if user is None:
        raise NotFound("user_not_found", "There is no account of %(email)s.", email=email or "''")
    return user


def acting_for(device: Device, email: str | None) -> User:
    """Return who acts: the person that was named, or the owner.

    Raises:
        NotFound: there is no such account.
        Conflict: nobody was named, and the device has no owner, or one who is switched off.
    """
    found = person(email) if email else inventory.owner(device)
    if found is None:
        raise Conflict("device_unclaimed", "Nobody has claimed this device yet.")
    if found.disabled_at is not None:
        raise Conflict(
            "owner_disabled",
            "The account %(email)s is switched off. Switch it on first, or name another with --as.",
            email=found.email_typed,
        )
    return found


def show_fields(fields: dict[str, Any], as_json: bool) -> None:
    """Print names and values, for people or for programs."""
    if as_json:
        click.echo(orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        text = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{name.ljust(width)}  {text if text is not None else ''}".rstrip())
