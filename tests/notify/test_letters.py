"""What mails look like: every template, in every language."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from notify import language, letters

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = "https://gate.example.org"
VALUES = {
    "link": f"{SITE}/confirm/eyJhbGciOiJIUzI1NiJ9.abc-def_ghi?check=%242b%2412&x=1",
    "login_link": f"{SITE}/login",
    "recover_link": f"{SITE}/recover",
    "settings_link": f"{SITE}/settings",
    "by_admin": False,
    "minutes": 30,
    "hours": 24,
    "code": "004217",
    "purpose": "password",
    "change": "totp_on",
    "at": NOON,
    "address": "203.0.113.7",
    "new_email": "new@example.org",
    "inviter": "eve@example.org",
    "device": 'Gate "north" <b>',
    "level": "operator",
    "guest": "Ada",
    "host": "eve@example.org",
    "door": "North gate",
    "opens": NOON,
    "ends": NOON,
}
SHARED = {"parts", "layout", "levels"}
TEMPLATES = sorted(
    {file.stem for file in letters.FOLDER.glob("*.jinja") if file.stem not in SHARED}
)
EVERY = pytest.mark.parametrize("template", TEMPLATES)


class Links(HTMLParser):
    """Collects where the links of a page lead, and complains about what mail clients strip."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "style", "link", "img", "div", "b"}
        assert "class" not in dict(attributes)
        if tag == "a":
            self.found.append(dict(attributes)["href"])


def links_of(html: str) -> list[str]:
    parser = Links()
    parser.feed(html)
    return parser.found


@EVERY
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_every_mail_says_the_same_as_text_and_as_html(desk, template, code):
    letter = letters.render(template, code, SITE, VALUES)

    assert letter.subject
    assert "\n" not in letter.subject
    in_text = re.findall(r"https://\S+", letter.text)
    in_html = links_of(letter.html)
    assert set(in_text) - {SITE} == set(in_html)
    assert f'<html lang="{"sr-Latn" if code == "sr" else code}">' in letter.html
    assert len(letter.html) < 16_000


@EVERY
def test_every_line_of_text_fits_but_links(desk, template):
    letter = letters.render(template, "de", SITE, VALUES)

    long = [line for line in letter.text.splitlines() if len(line) > 76]
    assert all(line.startswith("https://") for line in long)


@EVERY
def test_what_others_typed_is_text(desk, template):
    letter = letters.render(template, "en", SITE, VALUES)

    assert 'Gate "north" <b>' not in letter.html
    if "north" in letter.text:
        assert 'Gate "north" <b>' in " ".join(letter.text.split())
        assert "&lt;b&gt;" in letter.html


def test_a_line_break_in_a_name_stays_in_its_line(desk):
    values = VALUES | {"device": "Gate\r\nBcc: all@example.org"}

    letter = letters.render("shared", "en", SITE, values)

    assert letter.subject == "Gate Bcc: all@example.org was shared with you"


def test_a_missing_value_is_an_error_and_not_a_gap(desk):
    with pytest.raises(UndefinedError):
        letters.render("confirm", "en", SITE, {"minutes": 30})


def test_numbers_decide_the_form_of_a_sentence(desk):
    one = letters.render("code", "en", SITE, VALUES | {"minutes": 1})
    ten = letters.render("code", "en", SITE, VALUES | {"minutes": 10})

    assert "for 1 minute." in one.text
    assert "for 10 minutes." in ten.text


def test_moments_are_written_as_the_language_does(desk):
    german = letters.render("password_changed", "de", SITE, VALUES)

    assert "01.05.2026, 12:00:00 (UTC)" in " ".join(german.text.split())


def test_an_empty_code_means_that_it_goes_another_way(desk):
    with_code = letters.render("recover", "en", SITE, VALUES)
    without = letters.render("recover", "en", SITE, VALUES | {"code": ""})

    assert "004217" in with_code.text
    assert "a separate message" in " ".join(without.text.split())


@pytest.mark.parametrize(
    "change", ["email", "role_admin", "role_user", "disabled", "enabled", "sessions_ended"]
)
@pytest.mark.parametrize("code", language.LANGUAGES)
def test_every_change_by_an_administrator_is_said_in_words(desk, change, code):
    said = letters.render("account_changed", code, SITE, VALUES | {"change": change}).text
    nothing = letters.render("account_changed", code, SITE, VALUES | {"change": "none"}).text
    assert len(said) > len(nothing) + 20
    assert ("new@example.org" in said) is (change == "email")
