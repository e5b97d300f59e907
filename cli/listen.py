"""`listen` and `work`: the parts of the server as processes of their own."""

import signal
import time

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from cli.background import Background, Part, housekeeping
from notify.worker import Worker

PAUSE_S = 0.2  # between two looks whether a signal came


@click.command()
@with_appcontext
def listen() -> None:
    """Take readings from the broker and store them, until SIGTERM."""
    _until_told(_real(), listener=True)


@click.command()
@with_appcontext
def work() -> None:
    """Send mail, settle commands and keep house, until SIGTERM."""
    _until_told(_real(), listener=False)


def _real() -> Flask:
    server: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return server


def _until_told(server: Flask, *, listener: bool) -> None:
    told: list[int] = []  # no Event: a signal that comes while one is set waits for ever
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: told.append(number))
    parts: list[Part] = (
        [Background(server).ingest] if listener else [Worker(server), *housekeeping(server)]
    )
    for part in parts:
        part.start()
    click.echo("running; SIGTERM ends")
    while not told:
        time.sleep(PAUSE_S)
    for part in parts:
        part.stop()
