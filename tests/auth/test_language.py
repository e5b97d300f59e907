"""Choosing a language shows the same page again, with what its link said."""

import pytest
from bs4 import BeautifulSoup
from freezegun import freeze_time

from auth import administration
from tests.auth.conftest import NOW, link, member, register, wrong
from tests.auth.conftest import code as mailed_code
from tests.auth.test_recovery import ask
from tests.auth.test_second_factor import EMAIL, ana, now_code

__all__ = ["ana"]


def choose(person, shown, code: str = "de"):
    """Press the button of a language at the foot of a page."""
    form = BeautifulSoup(shown.data, "html.parser").select_one("form.gh-languages")
    assert form["action"] == "/language"
    values = {item["name"]: item["value"] for item in form.select("input[name]")}
    return person.client.post("/language", data={**values, "item": code})


def reset_link(house) -> str:
    member(house, EMAIL)
    ask(house)
    return link(house, EMAIL)


def confirmation_link(house) -> str:
    register(house, EMAIL)
    return link(house, EMAIL)


def invitation_link(house) -> str:
    with house.app_context():
        administration.invite(EMAIL, role="user", language="en", by=None, now=NOW)
    return link(house, EMAIL)


@pytest.mark.parametrize("made", [reset_link, confirmation_link, invitation_link])
def test_a_page_opened_from_a_mail_keeps_its_link(house, visitor, made):
    person = visitor()
    with freeze_time(NOW):
        path = made(house)
        answer = choose(person, person.see(path))
        assert (answer.status_code, answer.location) == (303, path)
        shown = person.see(path)
    assert 'lang="de"' in shown.text
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_refused_form_keeps_its_link_too(house, visitor):
    person = visitor()
    with freeze_time(NOW):
        path = reset_link(house)
        said = wrong(mailed_code(house, EMAIL))
        new = "walnut-river-carries-58"
        refused = person.submit(path, code=said, password=new, repeat=new)
        assert refused.status_code == 422
        assert choose(person, refused).location == path


def test_the_login_keeps_where_it_leads(visitor):
    person = visitor()
    path = "/login?next=/settings/security"
    assert choose(person, person.see(path)).location == path


def test_the_second_step_of_the_login_stays_in_that_step(house, visitor, ana):
    person = visitor()
    with freeze_time(NOW):
        german = choose(person, person.log_in(EMAIL, next="/settings"))
        french = choose(person, german, "fr")
        assert 'lang="de"' in german.text
        assert '<html lang="fr"' in french.text
        form = BeautifulSoup(french.data, "html.parser").select_one("main form")
        values = {item["name"]: item.get("value", "") for item in form.select("input[name]")}
        answer = person.client.post(form["action"], data={**values, "code": now_code(ana)})
    assert (answer.status_code, answer.location) == (303, "/settings")


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_a_language_leads_to_no_other_site(visitor, path):
    person = visitor()
    shown = BeautifulSoup(person.see("/login").data, "html.parser")
    token = shown.select_one("form.gh-languages input[name=csrf_token]")["value"]
    answer = person.client.post("/language", data={"csrf_token": token, "item": "de", "next": path})
    assert answer.location == "/"
