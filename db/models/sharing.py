"""Rights that travel as links and tokens: guests, invitations, engineers, phone apps.

Every token is kept as its SHA-256; who holds the database cannot use it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.account import User
from db.models.columns import short_id
from db.models.device import Device


class GuestLink(Base):
    """A link with which somebody without an account opens a door, within limits."""

    __tablename__ = "guest_link"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    creator_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # hex SHA-256
    label: Mapped[str] = mapped_column(String(80))  # the guest's name, for the owner
    email: Mapped[str] = mapped_column(String(320), default="")  # where it was sent
    language: Mapped[str] = mapped_column(String(8), default="")  # empty: the browser's
    timezone: Mapped[str] = mapped_column(String(64))  # of the door; `weekly` is meant in it
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    weekly: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # empty: always
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0)
    pin_hash: Mapped[str] = mapped_column(String(64), default="")  # HMAC; empty: none wanted
    pin_failures: Mapped[int] = mapped_column(default=0)  # counted before comparing
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship()
    creator: Mapped[User] = relationship()


class Invitation(Base):
    """A level on a device, or the device itself, offered to an e-mail address."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    inviter_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(320), index=True)  # normalised
    level: Mapped[int]  # OWNER: a handing over, which the receiver confirms
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # accepted, declined or withdrawn

    device: Mapped[Device] = relationship()
    inviter: Mapped[User] = relationship()


class ShareToken(Base):
    """A token that gives its redeemer a level on a device: the engineer's hand-off."""

    __tablename__ = "share_token"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    creator_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(80), default="")
    level: Mapped[int]
    max_uses: Mapped[int]
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship()
    creator: Mapped[User] = relationship()
    redemptions: Mapped[list[Redemption]] = relationship(
        back_populates="token", cascade="all, delete-orphan"
    )


class Redemption(Base):
    """Who used a share token, when."""

    __tablename__ = "share_redemption"
    __table_args__ = (UniqueConstraint("token_id", "user_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("share_token.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    who: Mapped[str] = mapped_column(String(320))  # in words, for when the account is gone
    before: Mapped[int | None]  # the level that the person had; None: none
    at: Mapped[datetime]

    token: Mapped[ShareToken] = relationship(back_populates="redemptions")


class AppToken(Base):
    """What a phone app was given over Bluetooth and the device vouched for.

    One that a person revoked stays for ever, so that no device brings it back.
    """

    __tablename__ = "app_token"
    __table_args__ = (UniqueConstraint("device_id", "token_hash"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), index=True)  # one app, several devices
    level: Mapped[int]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(String(8), default="")  # person or device

    device: Mapped[Device] = relationship()
