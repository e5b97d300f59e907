"""Every action that is written down has a name for people; programs get its code."""

import ast
import re
from pathlib import Path

import pytest

from auth import audit, audit_words
from auth.audit_words import WORDS
from clock import utcnow
from db.base import transaction
from tests.portal import make

ROOT = Path(__file__).resolve().parents[2]
CALLERS = ROOT / "api" / "callers.py"
WRITERS = {
    "record": "",
    "note": "",
    "noted": "",
    "_note": "",
    "_record": "admin.",
}  # and what they put before
CODE = re.compile(r"login|[a-z_]+(\.[a-z_]+)+")
PUT_TOGETHER = {"invitation.accept", "invitation.decline"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    return make(tmp_path_factory.mktemp("audited"))


def written() -> set[str]:
    """All codes that the code writes."""
    found = set()
    for path in [*(ROOT / "auth").rglob("*.py"), *(ROOT / "devices").rglob("*.py"), CALLERS]:
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            for given in call.args if name in WRITERS else ():
                for part in ast.walk(given):  # "this if that else another"
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(WRITERS[name] + part.value)
    return {code for code in found if CODE.fullmatch(code)} | PUT_TOGETHER


def test_every_action_has_a_name_and_no_name_is_left_over():
    assert written() == set(WORDS)
    assert len(set(WORDS.values())) == len(WORDS)


def test_every_kind_of_object_has_a_name_and_no_name_is_left_over():
    kinds = {
        given.value.value
        for folder in ("api", "auth", "cli", "dashboard", "devices", "mqtt", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for given in ast.walk(ast.parse(path.read_text()))
        if isinstance(given, ast.keyword)
        and given.arg == "object_type"
        and isinstance(given.value, ast.Constant)
    }

    assert kinds == set(audit_words.OBJECTS)


def test_those_who_are_no_persons_have_names_in_every_language(portal, monkeypatch):
    admin = portal.person("names@example.org", role="admin")
    told = {"command line": "Terminal", "device": "Gerät", "found device": "Fund"}
    monkeypatch.setattr("auth.routes.blueprint._", lambda text: told.get(text, text))
    device = portal.device(admin, "Barn")
    with portal.server.app_context(), transaction() as session:
        for actor in (audit_words.SHELL, f"device {device.public_id}", "device of <Ana>"):
            audit.record(
                session,
                "device.update",
                actor=actor,
                object_type="proposal",
                object_id="p1",
                now=utcnow(),
            )

    shown = admin.get("/admin/audit").text

    assert ">Terminal<" in shown
    assert "command line" not in shown
    assert f">Gerät {device.public_id}<" in shown
    assert ">device of &lt;Ana&gt;<" in shown
    assert ">Fund p1<" in shown


@pytest.mark.parametrize("path", ["/settings/activity", "/admin/audit"])
def test_pages_name_what_was_done_and_filters_take_codes(portal, path):
    admin = portal.person("admin@example.org", role="admin")
    portal.device(admin, f"Shed for {path}")
    shown = admin.get(path).text
    assert "Device added" in shown
    assert ">device.create<" not in shown
    assert 'title="device.create"' in shown
    assert "Device added" in admin.get("/admin/audit?action=device.create").text
