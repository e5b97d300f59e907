"""Which language a person reads, and every text in it.

The order is: what the person set, what this browser was set to, what the browser asks for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from babel.support import NullTranslations
from flask import Flask, Response, current_app, has_request_context, request
from flask_babel import Babel, Domain, force_locale, get_locale, gettext
from flask_login import current_user

from clock import time_zones
from db.models.account import User
from errors import AppError
from notify import catalogue

COOKIE = "language"
COOKIE_LIFETIME_S = 365 * 86400

LANGUAGES: dict[str, str] = {
    code: (locale.language_name or code).capitalize()
    for code, locale in catalogue.locales().items()
}
"""Code and own name of each language, e.g. {"en": "English", "de": "Deutsch"}."""


class _Catalogues(Domain):  # type: ignore[misc]
    """Translations straight from the catalogues, so that no compiled files lie around."""

    def get_translations(self) -> NullTranslations:
        return catalogue.translations(code())


def init_app(server: Flask) -> None:
    """Teach a server languages; templates get `language`, `language_tag` and `languages`."""
    babel = Babel()
    babel.init_app(server, locale_selector=_wanted, timezone_selector=time_zone)
    babel.domain_instance = _Catalogues()
    server.context_processor(
        lambda: {"language": code(), "language_tag": tag(), "languages": LANGUAGES}
    )


def code() -> str:
    """Return the code of the language that is in force, one of LANGUAGES."""
    return catalogue.code_of(get_locale())


def tag() -> str:
    """Return the language in force as `<html lang>` wants it, e.g. "sr-Latn"."""
    return str(catalogue.locales()[code()]).replace("_", "-")


def language_of(user: User | None) -> str:
    """Return the code of the language to write to a person in."""
    if user is not None and user.language in LANGUAGES:
        return user.language
    return _asked_for()


@contextmanager
def use(language: str) -> Iterator[None]:
    """Translate into this language inside the block; an unknown one is English."""
    with force_locale(str(catalogue.locales().get(language, catalogue.SOURCE))):
        yield


def translate(error: AppError) -> str:
    """Return what an error says, in the language in force."""
    return str(gettext(error.text, **error.details))


def remember(response: Response, language: str) -> None:
    """Keep the choice in this browser, for the pages before the login.

    Raises:
        ValueError: there is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}")
    response.set_cookie(
        COOKIE,
        language,
        max_age=COOKIE_LIFETIME_S,
        secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")),
        httponly=True,
        samesite="Lax",
    )


def client_texts(language: str) -> dict[str, str]:
    """Return what `gatehouse.t` needs in the browser: English text -> translation."""
    return catalogue.client_texts(language)


def _wanted() -> str:
    return str(catalogue.locales()[language_of(_signed_in())])


def _asked_for() -> str:
    if not has_request_context():
        return catalogue.SOURCE
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES)) or catalogue.SOURCE


def time_zone() -> str | None:
    """Return the time zone that the reader has set; None: that of the browser."""
    user = _signed_in()
    return user.timezone if user is not None and user.timezone in time_zones() else None


def _signed_in() -> Any:
    """Return the user of this request, if the server has logins and somebody is signed in."""
    if not has_request_context() or not hasattr(current_app, "login_manager"):
        return None
    return current_user if current_user.is_authenticated else None
