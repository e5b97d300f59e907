"""Makes the Dash application on a Flask server."""

from pathlib import Path
from typing import Any

import dash
from flask import Blueprint, Flask, render_template, request
from flask_compress import Compress

from dashboard import bundles, callbacks, errors_shown, shell
from notify import language

ROOT = Path(__file__).resolve().parent.parent

shell_bp = Blueprint("shell", __name__, template_folder="templates")


class Gatehouse(dash.Dash):  # type: ignore[misc]
    """Dash with an index page of our own: language, form token, texts of the scripts."""

    def interpolate_index(self, **parts: Any) -> str:
        """Return the page into which Dash draws; it holds nothing of any page."""
        return render_template(
            "shell/index.html",
            asset=asset,
            later=bundles.FOR_CHARTS if _has_charts(self) else (),
            texts=language.client_texts(language.code()),
            zone=language.time_zone(),
            **parts,
        )


def _has_charts(app: dash.Dash) -> bool:
    page = callbacks.page_at(app, request.path)
    return bool(page and page.get("charts"))


def asset(name: str) -> str:
    """Return the address of a file in `assets`, with its age, so that browsers may keep it."""
    return f"/assets/{name}?m={(ROOT / 'assets' / name).stat().st_mtime_ns // 1_000_000}"


def build(server: Flask) -> dash.Dash:
    """Register all pages and callbacks; `gate.install` must follow before anything is served."""
    server.register_blueprint(bundles.bp)
    server.register_blueprint(shell_bp)
    _pack_answers(server)
    hooks = server.before_request_funcs.setdefault(None, [])
    earlier = len(hooks)
    app = Gatehouse(
        "app",
        server=server,
        title="Gatehouse",
        update_title=None,
        use_pages=True,
        pages_folder=str(ROOT / "pages"),
        assets_folder=str(ROOT / "assets"),
        include_assets_files=False,  # they come joined
        external_scripts=[bundles.address("js")],
        external_stylesheets=[bundles.address("css")],
        include_pages_meta=False,  # it would copy addresses, tokens and all, into the page
        suppress_callback_exceptions=True,  # else every page is sent to the first visitor
        serve_locally=True,
        enable_mcp=False,
        add_log_handler=False,
        on_error=errors_shown.show,
    )
    app.layout = dash.page_container
    # Dash fills its tables of callbacks and files in the first request; when several come at
    # once, all but one find them half filled.  So its hooks run now.
    with server.test_request_context("/"):
        for hook in hooks[earlier:]:
            hook()
    app.layout = shell.layout
    bundles.install(server)
    return app


def _pack_answers(server: Flask) -> None:
    server.config.setdefault("COMPRESS_ALGORITHM", ["br", "gzip"])
    server.config.setdefault("COMPRESS_BR_LEVEL", 5)
    server.config.setdefault("COMPRESS_STREAMS", False)  # streams pack themselves, or must not wait
    Compress(server)
