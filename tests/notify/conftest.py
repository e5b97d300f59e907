"""A server that can write to people, and real mail servers to write to."""

import pytest
from flask import Flask

from notify import language, post


@pytest.fixture
def office(server: Flask, settings):
    """A server with languages and the outbox, and its context."""
    language.init_app(server)
    post.init_app(server, settings)
    with server.app_context():
        yield server
