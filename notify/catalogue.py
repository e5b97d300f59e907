"""The gettext catalogues: one file a language, compiled in memory when first needed.

`locales/<code>/LC_MESSAGES/messages.po` is all a language consists of.  Its `Language` header
names the locale (`sr_Latn`: Serbian in Latin script); English is what the messages are written in.
"""

from functools import cache
from io import BytesIO, StringIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).resolve().parent.parent / "locales"
SOURCE = "en"


def path_of(code: str) -> Path:
    """Return where the catalogue of a language is."""
    return FOLDER / code / "LC_MESSAGES" / "messages.po"


def read(code: str) -> Catalog:
    """Return the whole catalogue of a language.

    Raises:
        OSError: there is none.
    """
    with path_of(code).open("rb") as file:
        return read_po(file, domain="messages", abort_invalid=True)


@cache
def locales() -> dict[str, Locale]:
    """Return the locale of each language there is, by code; English first."""
    found = sorted(file.parent.parent.name for file in FOLDER.glob("*/LC_MESSAGES/messages.po"))
    return {SOURCE: Locale(SOURCE)} | {code: _locale(code) for code in found}


@cache
def code_of(locale: Locale | None) -> str:
    """Return the code of the language that has this locale; English for all others."""
    return next((code for code, one in locales().items() if one == locale), SOURCE)


@cache
def translations(code: str) -> NullTranslations:
    """Return what gettext needs to translate into a language."""
    if code not in locales() or code == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read(code))
    compiled.seek(0)
    return Translations(compiled, domain="messages")


@cache
def client_texts(code: str) -> dict[str, str]:
    """Return the messages of the scripts in `assets/`, translated, by their English text."""
    if code not in locales() or code == SOURCE:
        return {}
    return {
        str(message.id): str(message.string)
        for message in read(code)
        if message.string and any(file.endswith(".js") for file, _line in message.locations)
    }


def _locale(code: str) -> Locale:
    header = path_of(code).read_text(encoding="utf-8").partition("\n\n")[0]
    return read_po(StringIO(header)).locale or Locale.parse(code)
