"""Who may do what with which device."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.account import User
from db.models.device import Device


class Level(enum.IntEnum):
    """Access levels; each holds what the ones before it hold."""

    VIEWER = 1  # see readings and history
    OPERATOR = 2  # and send commands
    MANAGER = 3  # and change settings, credentials, guests and sharing
    OWNER = 4  # and delete or hand over


class Grant(Base):
    """One person's level on one device."""

    __tablename__ = "device_grant"
    __table_args__ = (UniqueConstraint("user_id", "device_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    level: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]

    user: Mapped[User] = relationship()
    device: Mapped[Device] = relationship(back_populates="grants")
