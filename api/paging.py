"""Lists in pages: a cursor names the last item seen, so what comes and goes shifts nothing."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from api.models import Page, Paging
from errors import Invalid
from notify.mark import N_

T = TypeVar("T")
Place = tuple[int, str]


def page(
    items: Iterable[T], query: Paging, place: Callable[[T], Place]
) -> tuple[Sequence[T], str | None]:
    """Return one page of a list, and the cursor of the next.

    Args:
        items: the whole list, in any order.
        query: how many, and after which.
        place: where an item stands; no two are alike, and it never changes.
    """
    after = decode(query.cursor) if query.cursor else None
    ordered = sorted(items, key=place)
    left = [item for item in ordered if after is None or place(item) > after]
    shown = left[: query.limit]
    return shown, encode(place(shown[-1])) if len(left) > len(shown) else None


def part(whole: Page[Any], query: Paging) -> Page[Any]:
    """Return the part of a whole list that was asked for.

    The cursor names the last item seen; where that has gone meanwhile, its number counts.
    """
    names = [_name(item) for item in whole.items]
    start = 0
    if query.cursor:
        number, name = decode(query.cursor)
        start = names.index(name) + 1 if name in names else max(number, 0)
    end = start + query.limit
    left = end < len(names)
    return Page(
        items=whole.items[start:end], next=encode((end - 1, names[end - 1])) if left else None
    )


def _name(item: Any) -> str:
    return str(next(getattr(item, key) for key in ("id", "name", "version") if hasattr(item, key)))


def encode(place: Place) -> str:
    """Return a place as a cursor."""
    return base64.urlsafe_b64encode(f"{place[0]}~{place[1]}".encode()).decode().rstrip("=")


def decode(cursor: str) -> Place:
    """Return the place of a cursor.

    Raises:
        Invalid: bad_cursor, this is none.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        number, tilde, name = base64.urlsafe_b64decode(padded.encode()).decode().partition("~")
        if not tilde or not -(2**63) <= (parsed := int(number)) < 2**63 or not name.isprintable():
            raise ValueError(cursor)
    except (ValueError, binascii.Error) as error:
        raise Invalid("bad_cursor", N_("This cursor cannot be used."), field="cursor") from error
    return parsed, name
