"""The product in this process, with people who are signed in to it and their devices."""

import contextlib
import contextvars
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dash
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import db.base
import wiring
from app import create_app
from auth import browsers
from cli.background import Background
from clock import now_ms, utcnow
from config import Settings
from db.models import Device, Grant, Level, User
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from devices import registry
from edge.login import Login
from mqtt.mosquitto import Mosquitto
from tests.stack import until
from tests.web import serve

COOKIE = "gatehouse_session"
UPDATE = "/_dash-update-component"
ROUTER = ".._pages_content.children..._pages_store.data.."


@dataclass
class Visitor:
    """A browser, signed in or not, without the browser."""

    client: FlaskClient
    app: dash.Dash
    user: User | None = None
    token: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def csrf(self) -> dict[str, str]:
        """What Dash's renderer sends with each call, once the index has been loaded."""
        if (cookie := self.client.get_cookie("_csrf_token")) is None:
            self.client.get("/")
            cookie = self.client.get_cookie("_csrf_token")
        return {"X-CSRFToken": cookie.value if cookie else ""}

    def post(self, body: Any, **headers: str) -> TestResponse:
        """Send a body to Dash's callbacks as it is."""
        return self.client.post(UPDATE, json=body, headers=self.csrf() | headers)

    def call(self, output: str, **values: Any) -> TestResponse:
        """Call a callback; values by `id.property` with underscores for what is not a letter."""
        return self.post(body_of(self.app, output, values))

    def page(self, path: str, search: str = "") -> dict[str, Any]:
        """What the router puts on the page at a path."""
        values = {"_pages_location_pathname": path, "_pages_location_search": search}
        answer = self.call(ROUTER, **values)
        assert answer.status_code == 200, answer.text
        return answer.json["response"]["_pages_content"]["children"]


def body_of(app: dash.Dash, output: str, values: dict[str, Any]) -> dict[str, Any]:
    """The body of a call of a callback, as Dash's renderer makes it."""
    entry = app.callback_map[output]

    def given(spec: dict[str, Any]) -> Any:
        if spec["id"].startswith("{"):
            return [in_row(json.loads(spec["id"])["type"], spec["property"])]
        name = f"{spec['id']}_{spec['property']}".replace("-", "_").replace(".", "_")
        return {"id": spec["id"], "property": spec["property"], "value": values.get(name)}

    def in_row(kind: str, prop: str) -> dict[str, Any]:
        """One component of a list; `<kind>_row` says of which row, <kind>_<property> its value."""
        plain = kind.replace("-", "_")
        name = {"type": kind, "row": values.get(f"{plain}_row", "x")}
        value = name if prop == "id" else values.get(f"{plain}_{prop}")
        return {"id": name, "property": prop, "value": value}

    declared = entry["output"]
    outputs = (
        [one.to_dict() for one in declared] if isinstance(declared, list) else declared.to_dict()
    )
    inputs = [given(spec) for spec in entry["inputs"]]
    return {
        "output": output,
        "outputs": outputs,
        "inputs": inputs,
        "state": [given(spec) for spec in entry["state"]],
        "changedPropIds": [f"{name_of(one['id'])}.{one['property']}" for one in map(first, inputs)],
    }


def first(item: Any) -> dict[str, Any]:
    """An input of a call; of one for all rows of a list, the only row."""
    return item[0] if isinstance(item, list) else item


def name_of(identity: str | dict[str, str]) -> str:
    """A component's id as Dash writes it into one text."""
    if isinstance(identity, str):
        return identity
    return json.dumps(identity, sort_keys=True, separators=(",", ":"))


def callbacks(app: dash.Dash) -> list[str]:
    """The ids of all callbacks that run on the server."""
    return [name for name, entry in app.callback_map.items() if "callback" in entry]


@contextlib.contextmanager
def at_work(server: Flask) -> Iterator[Mosquitto]:
    """Run broker, listener and writer beside a server until the block ends."""
    with server.app_context():
        broker = Mosquitto(wiring.current().settings)
    background = Background(server)
    broker.start()
    background.start()
    try:
        until(lambda: server.test_client().get("/readyz").status_code == 200, 20, "readiness")
        yield broker
    finally:
        background.stop()
        broker.stop()


@dataclass
class Portal:
    """One installation."""

    server: Flask
    app: dash.Dash
    people: dict[str, Visitor] = field(default_factory=dict)

    @property
    def store(self) -> TelemetryStore:
        with self.server.app_context():
            return wiring.current().store

    def stranger(self) -> Visitor:
        return Visitor(self.server.test_client(), self.app)

    def person(self, email: str, role: str = "user") -> Visitor:
        """Somebody with a confirmed account, signed in; a new one for a new address."""
        if email in self.people:
            return self.people[email]
        now = utcnow()
        with self.server.app_context():
            with db.base.transaction() as session:
                user = User(
                    email=email, email_typed=email, role=role, created_at=now, confirmed_at=now
                )
                session.add(user)
            _row, token = browsers.begin(
                user, remember=False, user_agent="", address="127.0.0.1", now=now
            )
            db.base.db.session.refresh(user)
            db.base.db.session.expunge(user)
        client = self.server.test_client()
        client.set_cookie(COOKIE, token)
        self.people[email] = Visitor(client, self.app, user, token)
        return self.people[email]

    def device(self, owner: Visitor, name: str, kind: str = "sensor") -> Device:
        """A device of somebody that never spoke."""
        return self.created(owner, name, kind).device

    def login(self, created: registry.Created) -> Login:
        """With what a new device connects to the broker."""
        with self.server.app_context():
            port = wiring.current().settings.mqtt_port
        device = created.device
        return Login(
            device.controller_id,
            device.mqtt_username,
            created.mqtt_password,
            port=port,
            command_key=created.command_key,
        )

    def created(self, owner: Visitor, name: str, kind: str) -> registry.Created:
        """A new device of somebody, with its secrets."""
        with self.server.app_context():
            parts = wiring.current()
            made = registry.create(
                name,
                kind,
                by=db.base.db.session.get_one(User, owner.user.id),
                now=utcnow(),
                broker=parts.broker,
                keys=parts.keys,
                namespace=parts.settings.mqtt_namespace,
            )
            db.base.db.session.refresh(made.device)
            db.base.db.session.expunge(made.device)
        return made

    def share(self, device: Device, with_: Visitor, level: Level) -> None:
        grant = Grant(user_id=with_.user.id, device_id=device.id, level=level, created_at=utcnow())
        with self.server.app_context(), db.base.transaction() as session:
            session.add(grant)

    def says(self, device: Device, sensor: str, *values: float | str, unit: str = "") -> None:
        """Readings of a sensor, one a second, the last one now; texts are texts."""
        batch, end = Batch(), now_ms()
        kind = "text" if isinstance(values[0], str) else "number"
        series = self.store.add_series(device.id, sensor, kind, unit)
        for number, value in enumerate(values):
            row = (series.id, end - (len(values) - 1 - number) * 1000, value)
            (batch.texts if kind == "text" else batch.values).append(row)
        self.store.write(batch)

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """The address of this installation, for real browsers."""
        with serve(self.server) as port:
            yield f"http://localhost:{port}"


def make(folder: Path, **settings: Any) -> Portal:
    """A fresh installation in a folder."""
    instance = folder / "instance"
    server = create_app(Settings(instance_dir=instance, bcrypt_cost=4, **settings))
    # in this context Dash may still know the application of an earlier test
    return Portal(server, contextvars.Context().run(dash.get_app))


def texts(component: Any) -> str:
    """All words in a part of a page."""
    if isinstance(component, str):
        return component
    if isinstance(component, list):
        return " ".join(texts(one) for one in component)
    if isinstance(component, dict):
        return texts(component.get("props", {}).get("children"))
    return ""


def parts(component: Any, **props: Any) -> list[dict[str, Any]]:
    """All components on a page that have these properties; underscores stand for hyphens."""
    wanted = {name.rstrip("_").replace("_", "-"): value for name, value in props.items()}
    found: list[dict[str, Any]] = []

    def look(one: Any) -> None:
        if isinstance(one, list):
            for child in one:
                look(child)
        elif isinstance(one, dict) and "props" in one:
            have = one["props"]
            if all(have.get(name) == value for name, value in wanted.items()):
                found.append(have)
            for child in have.values():
                look(child)

    look(component)
    return found


def everything(portal: Portal) -> str:
    """All that the application database holds, as text, to see whether anything changed."""
    with portal.server.app_context():
        rows = {}
        for table in db.base.Base.metadata.sorted_tables:
            with db.base.db.engine.connect() as connection:
                rows[table.name] = [
                    list(map(str, row)) for row in connection.execute(table.select())
                ]
    return json.dumps(rows)


def press(visitor: Visitor, module: str, function: str, **values: Any) -> TestResponse:
    """Call the callback that a function of a page answers, wherever its answer goes."""
    for output, entry in visitor.app.callback_map.items():
        found = inspect.unwrap(entry["callback"]) if "callback" in entry else None
        if found and (found.__module__, found.__name__) == (module, function):
            return visitor.call(output, **values)
    raise LookupError(f"{module}.{function}")
