"""The web server that the tests of the live stream watch: gunicorn runs `create()`.

It is the product without broker and Dash, and with two doors for tests: one puts events on the
bus, the other is a small page with the markup that the scripts look for.
"""

import os
from pathlib import Path

import orjson
from flask import Flask, Response, render_template_string, request, send_file
from flask_wtf import CSRFProtect

import auth.sessions
import config
import dashboard.actions
import dashboard.data
import dashboard.live
import dashboard.warden
import db.base
import notify.language
import wiring
from auth import keys
from db import migrations
from db.telemetry.store import TelemetryStore
from devices.ports import LiveEvent
from mqtt.brokers import broker_admin
from mqtt.bus import MemoryBus
from mqtt.publisher import MqttPublisher

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = Path(__file__).with_name("page.html").read_text()


def create() -> Flask:
    """Build the server from the environment."""
    dashboard.warden.CHECK_S = float(os.environ["LIVE_CHECK_S"])
    settings = config.load(dotenv=None)
    secrets = keys.load(settings)
    server = Flask("gatehouse", static_folder=str(ROOT / "assets"), static_url_path="/assets")
    server.config.update(SECRET_KEY=secrets.derive("session").hex(), WTF_CSRF_TIME_LIMIT=None)
    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    with server.app_context():
        migrations.upgrade("app", db.base.db.engine)
        migrations.upgrade("telemetry", db.base.telemetry_engine())
        store = TelemetryStore(db.base.telemetry_engine())
    parts = wiring.Wiring(
        settings=settings,
        keys=secrets,
        store=store,
        bus=MemoryBus(),
        publisher=MqttPublisher(settings),
        broker=broker_admin(settings),
    )
    wiring.attach(server, parts)
    notify.language.init_app(server)
    auth.sessions.init_app(server)
    csrf = CSRFProtect(server)
    for part in (dashboard.live, dashboard.data, dashboard.actions):
        server.register_blueprint(part.bp)

    @server.before_request
    def gate() -> tuple[dict[str, str], int] | None:
        if request.path.startswith(("/assets/", "/test/")) or auth.sessions.signed_in():
            return None
        return {"error": "unauthenticated"}, 401

    @server.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
        )
        return response

    @server.get("/page")
    def page() -> str:
        scripts = sorted(
            file.name
            for file in (ROOT / "assets").glob("*.js")
            if not file.name.endswith("worker.js")
        )
        given = {"device": request.args["device"], "zone": request.args.get("there", "")}
        return render_template_string(PAGE, **given, scripts=scripts)

    @server.get("/test/plots.js")
    def plots() -> Response:
        return send_file(Path(__file__).with_name("plots.js"))

    @server.post("/test/publish")
    @csrf.exempt
    def publish() -> str:
        events = [LiveEvent(*event) for event in orjson.loads(request.get_data())]
        parts.bus.publish(events)
        return ""

    @server.get("/test/streams/<int:session_id>")
    def streams(session_id: int) -> str:
        hub = server.extensions["gatehouse.live"]
        return str(sum(stream.session_id == session_id for stream in hub.streams()))

    @server.post("/test/break")
    @csrf.exempt
    def break_off() -> str:
        server.extensions["gatehouse.live"].end_all("unavailable")
        return ""

    @server.get("/test/pool")
    def pool() -> str:
        return str(db.base.db.engine.pool.checkedout())  # type: ignore[attr-defined]

    return server
