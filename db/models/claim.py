"""What ties a device that registered itself to the person who will own it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.device import Device


class Claim(Base):
    """The secrets of one device that registered itself, as keyed hashes."""

    __tablename__ = "claim"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), unique=True)
    secret_mac: Mapped[str] = mapped_column(String(64), index=True)  # what it must register with
    code_mac: Mapped[str] = mapped_column(String(64), unique=True)  # what a person types
    registered_at: Mapped[datetime]  # last time; the code works for a while after it

    device: Mapped[Device] = relationship()
