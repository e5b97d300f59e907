"""What sending needs in one running application: its settings, its senders and a bell."""

from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from flask import Flask, current_app

from config import Settings

if TYPE_CHECKING:
    from notify.senders import Senders


@dataclass(slots=True)
class Post:
    """The parts of notify that live as long as the application."""

    settings: Settings
    senders: "Senders"
    bell: Event = field(default_factory=Event)  # rung when a message was queued


def init_app(server: Flask, settings: Settings) -> None:
    """Make a server able to write to people.

    Raises:
        ConfigError: the MAIL_SENDERS file cannot be used.
    """
    from notify.senders import Senders

    server.extensions["notify"] = Post(settings, Senders(settings))


def current() -> Post:
    """Return the parts of the application whose context is active."""
    post: Post = current_app.extensions["notify"]
    return post
