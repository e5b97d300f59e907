"""No text in the code or in a template that gettext does not see."""

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted(file for folder in ("dashboard", "pages") for file in (ROOT / folder).glob("*.py"))
PAGES = sorted(
    file
    for folder in ("auth", "dashboard", "notify")
    for pattern in ("*.html", "*.jinja")
    for file in (ROOT / folder).rglob(pattern)
)
SHOWN = {"children", "title", "label", "placeholder", "alt", "header", "aria_label"}
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = {"Gatehouse", "CSV", "JSON", "QR", "PIN", "MQTT", "API", "ID", "Telegram", "SMS"}


def bare(text: str) -> bool:
    """Whether a person would read this as words of some language."""
    return bool(set(WORD.findall(text)) - NAMES)


def shown(call: ast.Call) -> list[ast.expr]:
    """What a component shows: its children and the attributes that are read out."""
    given = list(call.args) + [one.value for one in call.keywords if one.arg in SHOWN]
    flat: list[ast.expr] = []
    for one in given:
        flat += one.elts if isinstance(one, ast.List | ast.Tuple) else [one]
    return flat


def component(call: ast.Call) -> bool:
    """Whether this is html.Something(...), dbc.Something(...) or dcc.Something(...)."""
    made = call.func
    return (
        isinstance(made, ast.Attribute)
        and isinstance(made.value, ast.Name)
        and made.value.id in {"html", "dbc", "dcc"}
    )


@pytest.mark.parametrize("file", PYTHON, ids=lambda file: file.name)
def test_components_show_translated_texts_only(file: Path):
    found = [
        (one.lineno, one.value)
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and component(call)
        for one in shown(call)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and bare(one.value)
    ]

    assert found == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_templates_show_translated_texts_only(file: Path):
    tokens = Environment().lex(file.read_text())
    html = "".join(
        value if kind == "data" else "\0" if kind == "variable_end" else ""
        for _line, kind, value in tokens
        if kind in {"data", "variable_end"}
    )
    without_code = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "\n", without_code)
    read_out = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', without_code)

    assert [line for line in [*text.split("\n"), *read_out] if bare(line)] == []
