"""The gate: what strangers reach, and what a signed-in person may send."""

import re

import dash
import pytest

from auth import browsers
from clock import utcnow
from dashboard import gate
from dashboard.access import MARK, declared
from db.base import db
from db.models import AuditEvent, Level
from tests.portal import ROUTER, UPDATE, body_of, callbacks, everything


def paths(portal):
    """Every route with something in its variables, and each of its methods."""
    for rule in portal.server.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in sorted(rule.methods):
            yield path, method


def test_a_stranger_is_sent_away_from_every_route_that_is_not_named_open(portal, stranger):
    before = everything(portal)
    guarded = [
        (path, method) for path, method in paths(portal) if path.split("/")[1] not in gate.OPEN
    ]
    assert len(guarded) > 20

    for path, method in guarded:
        answer = stranger.client.open(path, method=method)
        # 404: only Dash would take it, and has no page there
        assert answer.status_code in {401, 302, 404}, (method, path)
        if answer.status_code == 302:
            assert answer.location.startswith("/login"), (method, path)

    assert everything(portal) == before


def test_nothing_of_dash_is_open(portal):
    for path, _method in paths(portal):
        if path.startswith("/_") or path in {"/", "/x"}:
            assert path.split("/")[1] not in gate.OPEN


@pytest.mark.parametrize("first", sorted(gate.OPEN))
def test_dash_answers_below_no_open_path(stranger, first):
    """Dash takes every path that nobody else takes."""
    for path in (f"/{first}/no/such/thing", f"/{first}.x/y"):
        answer = stranger.get(path)
        assert answer.status_code in {302, 401, 403, 404}, path
        assert "react-entry-point" not in answer.text


def test_a_stranger_can_call_no_callback(portal, stranger):
    before = everything(portal)

    for output in callbacks(portal.app):
        answer = stranger.client.post(UPDATE, json=body_of(portal.app, output, {}))
        assert answer.status_code == 401, output

    assert everything(portal) == before


def test_every_callback_declares_who_may_call_it(portal):
    undeclared = [
        output
        for output in callbacks(portal.app)
        if output != ROUTER and declared(portal.app.callback_map[output]["callback"]) is None
    ]
    assert not undeclared
    assert len(callbacks(portal.app)) >= 8


def test_every_page_declares_who_may_open_it(portal):
    assert len(dash.page_registry) >= 4
    assert all(declared(page["layout"]) for page in dash.page_registry.values())


def test_a_callback_that_declares_nothing_runs_for_nobody(portal, alice):
    output = "dashboard-cards.children"
    function = portal.app.callback_map[output]["callback"]
    delattr(function, MARK)
    try:
        assert alice.call(output, dashboard_again_n_clicks=1).status_code == 403
    finally:
        setattr(function, MARK, "user")
    assert alice.call(output, dashboard_again_n_clicks=1).status_code == 200


def test_a_user_cannot_call_what_is_for_administrators(portal, alice):
    output = "dashboard-cards.children"
    function = portal.app.callback_map[output]["callback"]
    setattr(function, MARK, "admin")
    try:
        assert alice.call(output, dashboard_again_n_clicks=1).status_code == 403
        admin = portal.person("root@example.org", role="admin")
        assert admin.call(output, dashboard_again_n_clicks=1).status_code == 200
    finally:
        setattr(function, MARK, "user")


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/app.py", "/instance/secret_key"])
def test_a_stranger_finds_no_login_where_there_is_no_page(stranger, path):
    assert stranger.get(path).status_code == 404


def test_a_page_for_administrators_says_so_to_others(portal, alice):
    answer = alice.get("/admin")
    assert answer.status_code == 403
    assert "Only administrators may do that." in answer.text
    assert 'href="/"' in answer.text
    assert portal.person("head@example.org", role="admin").get("/admin").status_code == 200


def test_a_page_leads_to_the_login_and_back(stranger):
    answer = stranger.get("/devices/abc?range=6h")

    assert answer.status_code == 302
    assert answer.location == "/login?next=/devices/abc%3Frange%3D6h"


def test_a_script_is_told_that_nobody_is_signed_in(stranger):
    for path in ("/_dash-layout", "/_dash-dependencies", "/live", "/data/state"):
        assert stranger.get(path).status_code == 401
    answer = stranger.get("/", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "unauthenticated"


def test_a_session_that_has_ended_opens_nothing(portal):
    guest = portal.person("leaving@example.org")
    assert guest.get("/").status_code == 200
    now = utcnow()
    with portal.server.app_context():
        for row in browsers.listed(guest.user, now=now):
            browsers.end(row.public_id, by=guest.user, address="", now=now)

    assert guest.get("/").status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example.org"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://["},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [UPDATE, "/login", "/logout", "/devices/x/commands"])
def test_another_site_can_change_nothing(alice, path, headers):
    answer = alice.client.post(path, json={}, headers=alice.csrf() | headers)

    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "cross_site"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {"Origin": "null"}, {}],
    ids=str,
)
def test_our_own_pages_can(portal, alice, headers):
    body = body_of(portal.app, "dashboard-cards.children", {"dashboard_again_n_clicks": 1})

    assert alice.post(body, **headers).status_code == 200


def test_a_call_without_the_form_token_is_refused(portal, alice):
    alice.csrf()
    body = body_of(portal.app, "dashboard-cards.children", {"dashboard_again_n_clicks": 1})

    assert alice.client.post(UPDATE, json=body).status_code == 400


def test_programs_with_a_token_come_from_wherever_they_like(stranger):
    answer = stranger.client.post(
        "/api/v1/auth/token", json={}, headers={"Origin": "https://elsewhere.example.org"}
    )
    assert answer.status_code != 403


def test_an_address_that_leads_nowhere_is_not_found(alice, stranger):
    assert alice.get("/nowhere").status_code == 404
    assert alice.get("/").status_code == 200
    assert alice.get("/devices/new").status_code == 200
    assert stranger.get("/nowhere").status_code == 404


def test_a_library_that_is_not_there_is_not_found(alice):
    for path in ("os/path.py", "dash/../../config.py", "dash/nothing.js"):
        assert alice.get(f"/_dash-component-suites/{path}").status_code == 404


def lines(portal, action: str) -> list[AuditEvent]:
    with portal.server.app_context():
        query = db.select(AuditEvent).filter_by(action=action).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def test_what_is_for_administrators_leaves_a_line_when_others_ask_for_it(portal):
    curious, wanted = portal.person("curious@example.org"), portal.person("wanted@example.org")
    curious.get("/admin")
    wanted.call(ROUTER, _pages_location_pathname="/admin")
    for _time in range(20):
        curious.get("/admin/users")
    found = [
        (row.actor, row.object_id, row.result)
        for row in lines(portal, "access.refused")
        if row.actor in {"curious@example.org", "wanted@example.org"}
    ]
    assert found == [
        ("curious@example.org", "/admin", "refused"),
        ("wanted@example.org", "/admin", "refused"),
    ]


def test_a_button_that_somebody_may_not_press_leaves_a_line(portal, alice):
    viewer = portal.person("viewer@example.org")
    device = portal.device(alice, "Cellar", "lock")
    portal.share(device, viewer, Level.VIEWER)
    path = f"/devices/{device.public_id}/commands"
    body = {"name": "unlock", "key": "k" * 16}
    assert viewer.client.post(path, json=body, headers=viewer.csrf()).status_code == 403
    assert [row.object_id for row in lines(portal, "access.refused") if row.actor[0] == "v"] == [
        path
    ]


def test_a_flood_from_another_site_leaves_a_line(portal, alice):
    before = len(lines(portal, "request.cross_site"))
    for _time in range(20):
        alice.client.post(
            "/login",
            headers={"Sec-Fetch-Site": "cross-site"},
            environ_base={"REMOTE_ADDR": "198.51.100.9"},
        )
    [row] = lines(portal, "request.cross_site")[before:]
    assert (row.address, row.object_id, row.result) == ("198.51.100.9", "/login", "refused")
