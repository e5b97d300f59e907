"""The command line, one file a group.

An expected error ends a command with one line on standard error and exit code 1.
"""

from importlib import import_module
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from errors import AppError


class Group(AppGroup):
    """A group of commands that run inside an application context."""

    def invoke(self, ctx: click.Context) -> Any:
        """Turn expected errors into one clear line."""
        try:
            return super().invoke(ctx)
        except AppError as error:
            raise click.ClickException(error.message) from error


COMMANDS = {
    "database": ("database",),
    "devices": ("devices",),
    "doctor": ("doctor",),
    "guests": ("guests",),
    "listen": ("listen", "work"),
    "simulate": ("simulate",),
    "tls": ("tls",),
    "users": ("users",),
}


def init_app(server: Flask) -> None:
    """Register every group and command."""
    for module, names in COMMANDS.items():
        for name in names:
            server.cli.add_command(getattr(import_module(f"cli.{module}"), name))
