"""Connected things and their credentials."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from db.base import Base, Key
from db.models.columns import short_id

if TYPE_CHECKING:
    from db.models.grant import Grant
    from db.models.handshake import Handshake


class Kind(enum.StrEnum):
    """What a device is; decides which buttons it has."""

    LOCK = "lock"
    GATE = "gate"
    SENSOR = "sensor"
    LED = "led"
    GAUGE = "gauge"
    OTHER = "other"


def opaque_username() -> str:
    """Return a user name for the broker that no other device ever has."""
    return "d" + short_id(15)


class Device(Base):
    """One connected thing: a lock, a gate, a sensor, a gauge."""

    __tablename__ = "device"
    __table_args__ = {"sqlite_autoincrement": True}  # readings of a key are one device's for ever

    id: Mapped[int] = mapped_column(Key, primary_key=True)  # never leaves the database
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    name: Mapped[str] = mapped_column(String(80))
    name_key: Mapped[str] = mapped_column(String(240), index=True)  # the name without its case
    kind: Mapped[str] = mapped_column(String(16), default=Kind.OTHER)
    hardware_id: Mapped[str | None] = mapped_column(String(64), unique=True)  # never changes
    controller_id: Mapped[str] = mapped_column(String(64), unique=True)  # in topics; may change
    mqtt_username: Mapped[str] = mapped_column(String(64), unique=True, default=opaque_username)
    mqtt_hash: Mapped[str] = mapped_column(String(160))  # $7$ PBKDF2-SHA512, as Mosquitto reads it
    mqtt_seed: Mapped[str] = mapped_column(String(32))  # with the server's secret: the password
    command_seed: Mapped[str] = mapped_column(String(32))  # with it: the command key
    sealed: Mapped[bool] = mapped_column(default=False)  # its commands are, and it must be
    sealed_n: Mapped[int] = mapped_column(BigInteger, default=0)  # counter of the last one
    # branches of the topic tree that it may use besides its own; an administrator gives them
    topic_trees: Mapped[list[str]] = mapped_column(JSON, default=list)
    firmware: Mapped[str] = mapped_column(String(64), default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    notes: Mapped[str] = mapped_column(String(4000), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="")
    expected_interval_s: Mapped[int] = mapped_column(default=90)  # later than thrice this is late
    hold_to_act: Mapped[bool] = mapped_column(default=False)  # press and hold instead of one press
    retention_days: Mapped[int | None]  # of raw readings; 0: for ever; empty: RETENTION_DAYS
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]  # the broker refuses it since

    grants: Mapped[list[Grant]] = relationship(
        back_populates="device", cascade="all, delete-orphan"
    )
    tokens: Mapped[list[DeviceToken]] = relationship(
        back_populates="device", cascade="all, delete-orphan"
    )
    handshake: Mapped[Handshake | None] = relationship(  # of the rotating protocol, if it speaks it
        back_populates="device", cascade="all, delete-orphan"
    )

    @validates("name")
    def _fold(self, _key: str, name: str) -> str:
        self.name_key = name.casefold()
        return name

    def __repr__(self) -> str:
        return f"<Device {self.public_id}>"


class UsedUsername(Base):
    """A user name that a device was given at the broker after its controller id.

    Kept for ever: the broker may hold messages for a device that is gone, and hand them to whoever
    comes under its name.
    """

    __tablename__ = "used_username"

    username: Mapped[str] = mapped_column(String(64), primary_key=True)


class DeviceToken(Base):
    """What a device shows over HTTP; valid until revoked."""

    __tablename__ = "device_token"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # hex SHA-256
    label: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    device: Mapped[Device] = relationship(back_populates="tokens")
