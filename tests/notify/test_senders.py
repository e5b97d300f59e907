"""The MAIL_SENDERS file: what it may say, and one clear line when it is wrong."""

import json

import pytest

from config import ConfigError
from notify.senders import Senders

ONE = """
[[sender]]
name = "backup"
server = "mail.example.org"
port = 587
use_tls = true
username = "gate"
password = "hidden-word"
default_sender = "Gate <gate@example.org>"
"""


@pytest.fixture
def senders(settings, tmp_path):
    """Senders of a file of this name and content, with other settings beside."""

    def make(text: str, name: str = "senders.toml", **changes: object) -> Senders:
        file = tmp_path / name
        file.write_text(text)
        return Senders(settings.model_copy(update={"mail_senders": file, **changes}))

    return make


def test_without_mail_server_and_file_mails_stay_here(settings):
    assert Senders(settings).local


def test_a_file_alone_is_enough(senders):
    (only,) = senders(ONE).all

    assert (only.label, only.server, only.port, only.use_tls) == (
        "backup",
        "mail.example.org",
        587,
        True,
    )


def test_the_mail_server_is_a_further_sender(senders):
    names = [one.label for one in senders(ONE, mail_server="smtp.example.org").all]

    assert names == ["backup", "mail@smtp.example.org"]


def test_json_says_the_same(senders):
    entry = {"name": "backup", "server": "mail.example.org"}

    (only,) = senders(json.dumps({"sender": [entry]}), name="senders.json").all

    assert only.label == "backup"
    assert only.default_sender == "Gatehouse <gatehouse@localhost>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[sender]\n", "neither TOML nor JSON"),
        ("", "sender: Field required"),
        ("sender = []", "at least 1 item"),
        ('[[sender]]\nport = 25\nname = "x"', "sender.0.server: Field required"),
        ('[[sender]]\nserver = "a"\nport = 99999', "sender.0.port"),
        ('[[sender]]\nserver = "a"\nsecret = "b"', "sender.0.secret: Extra inputs"),
        ('[[sender]]\nserver = "a"\n[[sender]]\nserver = "a"', "two senders have the same name"),
    ],
)
def test_a_mistake_is_one_clear_line(senders, text, said):
    with pytest.raises(ConfigError) as caught:
        senders(text)

    assert str(caught.value).startswith("MAIL_SENDERS: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_clear_line(settings, tmp_path):
    with pytest.raises(ConfigError, match="MAIL_SENDERS: cannot be read"):
        Senders(settings.model_copy(update={"mail_senders": tmp_path / "none.toml"}))


def test_passwords_are_not_shown(senders):
    assert "hidden-word" not in repr(senders(ONE).all)
