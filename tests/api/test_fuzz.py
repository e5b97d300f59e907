"""Whatever is sent, the answer is one that the document promises, and never a 500."""

import re
from collections.abc import Iterator
from contextvars import Context

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

import api
from tests.api.test_devices import add

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture
def described(running: Flask) -> Iterator[schemathesis.BaseSchema]:
    """The document, and the server behind it, each request in a context of its own."""

    def application(environ, start_response):
        return Context().run(running, environ, start_response)

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


OPERATIONS = [(one.method, re.sub(r"<\w+:(\w+)>", r"{\1}", one.rule)) for one in api.operations()]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_answer_is_one_that_the_document_promises(described, program, method, path):
    root = program("root", role="admin")
    headers = {"Authorization": f"Bearer {root.token}", "Accept-Encoding": "identity"}
    device = add(root)["id"]

    @settings(
        max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=described[path][method].as_strategy())
    def answers_as_promised(case):
        if "device_id" in case.path_parameters and case.path_parameters["device_id"] < "U":
            case.path_parameters["device_id"] = device
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers_as_promised()
