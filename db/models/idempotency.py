"""Answers to writing requests, kept so that a request sent twice is carried out once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Key


class StoredAnswer(Base):
    """One request by its Idempotency-Key; `body` is empty while it is being carried out."""

    __tablename__ = "stored_answer"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    caller: Mapped[str] = mapped_column(String(64))  # "user:..." or "device:..."
    key: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))  # hex SHA-256 of what was asked
    created_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted: it may hold secrets
