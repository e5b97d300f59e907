"""What a simple lock was told at its last login; see "Rotating protocol" in docs/protocol.md."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base

if TYPE_CHECKING:
    from db.models.device import Device


class Handshake(Base):
    """The last login of a device that speaks the rotating protocol; one row a device.

    Nothing in here opens a door: trigger and life sign follow from the seed and the server's own
    secret, the token is hashed, and the topic can be read by this device only.
    """

    __tablename__ = "handshake"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # hex SHA-256
    seed: Mapped[str] = mapped_column(String(32))  # with the server's secret: trigger, life sign
    topic: Mapped[str] = mapped_column(String(64))
    logged_in_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # the trigger was sent; there is no second time
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id", ondelete="SET NULL"))

    device: Mapped[Device] = relationship(back_populates="handshake")
