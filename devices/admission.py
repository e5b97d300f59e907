"""Which devices the broker lets in, and telling it so.

The broker hears of a change after it is committed, and `reconcile` repeats what it may have
missed, so the database is always right.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, select

from auth import access
from db.base import db
from db.models import Device, Grant, Handshake, Level, User
from devices.ports import BrokerAdmin, BrokerIdentity


def identities() -> list[BrokerIdentity]:
    """Return every device that the broker should let in."""
    return [one for one in _found(access.ADMITTED).values() if one is not None]


def each_identity() -> Iterator[BrokerIdentity]:
    """Yield every device that the broker should let in, as of when the first one is asked for.

    Brokers ask while no other change can come between, so that none is undone.
    """
    yield from identities()


def follow(broker: BrokerAdmin, *device_ids: int) -> None:
    """Have devices let in, or refused and cut off, as the database says; call it after the commit.

    Another request may change that while the broker is told, and tell it first.  So the database
    is asked again after, until it says what the broker was told.

    Raises:
        Unavailable: the broker cannot be told now; the next `reconcile` makes up for it.
    """
    told: dict[str, BrokerIdentity | None] = {}
    while (wanted := _known(device_ids)) != told:
        news = [
            name for name in told | wanted if name not in told or wanted.get(name) != told[name]
        ]
        if gone := [name for name in news if wanted.get(name) is None]:
            broker.revoke(*gone)
        if welcome := [one for name in news if (one := wanted.get(name)) is not None]:
            broker.upsert(*welcome)
        told = wanted


def follow_owner(broker: BrokerAdmin, user: User) -> None:
    """Have all devices that a person owns follow the account: shut out while it is switched off.

    Raises:
        Unavailable: as `follow`.
    """
    owned = select(Grant.device_id).where(Grant.user_id == user.id, Grant.level == Level.OWNER)
    follow(broker, *db.session.scalars(owned))


def _known(device_ids: Collection[int]) -> dict[str, BrokerIdentity | None]:
    db.session.commit()  # what is true now, not when this thread began to read
    return _found(Device.id.in_(device_ids))


def _found(condition: ColumnElement[bool]) -> dict[str, BrokerIdentity | None]:
    """Return devices by user name, None for those that are shut out."""
    rows = db.session.execute(
        select(
            Device.mqtt_username,
            Device.mqtt_hash,
            Device.controller_id,
            Device.mqtt_seed,
            Handshake.topic,
            Device.topic_trees,
            access.ADMITTED,
        )
        .outerjoin(Handshake, Handshake.device_id == Device.id)
        .where(condition)
    )
    return {
        username: BrokerIdentity(
            *(username, hashed, controller_id, seed),
            reads=(topic,) if topic else (),
            trees=tuple(trees or ()),
        )
        if admitted
        else None
        for username, hashed, controller_id, seed, topic, trees, admitted in rows
    }
