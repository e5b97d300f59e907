"""Every message and every state of the outbox has a name for people."""

import ast
from pathlib import Path

from notify import letters, mail_words, outbox

FOLDER = Path(letters.__file__).parent
PARTS = {"levels"}  # what other mails include


def test_every_mail_has_a_name_and_no_name_is_left_over():
    mails = {file.stem for file in (FOLDER / "templates" / "mail").glob("*.jinja")}

    assert mails - PARTS == set(mail_words.TEMPLATES)
    assert len(set(mail_words.TEMPLATES.values())) == len(mail_words.TEMPLATES)


def test_every_state_has_a_name_and_no_name_is_left_over():
    written = {
        word.value.value
        for file in (FOLDER / "mail.py", Path(outbox.__file__))
        for word in ast.walk(ast.parse(file.read_text()))
        if isinstance(word, ast.keyword)
        and word.arg == "state"
        and isinstance(word.value, ast.Constant)
    }

    assert written == set(mail_words.STATES)
