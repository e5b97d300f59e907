"""Runs the revisions of one history on the connection that `db.migrations` hands over."""

from typing import Any, Literal

from alembic import context

import db.models  # noqa: F401  fills Base.metadata
from db.base import Base, Moment
from db.telemetry import tables

history = context.config.attributes["history"]
metadata = {"app": Base.metadata, "telemetry": tables.metadata}[history]


def _ours(_object: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    """Leave tables alone that this history does not know: the other one's, and partitions."""
    return not (kind == "table" and reflected and counterpart is None) and name is not None


def _render(kind: str, column_type: Any, _context: Any) -> str | Literal[False]:
    """Write our moments into revisions as what they are in the database."""
    return "sa.BigInteger()" if kind == "type" and isinstance(column_type, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=f"alembic_version_{history}",
    render_as_batch=True,
    include_object=_ours,
    compare_type=False,
    render_item=_render,
)
context.run_migrations()
