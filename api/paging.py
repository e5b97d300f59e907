"""Lists in pages: a cursor names the last item seen, so what comes and goes shifts nothing."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from api.models import Paging
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
