"""Messages to people that wait to be sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Key


class OutboxMessage(Base):
    """One message to one person; a worker claims it, sends it and writes down what came of it."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), default="mail")
    recipient: Mapped[str] = mapped_column(String(320))  # address, chat or number
    fallback: Mapped[str] = mapped_column(String(320), default="")  # address if the channel fails
    template: Mapped[str] = mapped_column(String(32), default="")
    subject: Mapped[str] = mapped_column(String(255), default="")
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(
        String(16), default="queued"
    )  # queued, sending, sent, failed
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sender: Mapped[str] = mapped_column(String(120), default="")
    last_error: Mapped[str] = mapped_column(String(255), default="")
