"""The OpenAPI 3.1 document, made from the declarations that the endpoints run by."""

import inspect
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.idempotency import HEADER
from api.models import Answer
from api.routing import JSON, Operation
from db.models import Device, User

Schema = dict[str, Any]
Refs = dict[Any, dict[str, str]]  # by model

PART = re.compile(r"<(?:(\w+):)?(\w+)>")
PART_PATTERNS = {"key": r"^[A-Za-z0-9_-]{1,64}$", "string": r"^[^/]{1,64}$"}
SCHEMES = {User: "userToken", Device: "deviceToken"}


class Problem(Answer):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any]


class Error(Answer):
    """The shape of every error."""

    error: Problem


def document(operations: Iterable[Operation], *, version: str) -> Schema:
    """Return the document for these operations."""
    operations = list(operations)
    schemas, refs = _schemas(operations)
    paths: dict[str, Schema] = {}
    for operation in operations:
        path = PART.sub(r"{\2}", operation.rule)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas, refs)
    for operation in operations:
        if operation.query:
            schemas.pop(_named(refs[operation.query]), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse",
            "version": version,
            "description": (
                "Devices, readings and commands. Times are ISO 8601 UTC; every error has the "
                "shape of the schema Error; what one may not see is 404."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "userToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A person's access token, from POST /auth/token.",
                },
                "deviceToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A device token, dev_...",
                },
            },
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[Schema, Refs]:
    """Return every schema by name, and how to refer to the one of each model."""
    models: dict[tuple[type[BaseModel], Any], None] = {(Error, "serialization"): None}
    for operation in operations:
        for model in (operation.body, operation.query):
            if model is not None:
                models[model, "validation"] = None
        if operation.answer is not None:
            models[operation.answer, "serialization"] = None
    found, made = models_json_schema(list(models), ref_template="#/components/schemas/{model}")
    schemas: Schema = made["$defs"]
    return schemas, {model: ref for (model, _), ref in found.items()}


def _operation(operation: Operation, schemas: Schema, refs: Refs) -> Schema:
    words = (inspect.getdoc(operation.function) or "").split("\n\n", 1)
    described: Schema = {
        "operationId": f"{operation.tag}_{operation.function.__name__}".replace(" ", "_"),
        "summary": words[0].replace("\n", " "),
        "tags": [operation.tag],
        "parameters": _parameters(operation, schemas, refs),
        "responses": _responses(operation, refs),
        "security": [{SCHEMES[kind]: []} for kind in SCHEMES if kind in operation.kinds],
    }
    if len(words) > 1:
        described["description"] = words[1].replace("\n", " ")
    if operation.body:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": refs[operation.body]}},
        }
    if operation.takes:
        described["requestBody"] = {
            "required": True,
            "content": {media: {"schema": {}} for media in operation.takes},
        }
    return described


def _parameters(operation: Operation, schemas: Schema, refs: Refs) -> list[Schema]:
    parameters: list[Schema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": PART_PATTERNS[kind]},
        }
        for kind, name in PART.findall(operation.rule)
    ]
    if operation.query:
        shape = schemas[_named(refs[operation.query])]
        for name, schema in shape.get("properties", {}).items():
            parameters.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in shape.get("required", []),
                    "schema": schema,
                }
            )
    if operation.once:
        parameters.append(
            {
                "name": HEADER,
                "in": "header",
                "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
                "description": "The same request with the same key is carried out once.",
            }
        )
    return parameters


def _responses(operation: Operation, refs: Refs) -> Schema:
    kinds = {media: "object" if media == JSON else "string" for media in operation.media}
    content: Schema = {media: {"schema": {"type": kind}} for media, kind in kinds.items()}
    if operation.answer:
        content[JSON] = {"schema": refs[operation.answer]}
    responses: Schema = {}
    for status in operation.statuses:
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if content:
            responses[str(status)]["content"] = content
    error = {"content": {JSON: {"schema": refs[Error]}}}
    for status in sorted(_refusals(operation)):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, **error}
    return responses


def _refusals(operation: Operation) -> set[int]:
    statuses = {*operation.refusals, 429, 500, 503}
    if operation.kinds:
        statuses.add(401)
    if operation.admin:
        statuses.add(403)
    if "<" in operation.rule:
        statuses |= {403, 404}
    if operation.body or operation.takes:
        statuses |= {400, 413, 415, 422}
    if operation.query:
        statuses.add(422)
    if operation.once:
        statuses |= {409, 422}
    return statuses


def _named(ref: dict[str, str]) -> str:
    return ref["$ref"].rsplit("/", 1)[1]
