"""Every text in every language: complete, in use, and with the same gaps to fill in."""

import re

import pytest
from babel.messages.catalog import Catalog

from locales import messages
from notify import catalogue

EVERY = pytest.mark.parametrize("code", list(catalogue.locales())[1:])
GAP = re.compile(r"%\((\w+)\)[a-z]")


@pytest.fixture(scope="module")
def used() -> Catalog:
    return messages.used()


def ids(catalog: Catalog) -> set:
    return {one.id for one in catalog if one.id}


def forms(message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string]


def translated(code: str):
    """Pairs of original and translation, each number form by itself."""
    for one in catalogue.read(code):
        original = one.id[1] if isinstance(one.id, tuple | list) else one.id
        yield from ((original, form) for form in forms(one) if original and form)


def test_the_texts_of_all_parts_are_found(used):
    found = {str(one.id) for one in used if isinstance(one.id, str)}

    assert "There is nothing here." in found  # what an error says
    assert "Add device" in found  # Python
    assert "Outbox" in found  # a page
    assert "Confirm your account" in found  # a mail
    assert "Live connection lost, trying again" in found  # a script


@pytest.mark.parametrize("text", ["From", "To", "Until"])
def test_words_of_a_span_of_time_are_not_those_of_senders_and_recipients(used, text):
    files = {file for file, _line in used[text].locations}

    assert {file for file in files if file.startswith(("auth/", "notify/"))} == set()


@EVERY
def test_no_text_is_missing(used, code):
    known = {one.id for one in catalogue.read(code) if one.id and all(forms(one))}

    assert ids(used) - known == set()


@EVERY
def test_no_text_is_unused(used, code):
    assert ids(catalogue.read(code)) - ids(used) == set()


@EVERY
def test_no_translation_is_a_guess(code):
    assert [one.id for one in catalogue.read(code) if one.id and one.fuzzy] == []


@EVERY
def test_every_number_form_is_there(code):
    catalog = catalogue.read(code)

    for one in catalog:
        if one.pluralizable and one.id:
            assert len(forms(one)) == catalog.num_plurals, one.id


@EVERY
def test_every_translation_has_the_gaps_of_the_original(code):
    for original, form in translated(code):
        assert sorted(GAP.findall(form)) == sorted(GAP.findall(original)), original
        assert GAP.sub("", form).replace("%%", "").count("%") == (
            GAP.sub("", original).replace("%%", "").count("%")
        ), original


@EVERY
def test_every_translation_ends_as_the_original_does(code):
    for original, form in translated(code):
        for sign in (".", ":", "…", "?", "!"):
            assert form.endswith(sign) == original.endswith(sign), (original, form)
        assert form == form.strip(), original


@EVERY
def test_the_file_is_as_the_script_writes_it(used, code, tmp_path, monkeypatch):
    path = catalogue.path_of(code)
    fresh = messages.update(code, used)
    copy = tmp_path / code / "LC_MESSAGES" / "messages.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)

    assert messages.write(code, fresh) is False


def test_a_translation_survives_when_its_text_goes_and_comes_back(tmp_path, monkeypatch):
    path = tmp_path / "de" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(messages.HEADER.format(language="de", plural="nplurals=2").encode())
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    template = Catalog()
    template.add("Door", locations=[("a.py", 1)])
    first = messages.update("de", template)
    first["Door"].string = "Tür"
    messages.write("de", first)

    messages.write("de", messages.update("de", Catalog()))
    assert ids(catalogue.read("de")) == set()
    messages.write("de", messages.update("de", template))

    assert catalogue.read("de")["Door"].string == "Tür"
