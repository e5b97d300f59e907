"""`simulate`: a house full of devices that are not there, for demonstrations and tests."""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

import wiring
from auth import addresses, administration, people
from clock import utcnow
from config import Settings
from db.models import User
from devices import registry
from errors import AppError

ROOT = Path(__file__).resolve().parent.parent
DEMO_OWNER = "demo@example.org"
# file names in INSTANCE_DIR
LOGIN, HOUSE, CONTROL = "demo.json", "house.json", "house-control.json"

# name, kind, which simulation (edge.simulated)
SMALL = [
    ("Front door", "lock", "lock"),
    ("Driveway gate", "gate", "gate"),
    ("Living room", "sensor", "climate"),
    ("Bedroom", "sensor", "climate"),
    ("Class board", "led", "board"),
    ("Heating circuit", "gauge", "gauge"),
    ("Energy meter", "other", "meter"),
]
LARGE = [
    *SMALL,
    *[(f"Room {number}", "sensor", "climate") for number in range(101, 131)],
    *[(f"Door {number}", "lock", "lock") for number in range(101, 106)],
    *[(f"Board {number}", "led", "board") for number in range(1, 4)],
    *[(f"Meter {number}", "other", "meter") for number in range(1, 6)],
]
HOUSES = {"small": SMALL, "large": LARGE}

# which simulation: {sensor: unit}; a device that is bought says no units either
UNITS = {
    "lock": {"battery": "%"},
    "gate": {"position": "%"},
    "climate": {"temperature": "°C", "humidity": "%"},
    "board": {"temperature": "°C"},
    "gauge": {"pressure": "bar"},
    "meter": {"power.l1": "W", "power.l2": "W", "power.l3": "W", "power.total": "W"}
    | {"voltage": "V", "energy": "kWh"},
}


@click.command()
@click.option("--house", type=click.Choice(sorted(HOUSES)), default="small", show_default=True)
@click.option("--owner", help="E-mail address of the account that gets the devices.")
@click.option(
    "--demo", "for_demo", is_flag=True, help="Make an account for it and say how to log in."
)
@click.option("--backfill", type=float, default=24, show_default=True, help="Hours of history.")
@click.option("--only-create", is_flag=True, help="Make the devices but do not run them.")
@with_appcontext
def simulate(
    house: str, owner: str | None, for_demo: bool, backfill: float, only_create: bool
) -> None:
    """Add a simulated house and live in it until Ctrl-C.

    Each device has its own credentials and publishes through the broker like any other.  The
    house is kept in INSTANCE_DIR and is the same one at the next start.
    """
    settings = wiring.current().settings
    try:
        user = _demo_owner(settings) if for_demo else _owner(owner)
        file = furnish(house, by=user)
    except AppError as error:
        raise click.ClickException(error.message) from error
    if only_create:
        click.echo(f"The house is in {file}")
        return
    arguments = ["--credentials", str(file), "--control", str(settings.instance_dir / CONTROL)]
    _become([*arguments, "--backfill", str(backfill)])


def furnish(house: str, *, by: User) -> Path:
    """Make the devices of a house that are not there yet; returns the file of credentials."""
    parts = wiring.current()
    file = parts.settings.instance_dir.absolute() / HOUSE
    kept = _still_there(file)
    names = {entry["name"] for entry in kept}
    for name, kind, model in HOUSES[house]:
        if name in names:
            continue
        made = registry.create(
            name,
            kind,
            by=by,
            now=utcnow(),
            broker=parts.broker,
            keys=parts.keys,
            namespace=parts.settings.mqtt_namespace,
        )
        for sensor, unit in UNITS[model].items():
            parts.store.add_series(made.device.id, sensor, "number", unit)
        entry = {
            "controller_id": made.device.controller_id,
            "kind": kind,
            "name": name,
            "model": model,
            "username": made.device.mqtt_username,
            "password": made.mqtt_password,
            "command_key": made.command_key,
        }
        kept.append(entry)
    _write_private(file, [entry | _broker(parts.settings) for entry in kept])
    return file


def _still_there(file: Path) -> list[dict[str, Any]]:
    """Return the entries of an earlier run whose devices nobody has deleted since."""
    try:
        entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [entry for entry in entries if registry.by_controller(entry["controller_id"])]


def _broker(settings: Settings) -> dict[str, Any]:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    bind = everywhere.get(settings.mqtt_bind, settings.mqtt_bind)
    return {
        "host": settings.mqtt_host or bind,
        "port": settings.mqtt_port,
        "namespace": settings.mqtt_namespace,
        "tls": settings.devices_speak_tls,
        "ca": str(settings.mqtt_ca.absolute()) if settings.mqtt_ca else "",
    }


def _owner(email: str | None) -> User:
    if not email:
        raise click.UsageError("say whose devices these will be: --owner EMAIL, or --demo")
    user = people.by_email(addresses.key(email))
    if user is None:
        raise click.ClickException(f"nobody is registered as {email}")
    return user


def _demo_owner(settings: Settings) -> User:
    """Return the account of the demo house, with a random password that is said at each start."""
    file = settings.instance_dir / LOGIN
    user = people.by_email(DEMO_OWNER)
    if user is None:
        password = secrets.token_urlsafe(12)
        user = administration.add(
            DEMO_OWNER, password, role="user", language="en", by=None, now=utcnow()
        )
        _write_private(file, {"email": DEMO_OWNER, "password": password})
    if file.exists():
        login = json.loads(file.read_text(encoding="utf-8"))
        click.echo(f"Demo house: log in as {login['email']} with the password {login['password']}")
    return user


def _write_private(file: Path, content: object) -> None:
    """Replace a file that only this user may read."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=1)
    part.replace(file)


def _become(arguments: list[str]) -> None:
    """Go on as the device side: a small program that knows nothing of databases and pages."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "edge", "simulate", *arguments])  # noqa: S606
