"""The documentation says what the program does."""

import re
from pathlib import Path

import pytest

from config import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_a_heading(name: str):
    headings = re.findall(r"^### (.+)$", (ROOT / "docs/configuration.md").read_text(), re.M)
    assert name.upper() in {word for line in headings for word in line.split(", ")}


def test_no_heading_describes_a_setting_that_is_not_there():
    headings = re.findall(r"^### (.+)$", (ROOT / "docs/configuration.md").read_text(), re.M)
    known = {name.upper() for name in Settings.model_fields}
    assert {word for line in headings for word in line.split(", ")} <= known


def test_the_example_settings_are_settings():
    names = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    known = {name.upper() for name in Settings.model_fields}
    assert names
    assert {name.removesuffix("_FILE") for name in names} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


def test_every_script_that_the_readme_names_is_there_and_runs():
    for name in re.findall(r"\bscript/[a-z]+", (ROOT / "README.md").read_text()):
        path = ROOT / name
        assert path.exists(), name
        assert path.stat().st_mode & 0o100, name
