"""Where a finder of weaknesses looks first."""

from datetime import UTC, datetime, timedelta

import pytest

from config import ConfigError, load

PATH = "/.well-known/security.txt"


def test_it_names_who_wants_to_know_until_when(running, monkeypatch):
    parts = running.extensions["gatehouse"]
    named = {"security_contact": "mailto:security@example.org"}
    monkeypatch.setattr(parts, "settings", parts.settings.model_copy(update=named))

    answer = running.test_client().get(PATH)

    assert answer.content_type == "text/plain; charset=utf-8"
    said = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert said["Contact"] == "mailto:security@example.org"
    assert said["Canonical"] == parts.settings.url + PATH
    left = datetime.fromisoformat(said["Expires"]) - datetime.now(UTC)
    assert timedelta(days=150) < left < timedelta(days=365)


def test_there_is_none_where_nobody_is_named(running):
    client = running.test_client()
    assert client.get(PATH).status_code == client.get("/.well-known/x").status_code == 404


@pytest.mark.parametrize(
    "contact", ["security@example.org", "http://example.org", "mailto:a\nb: c"]
)
def test_a_contact_is_an_address_that_programs_can_open(contact):
    with pytest.raises(ConfigError, match="SECURITY_CONTACT"):
        load({"SECURITY_CONTACT": contact}, None)
