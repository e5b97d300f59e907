"""Files that travel between a device and its people: logs up, configuration down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.columns import short_id
from db.models.device import Device


class DeviceFile(Base):
    """One file; its bytes lie in the instance folder under its public id, never its name."""

    __tablename__ = "device_file"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    direction: Mapped[str] = mapped_column(String(8))  # upload: by the device; download: to it
    name: Mapped[str] = mapped_column(String(120))  # shown to people, never part of a path
    size: Mapped[int] = mapped_column(Key)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="waiting")  # or whole, fetched, refused
    received: Mapped[int] = mapped_column(Key, default=0)  # bytes so far; an upload can resume
    url_hash: Mapped[str | None] = mapped_column(String(64), unique=True)  # of the temporary URL
    url_expires_at: Mapped[datetime | None]
    holder: Mapped[str | None] = mapped_column(String(32))  # the download that sends it now ...
    held_until: Mapped[datetime | None]  # ... unless it makes no progress until then
    sent_at: Mapped[datetime | None]  # when the broker took the message for its subscriber
    result: Mapped[str] = mapped_column(String(256), default="")  # why the device refused it
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # then it is deleted

    device: Mapped[Device] = relationship()


class DeviceConfig(Base):
    """One version of a device's configuration, and what the device said of it."""

    __tablename__ = "device_config"
    __table_args__ = (UniqueConstraint("device_id", "version"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    author: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(256), default="")  # what the device said

    device: Mapped[Device] = relationship()


class RetainedConfig(Base):
    """What lies retained on a topic of configurations, as far as the broker has said so."""

    __tablename__ = "retained_config"

    controller_id: Mapped[str] = mapped_column(String(64), primary_key=True)  # names the topic
    device_id: Mapped[int] = mapped_column(Key)  # no foreign key: what is gone must be cleared
    version: Mapped[int]
    sealed: Mapped[bool]
    taken_at: Mapped[datetime | None]  # by the broker; none: sent, but not known to be there
