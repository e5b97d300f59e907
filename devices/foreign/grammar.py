"""Reads templates with Jinja's parser, and says what in one of them is not understood here."""

from collections.abc import Iterator
from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from devices.foreign.bounded import Failed
from devices.foreign.filters import FILTERS, FUNCTIONS, METHODS, TESTS

LONGEST_TEMPLATE = 8192  # characters
MARKS = ("{{", "{%", "{#")
OWN_STATE = "this"
# what stands for the state of a whole house elsewhere, and for nothing here
ELSEWHERE = frozenset({"states", "trigger", "state_attr", "is_state", "has_value"})
KNOWN_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Assign, nodes.AssignBlock),
    *(nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter),
    *(nodes.Test, nodes.Call, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.BinExpr),
    *(nodes.UnaryExpr, nodes.Concat, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair),
    nodes.Keyword,
)
_grammar = Environment()  # noqa: S701  parses only, makes no HTML


def is_template(text: str) -> bool:
    """Return whether a text has anything in it that is to be evaluated."""
    return any(mark in text for mark in MARKS)


class Parsed:
    """Templates in parts, each at hand until there are too many.

    A tree takes up to 200 bytes a character.  Any thread may ask: the worst that can come of two
    at once is to parse a template twice.
    """

    def __init__(self, most: int) -> None:
        self._most = most  # characters at hand
        self._at_hand: dict[str, nodes.Template] = {}
        self._length = 0

    def __call__(self, template: str) -> nodes.Template:
        """Return a template in parts.

        Raises:
            Failed: it is too long.
            TemplateError, RecursionError: it is none.
        """
        tree = self._at_hand.get(template)
        if tree is None:
            if len(template) > LONGEST_TEMPLATE:
                raise Failed
            tree = _grammar.parse(template)
            if self._length > self._most:
                self._at_hand, self._length = {}, 0
            self._at_hand[template] = tree
            self._length += len(template)
        return tree


parsed = Parsed(500_000)


@lru_cache(maxsize=1024)
def unsupported(template: str) -> str | None:
    """Return what is in a template that can have no value here, or None if all of it can."""
    try:
        tree = parsed(template)
    except TemplateError as error:
        return str(error)[:100]
    except (Failed, RecursionError):
        return "length"
    return next((found for node in _nodes(tree) if (found := _unknown(node))), None)


def _nodes(tree: nodes.Node) -> Iterator[nodes.Node]:
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting.extend(node.iter_child_nodes())


def _unknown(node: nodes.Node) -> str | None:
    """Return what is unknown about one node, without what it consists of."""
    match node:
        case nodes.Call(node=nodes.Name(name=name)):
            return None if name in FUNCTIONS else name
        case nodes.Call(node=nodes.Getattr(attr=name)):
            return None if any(name in known for known in METHODS.values()) else name
        case nodes.Filter(name=name):
            return None if name in FILTERS else name
        case nodes.Test(name=name):
            return None if name in TESTS else name
        case nodes.Name(name=name):
            return name if name in ELSEWHERE else None
    return None if isinstance(node, KNOWN_NODES) else type(node).__name__.lower()
