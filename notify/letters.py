"""Turns a template into a letter: subject, plain text and HTML from the same words.

A template in `templates/mail` names what it says by the macros of `parts.txt` and `parts.html`,
so that both forms of a mail can never differ.
"""

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import flask_babel
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notify import language as languages

FOLDER = Path(__file__).parent / "templates" / "mail"
LINE = 72
SUBJECT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said, without to whom."""

    subject: str
    text: str
    html: str


def render(template: str, language: str, site: str, values: dict[str, object]) -> Letter:
    """Write a letter in a language; needs an application context.

    Args:
        template: a file in `templates/mail` without its ending.
        language: a code of `language.LANGUAGES`.
        site: the address of this installation, for the last line.
        values: what the template names in its first line.

    Raises:
        jinja2.TemplateNotFound: there is no such template.
        jinja2.UndefinedError: a value is missing.
    """
    with languages.use(language):
        shared = {**values, "site": site, "tag": languages.tag()}
        page = _TEXT.get_template(f"{template}.jinja")
        subject = "".join(page.blocks["subject"](page.new_context(shared)))
        return Letter(
            subject=" ".join(subject.split())[:SUBJECT_LENGTH],
            text=re.sub(r"\n{3,}", "\n\n", page.render(shared)).strip() + "\n",
            html=_HTML.get_template(f"{template}.jinja").render(shared).strip() + "\n",
        )


def _environment(ending: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape((), (), default=ending == "html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        flask_babel.gettext, flask_babel.ngettext, newstyle=True
    )
    environment.filters["fill"] = _fill
    environment.filters["moment"] = _moment
    environment.filters["local"] = _local
    environment.globals["layout"] = f"layout.{ending}"
    environment.globals["parts"] = environment.get_template(f"parts.{ending}").module
    return environment


def _fill(text: str) -> str:
    return textwrap.fill(text, LINE, break_long_words=False, break_on_hyphens=False)


def _moment(at: datetime) -> str:
    return f"{flask_babel.format_datetime(at, 'medium')} ({flask_babel.get_timezone()})"


def _local(at: datetime) -> str:
    return f"{flask_babel.format_datetime(at, 'medium', rebase=False)} ({at.tzinfo})"


_TEXT = _environment("txt")
_HTML = _environment("html")
