"""Builds the application; the only module that knows all the others.  `python app.py` serves.

create_app(settings)   the whole product as a Flask server: pages, REST, command line
main()                 starts broker, listener and web server (see `cli.serve`)
"""

import sys

if __name__ == "__main__":  # the supervisor stays small: it imports nothing of what follows
    from cli import serve

    sys.exit(serve.main(sys.argv[1:]))

import logging
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf import CSRFProtect

import api
import auth.routes
import auth.sessions
import cli.groups
import config
import dashboard.actions
import dashboard.build
import dashboard.data
import dashboard.file_download
import dashboard.file_sending
import dashboard.gate
import dashboard.guest
import dashboard.live
import dashboard.log_csv
import db.base
import notify.language
import notify.outbox_page
import notify.post
import wiring
from auth import keys
from config import Settings
from db import migrations
from db.telemetry.store import TelemetryStore
from mqtt.brokers import broker_admin, broker_log
from mqtt.bus import MemoryBus
from mqtt.publisher import MqttPublisher

csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> Flask:
    """Build the server; nothing is started, no connection to the broker is made.

    Databases that are empty or older are migrated.  `cli.background.start` starts the listener,
    the writer and the workers of a server.

    Raises:
        ConfigError: a setting is wrong.
        OSError: the instance folder cannot be written.
    """
    settings = settings or config.load()
    settings.instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = keys.load(settings)
    server = Flask("gatehouse", static_folder=None)
    server.config.update(_flask_settings(settings, secrets))
    logging.getLogger("gatehouse").setLevel(settings.log_level)

    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    with server.app_context():
        migrations.upgrade("app", db.base.db.engine)
        migrations.upgrade("telemetry", db.base.telemetry_engine())
        store = TelemetryStore(db.base.telemetry_engine())
    log = broker_log(settings)
    wiring.attach(
        server,
        wiring.Wiring(
            settings=settings,
            keys=secrets,
            store=store,
            bus=MemoryBus(),
            publisher=MqttPublisher(settings, log),
            broker=broker_admin(settings),
            brokerlog=log,
        ),
    )

    notify.language.init_app(server)
    notify.post.init_app(server, settings)
    auth.sessions.init_app(server)
    csrf.init_app(server)
    for blueprint in (
        auth.routes.bp,
        notify.outbox_page.bp,
        dashboard.live.bp,
        dashboard.data.bp,
        dashboard.log_csv.bp,
        dashboard.file_download.bp,
        dashboard.file_sending.bp,
        dashboard.actions.bp,
        dashboard.guest.bp,
    ):
        server.register_blueprint(blueprint)
    csrf.exempt(dashboard.guest.bp)  # a guest has no session that could be misused
    for blueprint in api.init_app(server):
        csrf.exempt(blueprint)  # authenticated by token, never by cookie
    cli.groups.init_app(server)
    dashboard.gate.install(server, dashboard.build.build(server))
    return server


def _flask_settings(settings: Settings, secrets: keys.Keys) -> dict[str, object]:
    hosts = {
        urlsplit(settings.url).hostname or "",
        settings.host,
        "localhost",
        "127.0.0.1",
        "[::1]",
    }
    mail = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else value
        for name, value in settings
        if name.startswith("mail_")
    }
    return mail | {
        "SECRET_KEY": secrets.derive("session").hex(),
        "SESSION_COOKIE_NAME": "__Host-form" if settings.secure_cookies else "form",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "WTF_CSRF_TIME_LIMIT": None,  # a wallboard makes no request for hours
        "WTF_CSRF_SSL_STRICT": False,  # the gate compares Origin and Sec-Fetch-Site
        "MAX_CONTENT_LENGTH": max(65_536, settings.mqtt_max_payload),
        "MAX_FORM_MEMORY_SIZE": 65_536,
        "TRUSTED_HOSTS": sorted(
            host.lower()
            for host in hosts
            if host not in {"", "0.0.0.0", "::"}  # noqa: S104
        ),
    }
