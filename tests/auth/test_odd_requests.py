"""Requests that no page of ours makes are refused in words, and leave no trace in the log."""

import pytest

from tests.auth.conftest import member


@pytest.fixture
def admin(house, visitor):
    member(house, "ana@example.org", role="admin")
    person = visitor()
    person.log_in("ana@example.org")
    return person


@pytest.mark.parametrize(
    "body", ["[1]", "null", '{"email": 1, "password": 2}', '{"email": "\\ud800"}']
)
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 400),
        ("/login/passkey", 422),
        ("/register", 400),
        ("/recover", 400),
        ("/confirm", 400),
        ("/reset", 410),  # no link was opened
        ("/logout", 200),
        ("/language", 303),
    ],
)
def test_json_is_no_form(house, visitor, path, status, body):
    person = visitor()
    token = person.see("/login").text.split('name="csrf-token" content="')[1].split('"')[0]
    headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
    assert person.client.post(path, data=body, headers=headers).status_code == status


@pytest.mark.parametrize("number", [str(10**30), str(2**63), "-1", "x", ""])
@pytest.mark.parametrize(
    "query", ["/settings/activity?before=", "/admin/audit?before=", "/admin/users?page="]
)
def test_numbers_that_no_row_has_are_no_numbers(admin, query, number):
    assert admin.see(query + number).status_code == 200
