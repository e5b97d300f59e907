"""Finds every text that a person can see, and brings the catalogues in step with them.

Texts are what is passed to gettext and its kin, to `N_`, in JavaScript to `gatehouse.t`, and
what an error of `errors.py` says.
"""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

import errors
from notify import catalogue

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ("api", "auth", "cli", "dashboard", "db", "devices", "mqtt", "notify", "pages")
TEMPLATES = ("auth", "dashboard", "notify")
SCRIPTS = "assets"

FUNCTIONS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}
ERRORS: dict[str, Any] = {
    name: (2,)  # Invalid("code", "text")
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.AppError)
}
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Gatehouse\\n"
"Language: {language}\\n"
"Plural-Forms: {plural}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def used() -> Catalog:
    """Return every text of the product, without translations."""
    found = Catalog()
    for file, text in _texts():
        found.add(text, locations=[(str(file.relative_to(ROOT)), 1)])
    return found


def update(code: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with the messages of the template.

    Translations stay; what is no longer used is kept as obsolete, and comes back with its text.
    """
    old = catalogue.read(code)
    known: dict[str, Message] = {_key(one.id): one for one in (*old.obsolete.values(), *old)}
    new = Catalog(locale=old.locale, header_comment="")
    for message in template:
        if not message.id:
            continue
        before = known.pop(_key(message.id), None)
        same_form = before is not None and isinstance(before.id, tuple) == message.pluralizable
        new.add(
            message.id,
            before.string if before is not None and same_form else None,
            locations=[(file, 1) for file in sorted({file for file, _line in message.locations})],
        )
    new.obsolete.update({key: one for key, one in known.items() if key and _complete(one)})
    return new


def write(code: str, messages: Catalog) -> bool:
    """Write a catalogue; return whether that changed the file."""
    body = BytesIO()
    write_po(body, messages, width=100, omit_header=True, include_lineno=False)
    header = HEADER.format(language=messages.locale, plural=messages.plural_forms)
    path = catalogue.path_of(code)
    content = header.encode() + body.getvalue()
    if path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True


def missing(messages: Catalog) -> list[str]:
    """Return the texts without translation."""
    return [_key(one.id) for one in messages if one.id and not _complete(one)]


def main() -> int:
    """Bring all catalogues in step; the exit code says whether something is untranslated."""
    template = used()
    open_texts = 0
    for code in list(catalogue.locales())[1:]:
        messages = update(code, template)
        changed = write(code, messages)
        without = missing(messages)
        open_texts += len(without)
        state = "updated" if changed else "unchanged"
        print(f"{code}: {len(messages)} messages, {state}, {len(without)} without translation")
        for text in without:
            print(f"    {text}")
    return 1 if open_texts else 0


def _complete(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(strings)


def _key(message_id: Any) -> str:
    return str(message_id[0] if isinstance(message_id, tuple | list) else message_id)


def _texts() -> Iterator[tuple[Path, Any]]:
    files: list[tuple[str, Path, dict[str, Any]]] = [
        ("python", file, FUNCTIONS | ERRORS)
        for file in [ROOT / "errors.py", *_files(PYTHON, "*.py")]
    ]
    for pattern in ("*.html", "*.jinja", "*.txt"):
        files += [
            ("jinja2.ext:babel_extract", file, FUNCTIONS) for file in _files(TEMPLATES, pattern)
        ]
    files += [
        ("javascript", file, {"gatehouse.t": None})
        for file in _files([SCRIPTS], "*.js")
        if "vendor" not in file.parts
    ]
    for method, file, keywords in files:
        if method == "python":
            yield from ((file, text) for text in _said_by_errors(file))
        for _line, text, _comments, _context in extract_from_file(
            _method(method),
            file,
            keywords=keywords,
            options={"silent": "false"},
            strip_comment_tags=True,
        ):
            yield file, text


def _files(folders: Any, pattern: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob(pattern))


def _method(name: str) -> Any:
    if ":" not in name:
        return name
    module, _colon, function = name.partition(":")
    return getattr(__import__(module, fromlist=[function]), function)


def _said_by_errors(file: Path) -> Iterator[str]:
    """Yield the `text` that classes of errors are given in their bodies."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and _is_error(node):
            for statement in node.body:
                yield from _text_of(statement)


def _is_error(node: ast.ClassDef) -> bool:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return node.name in ERRORS or bool(bases & set(ERRORS))


def _text_of(statement: ast.stmt) -> Iterator[str]:
    if not isinstance(statement, ast.Assign):
        return
    (target,) = statement.targets
    pairs = (
        zip(target.elts, statement.value.elts, strict=True)
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
        else [(target, statement.value)]
    )
    for name, value in pairs:
        if isinstance(name, ast.Name) and name.id == "text" and isinstance(value, ast.Constant):
            yield str(value.value)


if __name__ == "__main__":
    raise SystemExit(main())
