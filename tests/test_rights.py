"""Who may do what: every route, callback, page, operation and topic against everybody.

The tables say the least level for each way in.  A way in without an entry fails, and so does one
that answers somebody below its level with anything but a refusal, or refuses whoever has it.
"""

import inspect
import json
from collections.abc import Iterator
from datetime import timedelta
from enum import IntEnum
from hashlib import sha256
from uuid import uuid4

import dash
import pytest

import api
import auth.tokens
import wiring
from auth import refresh
from clock import now_ms, utcnow
from db.base import db
from db.models import Device, Level, User
from devices import app_tokens, configs, files, guests, share_tokens
from devices.guest_terms import Terms
from devices.ports import BrokerIdentity
from mqtt import topics
from mqtt.decide import READ, WRITE, Grant, allowed, of_device
from mqtt.mosquitto import accounts
from tests.portal import ROUTER, Portal, Visitor, callbacks, make, parts, press, texts


class Least(IntEnum):
    """The least that somebody must be; from VIEWER on: of the device in question."""

    OPEN = 0  # for strangers; what lies behind looks after itself
    SIGNED_IN = 1
    VIEWER = 2
    OPERATOR = 3
    MANAGER = 4
    OWNER = 5
    ADMIN = 8
    DEVICE = 9  # a device with its token, nobody else


OPEN, SIGNED_IN, VIEWER, OPERATOR, MANAGER, OWNER, ADMIN, DEVICE = Least
PEOPLE = (OPEN, SIGNED_IN, VIEWER, OPERATOR, MANAGER, OWNER)
REFUSED = {401, 403, 404}
REFUSALS = ("There is no such device.", "This needs the level", "Only administrators")

ROUTES = {
    **dict.fromkeys(
        [
            *("/register", "/confirm", "/register/invitation", "/confirm/email"),
            *("/confirm/email/undo", "/login", "/login/code", "/login/passkey/options"),
            *("/login/passkey", "/logout", "/language", "/recover", "/reset"),
            *("/outbox", "/outbox.json", "/g/<token>", "/g/<token>/<command_id>"),
            "/g/<token>/app.webmanifest",
            *("/healthz", "/readyz", "/metrics", "/mqtt/auth", "/mqtt/acl"),
            "/.well-known/security.txt",
            *("/device_login", "/device_ping"),
            *("/assets/all.<any(js,css):kind>", "/assets/<path:filename>"),
        ],
        OPEN,
    ),
    **dict.fromkeys(
        [
            *("/settings/codes", "/settings/codes/confirm", "/settings/email"),
            *("/settings/export.json", "/settings/account", "/settings/password"),
            *("/settings/password/resend", "/settings/security", "/settings/security/app"),
            "/settings/security/app/confirm",
            "/settings/security/<any(add, off, codes, passkey):what>",
            *("/settings/security/passkeys/options", "/settings/security/passkeys"),
            *("/settings", "/settings/sessions", "/settings/tokens", "/settings/activity"),
            *("/live", "/live/ping", "/data/state", "/", "/<path:path>"),
            *("/_dash-layout", "/_dash-dependencies", "/_dash-update-component"),
            *("/_reload-hash", "/_favicon.ico"),
            "/_dash-component-suites/plotly/package_data/plotly.min.js",
            "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
        ],
        SIGNED_IN,
    ),
    "/data/chart": VIEWER,
    "/data/texts": VIEWER,
    "/data/export.csv": VIEWER,
    "/data/export.parquet": VIEWER,
    "/devices/<public_id>/commands": OPERATOR,
    "/data/access-log.csv": MANAGER,
    "/data/file": MANAGER,
    "/data/import": MANAGER,
    **dict.fromkeys(
        [
            *("/admin/users", "/admin/users/<public_id>", "/admin/users/<public_id>/do"),
            *("/admin/audit", "/admin/mail"),
        ],
        ADMIN,
    ),
}

PAGES = {
    "/": SIGNED_IN,
    "/devices/new": SIGNED_IN,
    "/devices/proposals": SIGNED_IN,
    "/devices/guest-links": SIGNED_IN,
    "/sharing": SIGNED_IN,
    "/export": SIGNED_IN,
    "/not-found": SIGNED_IN,
    "/admin": ADMIN,
    "/devices/<device_id>": VIEWER,
    "/devices/<device_id>/access": MANAGER,
    "/devices/<device_id>/topics": MANAGER,
    "/devices/<device_id>/files": MANAGER,
}

CALLBACKS = {
    "dash.dash update": SIGNED_IN,
    "pages.dashboard redraw": SIGNED_IN,
    "pages.device_new create": SIGNED_IN,
    "pages.device_new claim": SIGNED_IN,
    "pages.device_new wait": VIEWER,
    "pages.device rename": MANAGER,
    "pages.device save": MANAGER,
    "pages.device describe": MANAGER,
    "pages.device rotate": MANAGER,
    "pages.device make_token": MANAGER,
    "pages.device revoke_token": MANAGER,
    "pages.device delete": OWNER,
    **{
        f"pages.device_access {name}": MANAGER
        for name in ("create_token", "revoke_token", "revoke_app", "follow")
    },
    **{
        f"dashboard.access_guests {name}": MANAGER
        for name in ("create_link", "revoke_link", "copy_link", "turn")
    },
    **{
        f"dashboard.access_people {name}": MANAGER
        for name in ("share", "change_level", "remove", "withdraw")
    },
    "dashboard.access_people hand_over": OWNER,
    "dashboard.set_point_form declare_set_point": MANAGER,
    "dashboard.set_point_form remove_set_point": MANAGER,
    **{f"pages.sharing {name}": SIGNED_IN for name in ("accept", "decline", "leave", "redeem")},
    **{f"pages.proposals {name}": SIGNED_IN for name in ("look_again", "accept", "ignore")},
    **{f"pages.guest_list {name}": SIGNED_IN for name in ("take_file", "check", "create")},
    **{
        f"pages.device_files {name}": MANAGER
        for name in ("push", "push_again", "delete", "send_again", "follow")
    },
    "pages.device_files read_file": SIGNED_IN,
    "pages.export address": SIGNED_IN,
    "pages.device_topics add": MANAGER,
    "pages.device_topics remove": MANAGER,
    "pages.device_topics give": ADMIN,
}
PRESSED = {  # what a browser sends with a press; without it some would do nothing in any case
    "device_new_device_data": "{device}",
    "device_id_data": "{device}",
    "access_device_data": "{device}",
    "topics_device_data": "{device}",
    "files_device_data": "{device}",
    "config_text_value": "{{}}",
    "device_delete_name_value": "{name}",
    "device_name_value": "Another name",
    "device_interval_value": 30,
    "link_label_value": "Mia",
    "link_from_value": "2030-07-05T15:00",
    "link_until_value": "2030-07-07T11:00",
    "link_zone_value": "UTC",
    "people_email_value": "new@example.org",
    "people_heir_value": "heir@example.org",
    "people_level_value": "viewer",
    "people_new_level_value": "viewer",
    "token_level_value": "viewer",
    "token_uses_value": 1,
    "token_days_value": 1,
}

RULE = "/devices/<key:device_id>"
OPERATIONS = {
    **dict.fromkeys(
        [
            *("POST /auth/token", "POST /auth/refresh", "POST /auth/revoke"),
            *("POST /devices/register", "GET /discover"),
            "POST /discover/<key:device_id>/commands",
            "GET /discover/<key:device_id>/commands/<key:command_id>",
            "GET /discover/<key:device_id>/sensors",
            *("PUT /transfers/<key:token>", "GET /transfers/<key:token>"),
            *("GET /openapi.json", "GET /docs"),
        ],
        OPEN,
    ),
    **dict.fromkeys(
        [
            *("GET /auth/tokens", "DELETE /auth/tokens/<key:token_id>", "GET /me"),
            *("GET /devices", "POST /devices", "POST /devices/claim", "GET /export"),
            *("GET /invitations", "POST /invitations/<key:invitation_id>/accept"),
            *("POST /invitations/<key:invitation_id>/decline", "POST /share-tokens/redeem"),
            *("GET /proposals", "POST /guest-links"),
            "POST /proposals/<key:proposal_id>/accept",
            "POST /proposals/<key:proposal_id>/ignore",
        ],
        SIGNED_IN,
    ),
    **dict.fromkeys(
        [
            *(f"GET {RULE}", f"GET {RULE}/sensors", f"GET {RULE}/readings"),
            f"GET {RULE}/mappings",
            f"GET {RULE}/commands/<key:command_id>",
        ],
        VIEWER,
    ),
    **dict.fromkeys([f"POST {RULE}/readings", f"POST {RULE}/commands"], OPERATOR),
    **dict.fromkeys(
        [
            *(f"PATCH {RULE}", f"POST {RULE}/credentials", f"GET {RULE}/tokens"),
            *(f"POST {RULE}/tokens", f"DELETE {RULE}/tokens/<key:token_id>"),
            *(f"PATCH {RULE}/sensors/<string:name>", f"GET {RULE}/access-log"),
            *(f"GET {RULE}/guest-links", f"POST {RULE}/guest-links"),
            f"DELETE {RULE}/guest-links/<key:link_id>",
            f"POST {RULE}/import",
            f"POST {RULE}/mappings",
            f"DELETE {RULE}/mappings/<key:mapping_id>",
            f"GET {RULE}/topics",
            *(f"GET {RULE}/grants", f"POST {RULE}/grants"),
            *(f"PATCH {RULE}/grants/<key:grant_id>", f"DELETE {RULE}/grants/<key:grant_id>"),
            *(f"GET {RULE}/share-tokens", f"POST {RULE}/share-tokens"),
            f"DELETE {RULE}/share-tokens/<key:token_id>",
            *(f"GET {RULE}/app-tokens", f"DELETE {RULE}/app-tokens/<key:app_id>"),
            *(f"POST {RULE}/files", f"GET {RULE}/files", "GET /files/<key:file_id>"),
            f"DELETE {RULE}/files/<key:file_id>",
            f"POST {RULE}/files/<key:file_id>/send",
            *(f"GET {RULE}/config", f"PUT {RULE}/config"),
            f"GET {RULE}/config/versions",
            f"POST {RULE}/config/<key:version>/push",
        ],
        MANAGER,
    ),
    f"DELETE {RULE}": OWNER,
    f"POST {RULE}/topics": ADMIN,
    f"POST {RULE}/app-tokens": DEVICE,
    **{f"GET /admin/{name}": ADMIN for name in ("users", "devices", "audit", "system")},
}
SPAN = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
QUERIES = {f"GET {RULE}/readings": f"?sensor=temperature&{SPAN}", "GET /export": f"?{SPAN}"}
BODIES = {
    "POST /devices": {"name": "Made by the test", "kind": "lock"},
    "POST /devices/claim": {"code": "ABCD-EFGH"},
    "POST /share-tokens/redeem": {"token": "share_x"},
    f"PATCH {RULE}": {"name": "Another name"},
    f"PATCH {RULE}/sensors/<string:name>": {"label": "Another label"},
    f"POST {RULE}/commands": {"name": "unlock"},
    f"POST {RULE}/readings": {"temperature": 1.5},
    f"POST {RULE}/guest-links": {
        "label": "Mia",
        "not_before": "2030-01-01T00:00:00Z",
        "not_after": "2030-01-02T00:00:00Z",
    },
    f"POST {RULE}/mappings": {"topic": "gatehouse/CONTROLLER/shed", "sensor": "shed"},
    f"POST {RULE}/topics": {"topics": ["shed/#"]},
    f"POST {RULE}/grants": {"email": "new@example.org", "level": "viewer"},
    f"PATCH {RULE}/grants/<key:grant_id>": {"level": "viewer"},
    f"POST {RULE}/app-tokens": {"app_token": "a" * 32},
    f"POST {RULE}/files": {
        "name": "log.txt",
        "size": 1,
        "sha256": "0" * 64,
        "direction": "upload",
    },
    f"PUT {RULE}/config": {"config": {"interval": 5}},
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    return make(tmp_path_factory.mktemp("rights"))


@pytest.fixture(scope="module")
def people(house: Portal) -> dict[Least, Visitor]:
    """Somebody of each level, and a stranger to everything."""
    found = {one: house.person(f"{one.name.lower()}@example.org") for one in PEOPLE[1:]}
    return {OPEN: house.stranger(), **found}


@pytest.fixture(scope="module")
def tokens(house: Portal, people: dict[Least, Visitor]) -> dict[Least, str]:
    """The access token of each of them."""
    made = {OPEN: ""}
    with house.server.app_context():
        keys = wiring.current().keys
        for one in PEOPLE[1:]:
            user = db.session.get_one(User, people[one].user.id)
            made[one] = refresh.begin(user, keys=keys, label="test", now=utcnow()).access_token
    return made


@pytest.fixture
def device(house: Portal, people: dict[Least, Visitor]) -> Device:
    """A lock on which each of them has their level."""
    made = house.device(people[OWNER], uuid4().hex, "lock")
    for one, level in (
        (VIEWER, Level.VIEWER),
        (OPERATOR, Level.OPERATOR),
        (MANAGER, Level.MANAGER),
    ):
        house.share(made, people[one], level)
    house.says(made, "temperature", 20.5)
    return made


@pytest.fixture
def things(house: Portal, people: dict[Least, Visitor], device: Device) -> dict[str, str]:
    """What belongs to the device, so that somebody could get hold of it: kind -> id."""
    now = utcnow()
    other = house.person("other@example.org")
    house.share(device, other, Level.VIEWER)
    with house.server.app_context():
        parts, where = wiring.current(), {"now": now, "address": ""}
        by = db.session.get_one(User, people[OWNER].user.id)
        own = db.session.get_one(Device, device.id)
        terms = Terms("Mia", now, now + timedelta(days=1), "UTC")
        link, _ = guests.create(own, terms, by=by, keys=parts.keys, url="", **where)
        share, _ = share_tokens.create(
            own,
            level=Level.VIEWER,
            max_uses=1,
            expires_at=now + timedelta(days=1),
            label="",
            by=by,
            **where,
        )
        token, _ = auth.tokens.create(own, by=by, label="", now=now, address="")
        app = app_tokens.vouch(own, uuid4().hex, Level.OPERATOR, now=now)
        configs.push(
            own,
            {"a": 1},
            by=by,
            store=parts.store,
            publisher=parts.publisher,
            keys=parts.keys,
            namespace="gatehouse",
            **where,
        )
        return {
            "guest-links": link.public_id,
            "share-tokens": share.public_id,
            "tokens": token.public_id,
            "app-tokens": app.public_id,
            "grants": other.user.public_id,
            "files": files.receive(
                files.announce(
                    own,
                    name="log.txt",
                    size=1,
                    digest=sha256(b"x").hexdigest(),
                    direction="download",
                    by=by,
                    **where,
                ).file,
                [b"x"],
                offset=0,
                folder=parts.settings.instance_dir / "files",
                now=now,
            ).public_id,
        }


def below(least: Least) -> Iterator[Least]:
    return (one for one in PEOPLE if one < least)


def name_of(app: dash.Dash, output: str) -> str:
    function = inspect.unwrap(app.callback_map[output]["callback"])
    return f"{function.__module__} {function.__name__}"


def test_every_way_in_has_an_entry_and_no_entry_is_left_over(house: Portal):
    rules = {rule.rule for rule in house.server.url_map.iter_rules()}
    pages = {page["path_template"] or page["path"] for page in dash.page_registry.values()}
    operations = {f"{one.method} {one.rule}" for one in api.operations()}

    assert {rule for rule in rules if not rule.startswith(api.PREFIX)} == set(ROUTES)
    assert pages == set(PAGES)
    assert {name_of(house.app, one) for one in callbacks(house.app)} == set(CALLBACKS)
    assert operations == set(OPERATIONS)


def visit(who: Visitor, rule: str, method: str, device: Device) -> int:
    path = rule.replace("<public_id>", device.public_id)
    for part in ("<path:path>", "<string:package_name>", "<path:fingerprinted_path>"):
        path = path.replace(part, "x")
    path = path.replace("<any(add, off, codes, passkey):what>", "codes")
    if rule.startswith("/data/"):
        path += f"?device={device.public_id}&sensor=temperature&from=0&to={now_ms()}"
    options = {"json": {"name": "unlock", "key": uuid4().hex}} if method == "POST" else {}
    with who.client.open(
        path, method=method, headers={"Sec-Fetch-Mode": "cors"} | who.csrf(), **options
    ) as answer:
        return answer.status_code


@pytest.mark.parametrize("rule", [rule for rule, least in ROUTES.items() if least > OPEN])
def test_a_route_refuses_who_may_not(house: Portal, people, device: Device, rule: str):
    least = ROUTES[rule]
    [*methods] = {
        method
        for one in house.server.url_map.iter_rules()
        if one.rule == rule
        for method in one.methods - {"HEAD", "OPTIONS"}
    }
    for method in methods:
        for who in below(least):
            assert visit(people[who], rule, method, device) in REFUSED, (method, who.name)
        if least in {VIEWER, OPERATOR, MANAGER}:
            assert visit(people[least], rule, method, device) not in REFUSED, method


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refuses_who_may_not(people, device: Device, path: str):
    least = PAGES[path]
    real = path.replace("<device_id>", device.public_id)
    assert people[OPEN].call(ROUTER, _pages_location_pathname=real).status_code == 401
    if least is ADMIN:
        refused = people[OWNER].call(ROUTER, _pages_location_pathname=real)
        assert refused.status_code == 403
        return
    for who in (one for one in PEOPLE[1:] if least >= VIEWER and one < least):
        shown = people[who].page(real)
        assert any(one in texts(shown) for one in REFUSALS), who.name
        assert not parts(shown, data_device=device.public_id), who.name
    assert not any(one in texts(people[max(least, SIGNED_IN)].page(real)) for one in REFUSALS)


@pytest.mark.parametrize("name", [name for name in CALLBACKS if name != "dash.dash update"])
def test_a_callback_refuses_who_may_not(house: Portal, people, device: Device, name: str):
    least = CALLBACKS[name]
    module, function = name.split()

    def called(who: Least):
        entry = next(
            house.app.callback_map[one]
            for one in callbacks(house.app)
            if name_of(house.app, one) == name
        )
        values = {
            key: value.format(device=device.public_id, name=device.name)
            if isinstance(value, str)
            else value
            for key, value in PRESSED.items()
        }
        for one in entry["inputs"]:
            given = f"{one['id']}_{one['property']}".replace("-", "_")
            values[given] = {"row": "x"} if one["property"] == "data" else 1
        return press(people[who], module, function, **values)

    assert called(OPEN).status_code == 401
    for who in (one for one in PEOPLE[1:] if least >= VIEWER and one < least):
        answer = called(who)
        assert not (answer.json or {}).get("response"), who.name
        assert least > OWNER or any(one in answer.text for one in REFUSALS), who.name
    if VIEWER <= least <= OWNER:
        assert not any(one in called(least).text for one in REFUSALS)


def ask(house: Portal, token: str, name: str, device: Device, things: dict[str, str]) -> int:
    method, _, rule = name.partition(" ")
    path = rule.replace("<key:device_id>", device.public_id).replace("<string:name>", "temperature")
    collection = rule.removeprefix(f"{RULE}/").partition("/")[0]
    if rule.startswith(f"{RULE}/") and rule.endswith(">") and collection in things:
        path = f"{path.rpartition('/')[0]}/{things[collection]}" if rule.count("<") > 1 else path
    path = path.replace("<key:file_id>", things["files"])
    for one in ("link", "token", "grant", "app", "command", "mapping", "invitation"):
        path = path.replace(f"<key:{one}_id>", "a" * 16)
    path = path.replace("<key:proposal_id>", "a" * 16).replace("<key:version>", "1")
    body = json.loads(json.dumps(BODIES.get(name, {})).replace("CONTROLLER", device.controller_id))
    with house.server.test_client().open(
        api.PREFIX + path + QUERIES.get(name, ""),
        method=method,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        **({"json": body} if method in {"POST", "PUT", "PATCH"} else {}),
    ) as answer:
        return answer.status_code


@pytest.mark.parametrize("name", [name for name, least in OPERATIONS.items() if least > OPEN])
def test_an_operation_refuses_who_may_not(house: Portal, tokens, device: Device, things, name: str):
    least = OPERATIONS[name]
    for who in below(least):
        assert ask(house, tokens[who], name, device, things) in REFUSED, who.name
    if VIEWER <= least <= OWNER:
        status = ask(house, tokens[least], name, device, things)
        assert status not in {401, 403}, status
        nothing_there = "command_id" in name or "mapping_id" in name
        assert status != 404 or nothing_there, status


NS = "gatehouse"
ITSELF, OTHER, LISTENER, PUBLISHER, BUS, NOBODY = (
    "itself",
    "another device",
    "listener",
    "publisher",
    "bus",
    "nobody",
)
TOPICS = {  # below <ns>/<controller id>/: who subscribes, who publishes
    **dict.fromkeys(
        [
            *("telemetry", "telemetry/x", "led/x", "temperature", "temperature/x"),
            *("status", "commands/ack", "log", "sealed"),
        ],
        ({LISTENER}, {ITSELF, PUBLISHER}),
    ),
    **dict.fromkeys(
        ["commands", "commands/sealed", "config", "files"], ({ITSELF, LISTENER}, {PUBLISHER})
    ),
    **dict.fromkeys(["", "x", "telemetry/x/y", "commands/x"], ({LISTENER}, {PUBLISHER})),
}
FURTHER_TOPICS = {  # whole names and filters
    "gatehouse/$live/x": ({LISTENER, BUS}, {PUBLISHER, BUS}),
    "homeassistant/sensor/x/config": ({LISTENER}, {PUBLISHER}),
    "x/y": ({LISTENER}, {PUBLISHER}),
    "$SYS/broker/uptime": ({LISTENER}, set()),
    "$CONTROL/dynamic-security/v1": (set(), set()),
    **dict.fromkeys(
        ["#", "gatehouse/#", "gatehouse/+/commands", "gatehouse/+/telemetry", "+/+/config"],
        ({LISTENER}, set()),
    ),
}


def accounts_of_the_broker(house: Portal) -> dict[str, list[Grant]]:
    with house.server.app_context():
        settings = wiring.current().settings
        ours = {
            username.rpartition("-")[2]: grants
            for username, (_hash, grants) in accounts(settings).items()
        }
    return {role: ours[role] for role in (LISTENER, PUBLISHER, BUS)} | {
        ITSELF: of_device(BrokerIdentity("d1", "", "c1"), NS),
        OTHER: of_device(BrokerIdentity("d2", "", "c2"), NS),
        NOBODY: [],
    }


def test_every_topic_that_a_device_uses_has_an_entry():
    forms = {rest.replace("+", "x") for rest in (*topics.DEVICE_WRITES, *topics.DEVICE_READS)}
    assert forms == {rest for rest, who in TOPICS.items() if any(ITSELF in some for some in who)}


@pytest.mark.parametrize(
    "topic", [*(f"{NS}/c1/{rest}".rstrip("/") for rest in TOPICS), *FURTHER_TOPICS]
)
def test_a_topic_is_for_those_it_is_for(house: Portal, topic: str):
    rest = topic.removeprefix(f"{NS}/c1").removeprefix("/")
    reads, writes = FURTHER_TOPICS.get(topic) or TOPICS[rest]
    found = accounts_of_the_broker(house)
    assert {who for who, grants in found.items() if allowed(grants, READ, topic)} == reads
    assert {who for who, grants in found.items() if allowed(grants, WRITE, topic)} == writes
