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
SCRIPTS = sorted((ROOT / "assets").glob("*.js"))
SPOKEN = re.compile(
    r"""(?:textContent|innerText|title|placeholder)\s*=\s*(["'`])(.*?)\1"""
    r"""|(?:confirm|alert|append|createTextNode)\(\s*(["'`])(.*?)\3"""
    r"""|setAttribute\(\s*["'](?:aria-label|title|alt)["'],\s*(["'`])(.*?)\5"""
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


def in_python(source: str) -> list[str]:
    """Texts that components of this module show untranslated."""
    return [
        one.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and component(call)
        for one in shown(call)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and bare(one.value)
    ]


def in_template(source: str) -> list[str]:
    """Texts that this template shows untranslated."""
    html = "".join(
        value if kind == "data" else "\0" if kind == "variable_end" else ""
        for _line, kind, value in Environment().lex(source)
        if kind in {"data", "variable_end"}
    )
    without_code = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "\n", without_code)
    read_out = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', without_code)
    return [line for line in [*text.split("\n"), *read_out] if bare(line)]


def in_script(source: str) -> list[str]:
    """Texts that this script shows untranslated."""
    found = (match.group(2, 4, 6) for match in SPOKEN.finditer(source))
    texts = (next(text for text in groups if text is not None) for groups in found)
    return [text for text in texts if bare(text)]


@pytest.mark.parametrize("file", PYTHON, ids=lambda file: file.name)
def test_components_show_translated_texts_only(file: Path):
    assert in_python(file.read_text()) == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_templates_show_translated_texts_only(file: Path):
    assert in_template(file.read_text()) == []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_scripts_show_translated_texts_only(file: Path):
    assert in_script(file.read_text()) == []


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (in_python, 'html.Div(["Hello there", x])'),
        (in_python, 'dbc.Input(placeholder="Type here")'),
        (in_template, "<p>{{ name }} is here</p>"),
        (in_template, '<button aria-label="Close it">x</button>'),
        (in_script, 'button.textContent = "Open";'),
        (in_script, "window.confirm('Really?')"),
        (in_script, 'one.setAttribute("aria-label", `Close it`)'),
    ],
)
def test_a_bare_text_would_be_noticed(search, source: str):
    assert len(search(source)) == 1


@pytest.mark.parametrize(
    ("search", "source"),
    [
        (in_python, 'html.Div(_("Hello there"), id="hello-there")'),
        (in_template, '<p class="some words">{{ _("Hello there") }} · Gatehouse</p>'),
        (in_script, 'button.textContent = gatehouse.t("Open");'),
    ],
)
def test_a_translated_text_is_left_alone(search, source: str):
    assert search(source) == []
