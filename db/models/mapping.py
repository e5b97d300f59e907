"""Devices that were not written for Gatehouse: where their values come from, what they take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.columns import short_id
from db.models.device import Device


class Mapping(Base):
    """One topic from which a sensor of a device gets its values."""

    __tablename__ = "mapping"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    topic: Mapped[str] = mapped_column(String(512))  # an MQTT filter
    template: Mapped[str] = mapped_column(Text, default="")  # or a JSON path; empty: all of it
    sensor: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16), default="")  # empty: what the first value is
    label: Mapped[str] = mapped_column(String(160), default="")
    unit: Mapped[str] = mapped_column(String(32), default="")
    words: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # payload -> value
    scale: Mapped[float] = mapped_column(default=1.0)
    offset: Mapped[float] = mapped_column(default=0.0)
    off_delay: Mapped[float | None]  # s until a state that is on goes off by itself
    announced: Mapped[bool] = mapped_column(default=False)  # by the device, not by a person

    device: Mapped[Device] = relationship()


class ForeignAction(Base):
    """One thing that a foreign device can be asked, and the payload that asks it."""

    __tablename__ = "foreign_action"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    target: Mapped[str] = mapped_column(String(64))  # which part of the device
    label: Mapped[str] = mapped_column(String(160), default="")
    part: Mapped[str] = mapped_column(String(16))  # switch, light, lock, cover ...
    name: Mapped[str] = mapped_column(String(16))  # on, off, lock, unlock, press, set ...
    topic: Mapped[str] = mapped_column(String(512))
    payload: Mapped[str] = mapped_column(Text)
    templated: Mapped[bool] = mapped_column(default=False)
    wants_value: Mapped[bool] = mapped_column(default=False)
    low: Mapped[float | None]
    high: Mapped[float | None]
    step: Mapped[float | None]
    options: Mapped[list[Any]] = mapped_column(JSON, default=list)
    sensor: Mapped[str] = mapped_column(String(64), default="")  # says whether it was done ...
    expects: Mapped[list[Any]] = mapped_column(JSON, default=list)  # ... with one of these values

    device: Mapped[Device] = relationship()


class Proposal(Base):
    """A device that announced itself, and what became of it."""

    __tablename__ = "proposal"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    identity: Mapped[str] = mapped_column(String(255), unique=True)  # what its maker calls it
    name: Mapped[str] = mapped_column(String(160))
    model: Mapped[str] = mapped_column(String(160), default="")
    configs: Mapped[dict[str, Any]] = mapped_column(JSON)  # topic -> what was announced there
    presence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # its signals
    # proposed, accepted, ignored; changed: accepted, and wants to be asked on other topics now
    state: Mapped[str] = mapped_column(String(16), default="proposed")
    first_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    device_id: Mapped[int | None] = mapped_column(
        ForeignKey("device.id", ondelete="SET NULL"), unique=True
    )

    device: Mapped[Device | None] = relationship()
