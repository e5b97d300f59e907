"""Whether the server lives and can serve, told to the right people."""

import json
import re

from flask import Flask

import wiring
from tests.api.test_devices import add
from tests.stack import until

STRANGER = {"REMOTE_ADDR": "192.0.2.7"}


def figure(client, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_the_process_lives_without_anything_else(server: Flask):
    answer = server.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_without_a_broker_it_cannot_serve_and_says_which_part(server: Flask):
    answer = server.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["status"] == "unavailable"
    assert (answer.json["database"], answer.json["broker"]) == (True, False)


def test_without_a_database_it_cannot_serve(server: Flask, monkeypatch):
    from devices import system

    monkeypatch.setattr(system, "select", lambda _one: system.func.no_such_function())
    answer = server.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["database"] is False


def test_readiness_tells_details_on_this_machine_only(running: Flask):
    client = running.test_client()
    here, there = client.get("/readyz"), client.get("/readyz", environ_base=STRANGER)
    behind_a_proxy = client.get("/readyz", headers={"X-Forwarded-For": "192.0.2.7"})

    assert here.status_code == there.status_code == behind_a_proxy.status_code == 200
    assert here.json["details"]["listener"]["connected"] is True
    brief = {"status": "ok", "database": True, "broker": True, "store": True, "listener": True}
    assert there.json == behind_a_proxy.json == brief


def test_metrics_count_what_was_stored(running: Flask, program):
    client = running.test_client()
    before = figure(client, "gatehouse_stored_total")
    alice = program()
    made = add(alice)

    alice("POST", f"/devices/{made['id']}/readings", json={"t": 1, "bad name": 2})

    until(lambda: figure(client, "gatehouse_stored_total") == before + 1)
    assert figure(client, "gatehouse_broker_connected") == 1
    assert figure(client, "gatehouse_devices") >= 1
    assert re.search(r'gatehouse_refused_total\{reason="bad_name"\}', client.get("/metrics").text)


def test_strangers_get_metrics_with_the_token_only(server: Flask, monkeypatch):
    client = server.test_client()
    assert client.get("/metrics", environ_base=STRANGER).status_code == 404

    parts = wiring.current()
    secret = type(parts.settings.metrics_token)("a long token")
    monkeypatch.setattr(
        parts, "settings", parts.settings.model_copy(update={"metrics_token": secret})
    )

    def asked(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return client.get("/metrics", environ_base=STRANGER, headers=headers).status_code

    assert asked("a long token") == 200
    assert asked("wrong") == 404
    assert json.loads(client.get("/metrics", environ_base=STRANGER).data)["error"]["code"]
