"""The document says what the endpoints do, and nothing reaches what is not one's own."""

import json
import re

import pytest
from flask import Flask

from api import docs, openapi
from db.base import db
from db.models import Command, Device, DeviceToken
from tests.api.test_devices import add
from tests.api.test_errors import problem

PROMISED = """
POST /auth/token, POST /auth/refresh, POST /auth/revoke, GET /me, GET /devices, POST /devices,
GET /devices/{}, PATCH /devices/{}, DELETE /devices/{}, POST /devices/register,
POST /devices/claim, POST /devices/{}/credentials, GET /devices/{}/tokens,
POST /devices/{}/tokens, DELETE /devices/{}/tokens/{}, POST /devices/{}/readings,
GET /devices/{}/sensors, GET /devices/{}/readings, GET /export, POST /devices/{}/commands,
GET /devices/{}/commands/{}, GET /devices/{}/access-log, GET /admin/users, GET /admin/devices,
GET /admin/audit, GET /admin/system, POST /devices/{}/import,
PATCH /devices/{}/sensors/{}
"""


@pytest.fixture
def document(server: Flask) -> openapi.Schema:
    return docs.described()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_everything_that_is_promised_is_there(document):
    there = {f"{method} {re.sub('{.*?}', '{}', path)}" for path, method, _ in operations(document)}
    assert {one.strip() for one in PROMISED.replace("\n", " ").split(",")} <= there


def test_every_list_takes_limit_and_cursor(document):
    lists = {
        path
        for path, item in document["paths"].items()
        if "get" in item and "Page_" in json.dumps(item["get"]["responses"]["200"])
    }
    assert len(lists) > 15
    for path in lists:
        names = {one["name"] for one in document["paths"][path]["get"]["parameters"]}
        assert {"limit", "cursor"} <= names, path


def test_the_document_is_served_and_refers_only_to_itself(server: Flask, document):
    served = server.test_client().get("/api/v1/openapi.json")

    assert served.json == document
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', served.text))
    assert references <= set(schemas)
    assert references >= {"DeviceShown", "Error"}


def test_every_operation_has_a_name_a_summary_and_the_error_shape(document):
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names))
    for *_, operation in operations(document):
        assert operation["summary"].endswith((".", "after.", "once."))
        for status, answer in operation["responses"].items():
            if status >= "400":
                shape = answer["content"]["application/json"]["schema"]
                assert shape == {"$ref": "#/components/schemas/Error"}


def test_the_page_names_every_operation_and_loads_nothing_from_elsewhere(server: Flask, document):
    page = server.test_client().get("/api/v1/docs")

    assert page.mimetype == "text/html"
    for path, method, _ in operations(document):
        assert f"<code>{method} {path}</code>" in page.text
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert loaded
    assert all(one.startswith("/") and not one.startswith("//") for one in loaded)


def test_every_route_that_needs_a_token_refuses_without(server: Flask, document):
    client = server.test_client()
    for path, method, operation in operations(document):
        if operation["security"]:
            url = "/api/v1" + re.sub("{.*?}", "x", path)
            problem(client.open(url, method=method), 401)


def test_every_route_for_administrators_refuses_others(document, program):
    alice = program("alice")
    admin = program("root", role="admin")
    for path, method, _ in operations(document):
        if path.startswith("/admin/"):
            assert problem(alice(method, path), 403)["code"] == "admins_only"
            assert admin(method, path).status_code == 200


def example(schema: dict, schemas: dict) -> object:
    """The smallest value that a schema takes, as far as our schemas go."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    match schema.get("type"):
        case "object":
            names = schema.get("required") or list(schema.get("properties", {}))[:1]
            return {name: example(schema["properties"][name], schemas) for name in names}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _ if schema.get("format") == "date-time":
            return "2026-01-01T00:00:00Z"
        case _ if "email" in str(schema):
            return "x@example.org"
        case _:
            return "x" * max(1, schema.get("minLength", 1))


def body_of(operation: dict, schemas: dict) -> dict:
    """What a test client needs to send a body that this operation takes."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return {}
    if "application/json" not in content:
        return {"data": "x", "content_type": next(iter(content))}
    return {"json": example(content["application/json"]["schema"], schemas) or 1}


def test_what_is_not_ones_own_is_404_on_every_route_and_nothing_changes(
    server: Flask, document, program
):
    """The matrix: a stranger to a device, and another device, on every route that names one."""
    alice, bob = program("alice"), program("bob")
    made, own = add(alice), add(bob, "Bobs")
    token = alice("GET", f"/devices/{made['id']}/tokens").json["items"][0]["id"]
    command = alice("POST", f"/devices/{made['id']}/commands", json={"name": "unlock"}).json["id"]
    device = type(bob)(server.test_client(), own["token"])
    before = alice("GET", f"/devices/{made['id']}").json
    span = "?sensor=t&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
    tried = 0

    for path, method, operation in operations(document):
        if "{device_id}" not in path:
            continue
        url = path.format_map(
            {"device_id": made["id"], "token_id": token, "command_id": command}
            | {
                name: "x"
                for name in re.findall("{(.*?)}", path)
                if name not in {"device_id", "token_id", "command_id"}
            }
        )
        if method == "GET" and path.endswith("/readings"):
            url += span
        options = body_of(operation, document["components"]["schemas"])
        who = operation["security"]
        callers = [bob] if {"userToken": []} in who else []
        callers += [device] if {"deviceToken": []} in who else []
        for caller in callers:
            problem(caller(method, url, **options), 404)
            missing = url.replace(made["id"], "a" * 16)
            problem(caller(method, missing, **options), 404)
            tried += 1

    assert tried >= 14
    assert alice("GET", f"/devices/{made['id']}").json == before
    assert db.session.query(Command).count() == 1
    assert db.session.query(DeviceToken).count() == 2
    assert db.session.query(Device).count() == 2


@pytest.mark.parametrize(
    "device_id",
    ["x", "%00", "..", "a" * 65, "1 OR 1=1", "é", "9f1c2f0e-5d0b-4c57-9d0a-3f6f0a2b7c11"],
)
def test_an_id_that_cannot_be_one_is_404(program, device_id):
    problem(program()("GET", f"/devices/{device_id}"), 404)
