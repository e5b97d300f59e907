"""Imports point down; the table is that of docs/development.md."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {
    "app",
    "api",
    "auth",
    "cli",
    "clock",
    "config",
    "dashboard",
    "db",
    "devices",
    "edge",
    "errors",
    "mqtt",
    "notify",
    "pages",
    "wiring",
}
BASE = {"errors", "clock", "config"}
RECORDS = {"db.models", "db.telemetry.records"}  # what services hand out; no session, no SQL
MAY_IMPORT = {
    "errors": set(),
    "clock": set(),
    "config": set(),
    "db": BASE,
    "notify": BASE | {"db", "wiring"},
    "auth": BASE | {"db", "notify", "wiring"},
    "devices": BASE | {"db", "notify", "auth", "mqtt.topics", "mqtt.sealing"},
    "mqtt": BASE | {"db", "devices", "auth"},
    "wiring": BASE | {"db", "auth", "devices"},
    "api": BASE
    | {"auth", "devices", "wiring", "notify", "db.models", "mqtt.topics", "mqtt.decide"},
    "cli": OURS - {"pages", "app"},
    "dashboard": BASE | {"auth", "devices", "wiring", "notify", *RECORDS},
    "pages": BASE | {"dashboard", "auth", "devices", "wiring", "notify", *RECORDS},
    "edge": {"errors", "mqtt.topics", "mqtt.sealing"},
}
NEVER = {
    "db": {"dash"},
    "notify": {"dash"},
    "auth": {"dash", "paho"},
    "devices": {"dash", "paho", "flask", "flask_login", "flask_wtf"},
    "mqtt": {"dash"},
    "api": {"dash", "sqlalchemy"},
    "cli": {"dash", "sqlalchemy"},
    "dashboard": {"sqlalchemy"},
    "pages": {"sqlalchemy"},
    "edge": {"flask", "sqlalchemy", "dash"},
}
FILES = [
    path.relative_to(ROOT)
    for top in MAY_IMPORT
    for path in (
        [ROOT / f"{top}.py"] if (ROOT / f"{top}.py").exists() else (ROOT / top).rglob("*.py")
    )
    if "arduino" not in path.parts and "migrations" not in path.parts
]


def imported(path: Path) -> set[str]:
    """Every dotted name that a file imports, `from a import b` as a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_what_its_layer_may(path: Path):
    layer = path.parts[0].removesuffix(".py")
    allowed = MAY_IMPORT[layer] | {layer}
    for name in imported(path):
        top = name.split(".")[0]
        if top in OURS:
            assert any(name == ok or name.startswith(ok + ".") for ok in allowed), name
        assert top not in NEVER.get(layer, set()), name


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "pages"], ids=str)
def test_a_page_knows_no_other_page(path: Path):
    others = {name for name in imported(path) if name.startswith("pages.")}
    assert not others


def test_only_db_holds_sql_on_readings():
    for path in FILES:
        if path.parts[0] not in {"db", "cli"}:
            assert not any(name.startswith("db.telemetry.tables") for name in imported(path)), path
