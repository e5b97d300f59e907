"""The Dash application: its index page, its files, its first requests."""

import gzip
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import brotli
import pytest
from plotly.offline import get_plotlyjs_version

from dashboard import bundles
from tests.portal import make
from tests.stack import ROOT


def test_the_index_holds_nothing_of_any_page(portal, alice):
    portal.device(alice, "Secret cellar")
    index = alice.get("/").text

    for text in ("Secret cellar", "validation_layout", "Create device", "alice@example.org"):
        assert text not in index


def test_the_index_speaks_the_language_of_the_person(alice):
    german = alice.get("/", headers={"Accept-Language": "de"}).text

    assert '<html lang="de"' in german
    texts = json.loads(re.search(r'id="texts">(.*?)</script>', german)[1])
    assert isinstance(texts, dict)
    assert '<html lang="en"' in alice.get("/", headers={"Accept-Language": "en"}).text


def test_every_text_of_the_scripts_can_be_translated():
    """`gatehouse.t` is always given a text as it stands, which the extraction can find."""
    for script in (ROOT / "assets").glob("*.js"):
        for call in re.findall(r"gatehouse\.t\(\s*(.)", script.read_text()):
            assert call in "\"'`" or script.name == "commands.js", script.name


def test_dash_is_given_the_bundle_that_its_plotly_wants():
    assert f"v{get_plotlyjs_version()}\n" in bundles.PLOTLY.read_text()[:200]


@pytest.mark.parametrize(
    ("accepted", "encoding", "unpack"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("identity", None, bytes),
    ],
)
def test_plotly_comes_packed_as_the_browser_likes_it(alice, accepted, encoding, unpack):
    answer = alice.get(bundles.PLOTLY_PATH, headers={"Accept-Encoding": accepted})

    assert answer.status_code == 200
    assert answer.headers.get("Content-Encoding") == encoding
    assert unpack(answer.data) == bundles.PLOTLY.read_bytes()
    assert "max-age=86400" in answer.headers["Cache-Control"]
    again = {"Accept-Encoding": accepted, "If-None-Match": answer.headers["ETag"]}
    assert alice.get(bundles.PLOTLY_PATH, headers=again).status_code == 304


def test_every_file_of_the_index_is_packed_and_kept(alice):
    sources = re.findall(r"(?:src|href)=\"(/[^\"]+\.(?:js|css)[^\"]*)\"", alice.get("/").text)

    assert len(sources) >= 12
    for source in sources:
        answer = alice.get(source, headers={"Accept-Encoding": "br, gzip"})
        assert answer.headers["Content-Encoding"] == "br", source
        assert "immutable" in answer.headers["Cache-Control"], source
        again = alice.get(
            source, headers={"Accept-Encoding": "br", "If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304, source


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "/etc/passwd", "none.css", "vendor"])
def test_only_files_of_the_folder_are_sent(stranger, path):
    assert stranger.get(f"/assets/{path}").status_code == 404


def test_plotly_is_no_heavier_than_it_must_be(alice):
    answer = alice.get(bundles.PLOTLY_PATH, headers={"Accept-Encoding": "br"})
    assert len(answer.data) < 400_000


def test_scripts_and_styles_of_ours_are_one_file_each(alice):
    index = alice.get("/").text
    scripts = re.findall(r"<script src=\"(/assets/[^\"?]+)", index)
    styles = re.findall(r"<link rel=\"stylesheet\" href=\"(/assets/[^\"?]+)", index)

    assert (scripts, styles) == (["/assets/theme.js", "/assets/all.js"], ["/assets/all.css"])
    script = alice.get("/assets/all.js").text
    assert script.index("gatehouse.t =") < script.index("gatehouse.t(")


def test_only_a_page_with_charts_fetches_plotly_ahead(alice):
    assert bundles.PLOTLY_PATH in alice.get("/devices/x").text
    assert bundles.PLOTLY_PATH not in alice.get("/").text
    assert bundles.PLOTLY_PATH not in alice.get("/devices/new").text


def test_the_index_leaves_plotly_until_a_chart_needs_it(alice):
    scripts = re.findall(r"<script src=\"([^\"]+)\"", alice.get("/").text)

    assert scripts
    assert not [source for source in scripts if "plotly" in source]


def test_answers_are_packed_but_the_live_stream_is_not(portal, alice):
    packed = alice.get("/_dash-dependencies", headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert "text/event-stream" not in portal.server.config["COMPRESS_MIMETYPES"]


def test_first_requests_that_come_at_once_are_all_answered(tmp_path):
    portal = make(tmp_path)
    alice = portal.person("alice@example.org")
    source = re.search(r"/_dash-component-suites/[^\"]+", alice.get("/").text)[0]
    portal = make(tmp_path)

    def ask(number: int) -> int:
        client = portal.server.test_client()
        client.set_cookie("gatehouse_session", alice.token)
        return client.get((source, "/_dash-dependencies", "/")[number % 3]).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(ask, range(24))) == {200}


def test_pages_are_found_from_any_folder(tmp_path):
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from config import Settings; from app import create_app\n"
        "create_app(Settings(instance_dir=pathlib.Path('instance'), bcrypt_cost=4))\n"
        "import dash; print(*sorted(dash.page_registry))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", program, str(ROOT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name.rpartition(".")[2] for name in ran.stdout.split()]
    assert {"dashboard", "device", "device_new", "not_found_404"} <= set(names)
