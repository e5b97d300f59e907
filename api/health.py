"""Whether this server lives and can serve, and its figures for Prometheus."""

import hmac
from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import wiring
from devices import system
from notify.outbox_page import from_this_machine

bp = Blueprint("health", __name__)

SILENT_S = 120.0  # a listener that hears nothing for so long, not even the broker, hangs
COUNTERS = {
    "messages": "Messages taken from the broker",
    "stored": "Readings stored",
    "repeated": "Readings that were there already",
    "replaced": "Readings that replaced another value of the same time",
    "failed": "Rows that the database refused",
}
GAUGES = {
    "queue": "Messages that wait to be stored",
    "last_traffic_age_s": "Seconds since the broker was heard",
    "database_away_s": "Seconds since the database went away; 0: it is there",
}


@bp.get("/healthz")
def alive() -> Response:
    """Answer as long as the process does."""
    return _json({"status": "ok"}, 200)


@bp.get("/readyz")
def ready() -> Response:
    """Answer 200 when database, broker and listener are there, else 503; details stay here."""
    parts = wiring.current()
    health = listening()
    there = {
        "database": system.database_answers() and system.store_answers(parts.store),
        **parts.working,
    }
    if health is not None:
        there["listener"] = _listens(health)
    ok = all(there.values())
    answer: dict[str, Any] = {"status": "ok" if ok else "unavailable", **there}
    if from_this_machine(parts.settings.trusted_proxies):
        answer["details"] = {"listener": health, "store": parts.store.trouble}
    return _json(answer, 200 if ok else 503)


@bp.get("/metrics")
def metrics() -> Response:
    """Answer in the text format of Prometheus, to this machine or to who has METRICS_TOKEN."""
    if not _may_measure():
        return _json({"error": {"code": "not_found", "message": "There is nothing here."}}, 404)
    registry = CollectorRegistry()
    registry.register(_Figures())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    """The figures at the moment of asking."""

    def collect(self) -> Iterable[Metric]:
        """Yield every figure."""
        sizes = system.sizes()
        yield GaugeMetricFamily("gatehouse_users", "Accounts", value=sizes.users)
        yield GaugeMetricFamily("gatehouse_devices", "Devices", value=sizes.devices)
        connected = wiring.current().publisher.connected
        yield GaugeMetricFamily(
            "gatehouse_broker_connected", "Whether the broker is there", value=connected
        )
        if (health := listening()) is not None:
            yield from _figures(health)


def _figures(health: dict[str, Any]) -> Iterable[Metric]:
    for name, words in COUNTERS.items():
        yield CounterMetricFamily(f"gatehouse_{name}", words, value=health[name])
    for name, words in GAUGES.items():
        yield GaugeMetricFamily(f"gatehouse_{name}".replace("_s", "_seconds"), words, health[name])
    refused = CounterMetricFamily("gatehouse_refused", "Values refused", labels=["reason"])
    for reason, number in health["refused"].items():
        refused.add_metric([reason], number)
    yield refused


def listening() -> dict[str, Any] | None:
    """Return what the listener of this process says of itself; None: it has none."""
    background = current_app.extensions.get("gatehouse.background")
    return None if background is None else background.ingest.health()


def _listens(health: dict[str, Any]) -> bool:
    return bool(
        health["connected"] and health["writer_alive"] and health["last_traffic_age_s"] < SILENT_S
    )


def _may_measure() -> bool:
    settings = wiring.current().settings
    if token := settings.metrics_token.get_secret_value():
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(shown.encode(), token.encode()):
            return True
    return from_this_machine(settings.trusted_proxies)


def _json(content: dict[str, Any], status: int) -> Response:
    response = Response(orjson.dumps(content), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
