"""What was asked of a device, by whom, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.account import User
from db.models.device import Device


class Command(Base):
    """One command; the row exists before anything is sent."""

    __tablename__ = "command"
    __table_args__ = (
        UniqueConstraint("device_id", "idempotency_key"),
        Index("ix_command_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)  # a UUID, goes to the device
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    actor: Mapped[str] = mapped_column(String(320))  # who, in words, for when the account is gone
    # owner, manager, operator, viewer, share_token, guest_link, app_token; empty: not known
    by_right: Mapped[str] = mapped_column(String(16), default="")
    right_id: Mapped[str] = mapped_column(String(16), default="")  # of the link or token
    right_label: Mapped[str] = mapped_column(String(80), default="")
    via: Mapped[str] = mapped_column(String(24))  # the channel: page, api, guest, app, cli
    address: Mapped[str] = mapped_column(String(64), default="")
    idempotency_key: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # queued, sent, delivered, done, refused, failed, expired, no_answer
    state: Mapped[str] = mapped_column(String(16), default="queued")
    detail: Mapped[str] = mapped_column(String(256), default="")
    awaits: Mapped[bool] = mapped_column(default=True)  # the device will say what came of it
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship()
    user: Mapped[User | None] = relationship()
