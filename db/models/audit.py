"""Who did what to which object, from where; rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Key


class AuditEvent(Base):
    """One thing that somebody did or tried."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_user_id_at", "user_id", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(48), index=True)  # login.fail, device.create, ...
    result: Mapped[str] = mapped_column(String(16), default="ok")  # ok, refused, failed
    user_id: Mapped[int | None] = mapped_column(Key)  # whose account it concerns; no foreign key
    actor: Mapped[str] = mapped_column(String(320), default="")  # who, in words
    object_type: Mapped[str] = mapped_column(String(24), default="")
    object_id: Mapped[str] = mapped_column(String(64), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
