"""`doctor`: what an installation runs on, and what is wrong with it."""

import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import version

import click
from flask.cli import with_appcontext

import wiring
from cli.database import _engines
from db import migrations

PACKAGES = ("dash", "plotly", "flask", "sqlalchemy", "paho-mqtt", "gunicorn")


@click.command()
@with_appcontext
def doctor() -> None:
    """Print versions and check database, disk and broker program; exit code 1 if one is wrong."""
    settings = wiring.current().settings
    click.echo(f"python {sys.version.split()[0]}, sqlite {sqlite3.sqlite_version}")
    click.echo(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    wrong = []
    for history, engine in _engines().items():
        at, newest = migrations.current(history, engine), migrations.newest(history)
        click.echo(f"{history} database: {engine.dialect.name}, revision {at}")
        if at != newest:
            wrong.append(f"the {history} database is at {at}, not {newest}: run `db upgrade`")
    free = shutil.disk_usage(settings.instance_dir).free
    click.echo(f"disk: {free / 1e9:.1f} GB free in {settings.instance_dir}")
    if free < 200_000_000:
        wrong.append("less than 200 MB of disk are free")
    if settings.manages_broker:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            wrong.append("mosquitto is missing: install Debian's package, or set MQTT_HOST")
        else:
            said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)  # noqa: S603
            click.echo(said.stdout.splitlines()[0])
    for line in wrong:
        click.echo(f"WRONG: {line}", err=True)
    if wrong:
        raise SystemExit(1)
    click.echo("all is well")
