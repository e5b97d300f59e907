"""`devices`: look after devices from the shell of the server.

A command acts as the owner of the device, or as the person named with --as; so the rights, limits
and the audit log are those of the pages.
"""

import sys
from typing import Any

import click
import orjson

import wiring
from auth import access, tokens
from cli import transfer
from cli.acting import acting_for, as_option, device_argument, json_option, person, show_fields
from cli.groups import Group
from cli.topics import topics
from clock import utcnow
from db.models import Kind
from devices import fields, imports, inventory, presence, registry, set_points
from devices.set_points import Bounds
from errors import AppError

STATES = {access.REVOKED[0]: "revoked", access.OWNER_OFF[0]: "owner disabled"}

devices = Group("devices", help="Look after devices.")

kind_option = click.option("--kind", type=click.Choice([kind.value for kind in Kind]))
format_option = click.option(
    "--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True
)


@devices.command()
@click.argument("name")
@click.option("--owner", required=True, metavar="EMAIL", help="Whose device it will be.")
@kind_option
@click.option("--hardware-id", help="Burnt in, never changes.")
@click.option("--controller-id", help="Its part of the topics; made from the name if left out.")
@json_option
def add(owner: str, as_json: bool, kind: str | None, **given: str | None) -> None:
    """Add a device called NAME and print its secrets, this once."""
    made = transfer.create({**given, "kind": kind or Kind.OTHER}, by=person(owner))
    show_fields(made, as_json)


@devices.command("list")
@click.option("--search", default="", help="Only with this text in name, ids or owner.")
@json_option
def list_all(search: str, as_json: bool) -> None:
    """List all devices."""
    shown = [_summary(one) for one in inventory.on_this_machine(search)]
    if as_json:
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    columns = ("id", "name", "kind", "controller_id", "state", "owner")
    rows = [columns, *([str(one[column]) for column in columns] for one in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


@devices.command()
@device_argument
@json_option
def show(device: str, as_json: bool) -> None:
    """Show one device; DEVICE is an id, a controller id, a hardware id or a name."""
    found = inventory.find(device)
    owner = inventory.owner(found)
    listed = inventory.Listed(found, owner.email_typed if owner else "")
    row = wiring.current().store.presence([found.id]).get(found.id)
    firmware = presence.firmware(found, row.attributes if row else {})
    kept = fields.kept_days(found.retention_days, wiring.current().settings.retention_days)
    more = {"firmware": firmware, "kept_days": kept if as_json else kept or "for ever"}
    living = tokens.listing(found, by=owner) if owner and owner.is_active else []
    marks = [f"{token.public_id} {token.label}".strip() for token in living]
    use = wiring.current().store.disk_use([found.id])[found.id]
    show_fields({**_summary(listed), **more, "tokens": marks, "disk_bytes": use.bytes}, as_json)


@devices.command()
@device_argument
@as_option
@click.option("--name")
@kind_option
@click.option("--controller-id")
@click.option("--notes")
@click.option("--timezone")
@click.option("--expected-interval-s", type=int)
@click.option("--retention-days", metavar="DAYS", help="A number, forever, or default.")
@click.option("--hold-to-act/--press-to-act", default=None)
def edit(device: str, acting: str | None, **given: Any) -> None:
    """Change a device; what is left out stays."""
    found = inventory.find(device)
    changes = {field: value for field, value in given.items() if value is not None}
    if "retention_days" in changes:
        changes["retention_days"] = transfer.retention_days(changes["retention_days"])
    changed = registry.update(
        found,
        by=acting_for(found, acting),
        now=utcnow(),
        broker=wiring.current().broker,
        **changes,
    )
    click.echo(f"{found.name} is changed" if changed else f"{found.name} was so already")


@devices.command()
@device_argument
@as_option
@json_option
def rotate(device: str, acting: str | None, as_json: bool) -> None:
    """Give a device a new broker password; the old one stops at once."""
    parts = wiring.current()
    found = inventory.find(device)
    by = acting_for(found, acting)
    password = registry.rotate(found, by=by, now=utcnow(), broker=parts.broker, keys=parts.keys)
    show_fields({"username": found.mqtt_username, "password": password}, as_json)


@devices.command()
@device_argument
@as_option
def revoke(device: str, acting: str | None) -> None:
    """Shut a device out, at the broker and over HTTP, until its password is rotated."""
    found = inventory.find(device)
    by = acting_for(found, acting)
    registry.revoke(found, by=by, now=utcnow(), broker=wiring.current().broker)
    click.echo(f"{found.name} is shut out")


@devices.command()
@device_argument
@as_option
@click.confirmation_option(prompt="Delete the device with all its readings?")
def delete(device: str, acting: str | None) -> None:
    """Delete a device with all its readings."""
    parts = wiring.current()
    found = inventory.find(device)
    name, by = found.name, acting_for(found, acting)
    registry.delete(found, by=by, now=utcnow(), broker=parts.broker, store=parts.store)
    click.echo(f"{name} is deleted")


@devices.command()
@device_argument
@as_option
@click.option("--label", default="", help="What the token is for.")
@click.option("--revoke", "ended", metavar="ID", help="End this token instead of making one.")
def token(device: str, acting: str | None, label: str, ended: str | None) -> None:
    """Make a token for a device and print it, this once; or end one."""
    found = inventory.find(device)
    by = acting_for(found, acting)
    if ended:
        tokens.revoke(found, ended, by=by, now=utcnow())
        click.echo(f"{ended} is ended")
        return
    click.echo(tokens.create(found, by=by, label=label, now=utcnow())[1])


@devices.command("set-point")
@device_argument
@click.argument("target")
@as_option
@click.option("--min", "low", type=float)
@click.option("--max", "high", type=float)
@click.option("--step", type=float, help="Values are the least one and whole steps above it.")
@click.option("--unit", default="", help="Of the values, such as °C.")
@click.option("--none", "none", is_flag=True, help="Let the device decide itself.")
def set_point(
    device: str,
    target: str,
    acting: str | None,
    low: float | None,
    high: float | None,
    step: float | None,
    unit: str,
    none: bool,
) -> None:
    """Declare what numbers TARGET of a device may be set to."""
    if not none and (low is None or high is None):
        raise click.UsageError("--min and --max, or --none")
    found = inventory.find(device)
    bounds = None if low is None or high is None else Bounds(low, high, step, unit)
    by = acting_for(found, acting)
    set_points.declare(
        found, target, None if none else bounds, by=by, now=utcnow(), bus=wiring.current().bus
    )
    click.echo(f"{target} of {found.name} is declared" if not none else f"{target} is free")


@devices.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@format_option
def export_all(file: Any, form: str) -> None:
    """Write all devices, without secrets, to FILE."""
    transfer.write(file, inventory.on_this_machine(), form)


@devices.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--owner", metavar="EMAIL", help="Of those that name none.")
@format_option
def import_all(file: Any, owner: str | None, form: str) -> None:
    """Add the devices in FILE and print their secrets, this once, in the same format.

    What cannot be added is named on standard error; the rest is added, and the exit code is 1.
    """
    made: list[dict[str, str]] = []
    failed = 0
    for number, given in enumerate(transfer.read(file, form), 1):
        try:
            made.append(transfer.create(given, by=person(given.get("owner") or owner or "")))
        except AppError as error:
            failed += 1
            click.echo(f"device {number}: {error.message}", err=True)
    transfer.write_secrets(sys.stdout, made, form)
    if failed:
        raise SystemExit(1)


@devices.command("import-readings")
@device_argument
@click.argument("file", type=click.File("rb"))
@as_option
@click.option("--sensor", default="", help="What the file means, if it names no sensor.")
@click.option("--dry-run", is_flag=True, help="Change nothing, only say what would happen.")
def import_readings(device: str, file: Any, acting: str | None, sensor: str, dry_run: bool) -> None:
    """Take the readings of a CSV FILE into a device and print what became of them, as JSON."""
    parts = wiring.current()
    found = inventory.find(device)
    report = imports.take(
        found,
        file.read(imports.LARGEST + 1),
        by=acting_for(found, acting),
        store=parts.store,
        now=utcnow(),
        most_sensors=parts.settings.max_sensors_per_device,
        dry_run=dry_run,
        sensor=sensor,
    )
    click.echo(orjson.dumps(report.plain(), option=orjson.OPT_INDENT_2))


def _summary(one: inventory.Listed) -> dict[str, Any]:
    device = one.device
    row = wiring.current().store.presence([device.id]).get(device.id)
    state = presence.state(row, expected_interval_s=device.expected_interval_s, now=utcnow())
    return {
        **transfer.described(one),
        "id": device.public_id,
        "state": STATES[why[0]] if (why := access.shut_out(device)) else state.value,
        "mqtt_username": device.mqtt_username,
    }


devices.add_command(topics)
