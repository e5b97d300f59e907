"""How an endpoint is declared: its signature says who calls, what it takes and what it answers.

    @routes.post("/devices/<key:device_id>/commands", status=202)
    def ask(device_id: str, by: User, body: Ask) -> CommandSent:

    by      who calls: `User`, `Device` or `User | Device`; without it, everybody may
    body    a `Body`: the JSON document, checked before the endpoint runs
    query   a `Query`: the parameters, checked as well
            (a `Page` without a query is a whole list: callers get the part they ask for)
    ->      an `Answer`, with (answer, status) where the status varies; None for 204; or a
            `Response` that is made by the endpoint, such as a stream

From the same declaration comes the OpenAPI document.
"""

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from flask import Blueprint, Response, request
from pydantic import ValidationError

from api import callers, errors, idempotency, paging
from api.models import Answer, Body, Page, Part, Query
from db.models import Device, User

SMALL = 65_536  # bytes of a body, unless a route says otherwise
JSON = "application/json"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint, as declared."""

    method: str
    rule: str
    function: Callable[..., Any]
    kinds: frozenset[type]  # who may call; empty: everybody
    admin: bool
    body: type[Body] | None
    query: type[Query] | None
    answer: type[Answer] | None
    whole: bool  # returns a whole list, of which the answer is the part that was asked for
    statuses: tuple[int, ...]
    refusals: tuple[int, ...]  # statuses of expected errors besides the general ones
    media: tuple[str, ...]  # of what is answered besides JSON
    takes: tuple[str, ...]  # media types of a body that the endpoint reads itself
    tag: str
    once: bool  # takes an Idempotency-Key


class Routes:
    """The endpoints of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Declare an endpoint that changes nothing."""
        return self._declare("GET", rule, **options)

    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Declare an endpoint that makes or does something; 201 unless said otherwise."""
        return self._declare("POST", rule, **({"status": 201} | options))

    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Declare an endpoint that puts something in its place."""
        return self._declare("PUT", rule, **options)

    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Declare an endpoint that changes something."""
        return self._declare("PATCH", rule, **options)

    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """Declare an endpoint that ends something; answers 204."""
        return self._declare("DELETE", rule, **({"status": 204} | options))

    def register(self, blueprint: Blueprint) -> None:
        """Make the endpoints answer."""
        for operation in self.operations:
            blueprint.add_url_rule(
                operation.rule,
                endpoint=f"{self.tag}-{operation.function.__name__}".replace(" ", "-"),
                view_func=_view(operation),
                methods=[operation.method],
            )

    def _declare(
        self,
        method: str,
        rule: str,
        *,
        status: int | tuple[int, ...] = 200,
        admin: bool = False,
        refusals: tuple[int, ...] = (),
        media: tuple[str, ...] = (),
        takes: tuple[str, ...] = (),
        once: bool = False,
    ) -> Callable[[F], F]:
        def declare(function: F) -> F:
            hints = get_type_hints(function)
            said, query = next(_models(hints.get("return")), None), hints.get("query")
            whole = query is None and said is not None and issubclass(said, Page)
            kinds = frozenset(_types(hints.get("by"))) & {User, Device}
            self.operations.append(
                Operation(
                    method=method,
                    rule=rule,
                    function=function,
                    kinds=kinds,
                    admin=admin,
                    body=hints.get("body"),
                    query=Part if whole else query,
                    answer=said,
                    whole=whole,
                    statuses=status if isinstance(status, tuple) else (status,),
                    refusals=refusals,
                    media=media,
                    takes=takes,
                    tag=self.tag,
                    once=once or (bool(kinds) and method != "GET"),
                )
            )
            return function

        return declare


def _view(operation: Operation) -> Callable[..., Response]:
    """Return what Flask calls: find out who calls, parse, carry out, answer."""

    @wraps(operation.function)
    def view(**arguments: Any) -> Response:
        request.max_content_length = None if operation.takes else SMALL
        who = None
        if operation.kinds:
            who = arguments["by"] = callers.caller(operation.kinds, admin=operation.admin)
        if operation.query:
            query = _parse(operation.query.model_validate, _parameters())
            if operation.whole:
                return answer(paging.part(operation.function(**arguments), query))
            arguments["query"] = query
        if operation.body:
            arguments["body"] = _parse(operation.body.model_validate_json, _json())
        if who is None or operation.method == "GET":
            return _carry_out(operation, arguments)
        return idempotency.once(callers.identity(who), lambda: _carry_out(operation, arguments))

    return view


def _carry_out(operation: Operation, arguments: dict[str, Any]) -> Response:
    result = operation.function(**arguments)
    if isinstance(result, Response):
        return result
    result, status = result if isinstance(result, tuple) else (result, operation.statuses[0])
    return Response(status=status) if result is None else answer(result, status)


def answer(said: Answer, status: int = 200) -> Response:
    """Return what an endpoint says as JSON."""
    return Response(said.model_dump_json(by_alias=True), status, mimetype=JSON)


def _parse(parse: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return parse(raw)
    except ValidationError as error:
        raise errors.from_validation(error) from None


def _parameters() -> dict[str, str | list[str]]:
    given = request.args.to_dict(flat=False)
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _json() -> bytes:
    if request.mimetype != JSON:
        raise errors.WrongMedia(accepted=JSON)
    return request.get_data(cache=True)


def _types(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _models(hint: Any) -> Iterator[type[Answer]]:
    for part in _types(hint):
        if get_origin(part) is tuple:
            yield from _models(get_args(part)[0])
        elif isinstance(part, type) and issubclass(part, Answer):
            yield part
