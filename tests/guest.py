"""What a guest's browser does with the page of a link."""

import re

from flask import Flask
from werkzeug.test import TestResponse

MARK = re.compile(r'name="nonce" value="([^"]+)"')


def mark_of(page: str) -> str:
    """The mark that a page gives along with a press; empty for one without a button."""
    found = MARK.search(page)
    return found[1] if found else ""


def open_page(server: Flask, path: str) -> str:
    """Open the page of a link; returns its mark."""
    return mark_of(server.test_client().get(path).text)


def press(server: Flask, path: str, mark: str | None = None, **fields: str) -> TestResponse:
    """Press the button of a page; without a mark of one that is opened for it."""
    nonce = open_page(server, path) if mark is None else mark
    return server.test_client().post(path, data={"nonce": nonce, **fields})
