"""`guests`: links for guests, made from the shell of the server."""

import sys
from typing import Any

import click

import wiring
from cli import acting
from cli.groups import Group
from clock import utcnow
from devices import guest_list

guests = Group("guests", help="Let guests in.")


@guests.command("from-list")
@click.argument("file", type=click.File("rb"))
@click.option("--as", "person", required=True, metavar="EMAIL", help="Who manages the doors.")
@click.option("--dry-run", is_flag=True, help="Make nothing, only say which lines are wrong.")
def from_list(file: Any, person: str, dry_run: bool) -> None:
    """Make a link for every line of a CSV FILE, or none, and print them as CSV, this once."""
    parts, by, now = wiring.current(), acting.person(person), utcnow()
    data = file.read(guest_list.LARGEST + 1)
    if dry_run:
        lines = guest_list.look_over(data, by=by, now=now)
    else:
        lines = guest_list.create(
            data, by=by, keys=parts.keys, url=parts.settings.url, now=now, address=""
        )
    for line in lines:
        if line.error:
            click.echo(f"line {line.number}, {line.name}: {line.error.message}", err=True)
    if guest_list.has_errors(lines):
        raise SystemExit(1)
    if not dry_run:
        sys.stdout.buffer.write(guest_list.result(lines))
