"""Which language somebody reads, and where texts come from."""

from datetime import UTC, datetime

import pytest
from flask import Response, render_template_string
from flask_babel import format_datetime, get_timezone, gettext
from flask_login import LoginManager

from db.models.account import User
from errors import Conflict
from notify import catalogue, language

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def signed_in(desk):
    """Sign a person in for every request from here on."""
    manager = LoginManager(desk)

    def log_in(**about: object) -> None:
        user = User(id=1, email="person@example.org", confirmed_at=NOON, **about)
        manager.request_loader(lambda _request: user)

    return log_in


def test_five_languages_name_themselves():
    assert language.LANGUAGES == {
        "en": "English",
        "de": "Deutsch",
        "es": "Español",
        "fr": "Français",
        "sr": "Srpski",
    }


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("sr", "sr"),
        ("sr-Latn-RS,sr;q=0.9", "sr"),
        ("es-MX", "es"),
        ("nl,fr;q=0.5,en;q=0.3", "fr"),
        ("nl", "en"),
        ("", "en"),
        ("\u2028;;q=x", "en"),
    ],
)
def test_the_browser_is_asked(desk, asked, given):
    with desk.test_request_context(headers={"Accept-Language": asked}):
        assert language.code() == given


def test_what_the_browser_was_set_to_wins_over_what_it_asks_for(desk):
    headers = {"Accept-Language": "de", "Cookie": "language=fr"}
    with desk.test_request_context(headers=headers):
        assert language.code() == "fr"


def test_a_made_up_cookie_is_ignored(desk):
    headers = {"Accept-Language": "de", "Cookie": "language=../../etc"}
    with desk.test_request_context(headers=headers):
        assert language.code() == "de"


def test_what_the_person_set_wins_over_the_browser(desk, signed_in):
    headers = {"Accept-Language": "de", "Cookie": "language=fr"}
    signed_in(language="sr", timezone="Europe/Belgrade")
    with desk.test_request_context(headers=headers):
        assert language.code() == "sr"
        assert str(get_timezone()) == "Europe/Belgrade"


def test_a_person_without_a_choice_gets_the_browsers(desk, signed_in):
    signed_in(language="", timezone="Mars/Olympus")
    with desk.test_request_context(headers={"Accept-Language": "es"}):
        assert language.code() == "es"
        assert str(get_timezone()) == "UTC"


def test_the_choice_is_remembered(desk):
    response = Response()
    language.remember(response, "sr")

    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("language=sr;")
    for part in ("Max-Age=31536000", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    with pytest.raises(ValueError):
        language.remember(response, "xx")


def test_serbian_is_written_in_latin_letters(desk):
    with language.use("sr"):
        assert language.tag() == "sr-Latn"
        assert "maj" in format_datetime(NOON, "long")


def test_outside_a_request_it_is_english(desk):
    assert language.code() == "en"
    assert language.language_of(None) == "en"
    assert language.language_of(User(language="de")) == "de"


def test_an_unknown_language_is_english(desk):
    with language.use("xx"):
        assert language.code() == "en"


def test_errors_are_translated_with_their_details(desk):
    error = Conflict("x", "Register")
    with language.use("de"):
        assert language.translate(error) == "Registrieren"
    with language.use("en"):
        assert language.translate(error) == "Register"
    counted = Conflict("x", "%(count)s of %(all)s %%", count=1, all=2)
    assert language.translate(counted) == "1 of 2 %"


def test_templates_know_the_language(desk):
    with language.use("sr"):
        page = render_template_string(
            "{{ language }} {{ language_tag }} {{ languages['de'] }} {{ _('Register') }}"
        )
    assert page == "sr sr-Latn Deutsch Registracija"


def test_scripts_get_their_texts_and_no_others():
    texts = language.client_texts("de")

    assert texts["online"] == "online"
    assert texts["Live connection lost, trying again"]
    assert "Confirm your account" not in texts
    assert language.client_texts("en") == {}
    assert language.client_texts("xx") == {}


def test_adding_a_language_is_adding_a_file(desk, tmp_path, monkeypatch):
    file = tmp_path / "it" / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True)
    file.write_text(
        'msgid ""\nmsgstr ""\n"Language: it\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Register"\nmsgstr "Registrati"\n'
    )
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    catalogue.locales.cache_clear()
    catalogue.translations.cache_clear()
    try:
        with language.use("it"):
            assert language.code() == "it"
            assert gettext("Register") == "Registrati"
    finally:
        catalogue.locales.cache_clear()
        catalogue.translations.cache_clear()
