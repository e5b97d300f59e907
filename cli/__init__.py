"""The command line, one file a group.

An expected error ends a command with one line on standard error and exit code 1.
"""

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


def init_app(server: Flask) -> None:
    """Register every group."""
    from cli import database, devices, doctor, listen, simulate, users

    for group in (users.users, devices.devices, database.database):
        server.cli.add_command(group)
    for command in (listen.listen, listen.work, simulate.simulate, doctor.doctor):
        server.cli.add_command(command)
