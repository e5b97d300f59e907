"""Evaluates the templates with which devices say where in a message their values are.

Jinja's parser reads them; a small evaluator of our own carries them out, over texts, numbers,
lists and objects.  It knows no attribute of any Python object, no loop and no import, and every
value on the way is bounded, so a template can neither reach out nor run away.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from jinja2 import TemplateError, nodes

from devices.foreign.bounded import MISSING, Failed, checked, measured
from devices.foreign.filters import FILTERS, FUNCTIONS, METHODS, TESTS
from devices.foreign.grammar import OWN_STATE, parsed
from devices.foreign.moments import FIELDS
from devices.foreign.operators import COMPARED, calculated, number

CONSTANTS = {"true": True, "false": False, "none": None, "pi": math.pi, "e": math.e}


class Message:
    """The payload of a message, as text and, when asked for, as the JSON value it holds."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def document(self) -> Any:
        """The JSON value, or MISSING."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return MISSING


def render(template: str, message: Message, **names: Any) -> str | None:
    """Return what a template makes of a message, or None if it has no value; never raises.

    Args:
        template: Jinja text; empty stands for the whole payload.
        message: `value` and `value_json` in the template.
        names: further names that it may use.
    """
    if not template:
        return message.text.strip()
    try:
        written = _Evaluator(message, names).text(parsed(template))
        return str(checked(written)).strip()
    except (Failed, TemplateError, RecursionError):
        return None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return None  # what the values do not allow: a text minus a number, 1 / 0, ...


def fill(template: str, value: Any) -> str | None:
    """Return a payload to send: a template with a value in it; None if it has no value."""
    written = str(value)
    if not template:
        return written
    try:
        spoken = _Evaluator(Message(written), {"value": value}).text(parsed(template))
        return str(checked(spoken))
    except (Failed, TemplateError, RecursionError):
        return None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return None


class _Evaluator:
    """Carries out one template, once."""

    def __init__(self, message: Message, names: Mapping[str, Any]) -> None:
        self._message = message
        self._names = {**CONSTANTS, "value": message.text, **names}

    def text(self, template: nodes.Template) -> str:
        return self._body(template.body)

    def _body(self, body: list[nodes.Node]) -> str:
        return checked("".join(map(self._statement, body)))  # type: ignore[no-any-return]

    def _statement(self, node: nodes.Node) -> str:
        match node:
            case nodes.Output():
                return self._joined(node.nodes)
            case nodes.If():
                for branch in (node, *node.elif_):
                    if self.value(branch.test):
                        return self._body(branch.body)
                return self._body(node.else_)
            case nodes.Assign(target=nodes.Name(name=name)):
                self._names[name] = self.value(node.node)
                return ""
            case nodes.Assign(target=nodes.Tuple(items=targets)):
                self._unpack(targets, self.value(node.node))
                return ""
            case nodes.AssignBlock(target=nodes.Name(name=name), filter=None):
                self._names[name] = self._body(node.body).strip()
                return ""
        raise Failed

    def _unpack(self, targets: list[nodes.Expr], values: Any) -> None:
        if not isinstance(values, list | tuple) or len(values) != len(targets):
            raise Failed
        for target, value in zip(targets, values, strict=True):
            if not isinstance(target, nodes.Name):
                raise Failed
            self._names[target.name] = value

    def value(self, node: nodes.Node | None) -> Any:
        """Return the value of an expression, of bounded size."""
        return checked(self._value(node))

    def _value(self, node: nodes.Node | None) -> Any:  # noqa: PLR0911, PLR0912  one line a kind
        match node:
            case nodes.Const():
                return node.value
            case nodes.TemplateData():
                return node.data
            case nodes.Name():
                return self._name(node.name)
            case nodes.Getattr():
                return _part(self.value(node.node), node.attr)
            case nodes.Getitem():
                return self._item(node)
            case nodes.Filter(node=nodes.Expr()):
                given = self.value(node.node)
                return self._apply(FILTERS, node.name, node, given)
            case nodes.Test():
                return self._apply(TESTS, node.name, node, self.value(node.node))
            case nodes.Call():
                return self._call(node)
            case nodes.CondExpr():
                if self.value(node.test):
                    return self.value(node.expr1)
                return MISSING if node.expr2 is None else self.value(node.expr2)
            case nodes.Compare():
                return self._compare(node)
            case nodes.And():
                return self.value(node.left) and self.value(node.right)
            case nodes.Or():
                return self.value(node.left) or self.value(node.right)
            case nodes.Not():
                return not self.value(node.node)
            case nodes.Neg():
                return -number(self.value(node.node))
            case nodes.Pos():
                return +number(self.value(node.node))
            case nodes.Concat():
                return self._joined(node.nodes)
            case nodes.BinExpr():
                return calculated(node, self.value(node.left), self.value(node.right))
            case nodes.List() | nodes.Tuple():
                return measured([self.value(item) for item in node.items])
            case nodes.Dict():
                return measured(
                    {self.value(pair.key): self.value(pair.value) for pair in node.items}
                )
        raise Failed

    def _joined(self, parts: list[nodes.Expr]) -> str:
        text = ""
        for part in parts:
            text = checked(text + str(self.value(part)))
        return text

    def _name(self, name: str) -> Any:
        if name == "value_json":
            return self._message.document
        if name == OWN_STATE:
            raise Failed  # whoever falls back on its own state keeps it
        return self._names.get(name, MISSING)

    def _item(self, node: nodes.Getitem) -> Any:
        whole = self.value(node.node)
        if isinstance(node.arg, nodes.Slice):
            if node.arg.step is not None or not isinstance(whole, str | list):
                raise Failed
            ends = [
                None if end is None else self.value(end) for end in (node.arg.start, node.arg.stop)
            ]
            return whole[slice(*ends)]
        return _part(whole, self.value(node.arg))

    def _apply(
        self,
        known: Mapping[str, Callable[..., Any]],
        name: str,
        node: nodes.Filter | nodes.Test | nodes.Call,
        *first: Any,
    ) -> Any:
        if name not in known or node.dyn_args or node.dyn_kwargs:
            raise Failed
        named = {str(pair.key): self.value(pair.value) for pair in node.kwargs}
        return known[name](*first, *map(self.value, node.args), **named)

    def _call(self, node: nodes.Call) -> Any:
        called = node.node
        if isinstance(called, nodes.Name):
            return self._apply(FUNCTIONS, called.name, node)
        if isinstance(called, nodes.Getattr):
            whole = self.value(called.node)
            return self._apply(METHODS.get(type(whole), {}), called.attr, node, whole)
        raise Failed

    def _compare(self, node: nodes.Compare) -> bool:
        left = self.value(node.expr)
        for operand in node.ops:
            right = self.value(operand.expr)
            if not COMPARED[operand.op](left, right):
                return False
            left = right
        return True


def _part(whole: Any, key: Any) -> Any:
    """Return what is at a key of an object or at a place of a list; nothing of Python's own."""
    if isinstance(whole, dict):
        return whole.get(key, MISSING)
    if isinstance(whole, list | str) and isinstance(key, int):
        return whole[key] if -len(whole) <= key < len(whole) else MISSING
    if whole is MISSING:
        raise Failed
    return getattr(whole, key) if key in FIELDS.get(type(whole), ()) else MISSING
