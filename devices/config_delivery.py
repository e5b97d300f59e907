"""Brings configurations to the broker, until it has the newest of every device and no other.

What should lie retained follows from the devices and their versions; what does lie there is
written down before it is sent and again when the broker has taken it.  `deliver` sends the
difference.  So a broker that was away, a device that moved to another topic, one that has to be
told sealed from now on, and one that is gone are the same case.
"""

import threading

import msgspec
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from auth.keys import Keys
from clock import utcnow
from db.base import db, elsewhere, transaction
from db.models import Device, DeviceConfig, RetainedConfig
from devices import envelopes
from devices.ports import Publisher
from mqtt import topics

AT_ONCE = 200  # topics a pass, so that commands never wait behind configurations
RESERVED = "version"  # the server writes it into what it sends

_turn = threading.Lock()  # who reads what is newest sends it before anybody else reads


def lay(
    device_id: int, *, publisher: Publisher, keys: Keys, namespace: str, patience_s: float = 0
) -> bool:
    """Lay the newest version of a device on its topic; returns whether the broker was there.

    Args:
        device_id: of which device.
        publisher: the way to the broker.
        keys: from which those follow that seal it, if the device asks for that.
        namespace: MQTT_NAMESPACE.
        patience_s: seconds to wait at most until the broker says that it has it.
    """
    begin, known = elsewhere(), threading.Event()
    with _turn:
        with begin() as session:
            device = session.get(Device, device_id)
            config = session.scalar(
                select(DeviceConfig)
                .where(DeviceConfig.device_id == device_id)
                .order_by(DeviceConfig.version.desc())
                .limit(1)
            )
            if device is None or config is None:
                return False
            row = session.get(RetainedConfig, device.controller_id) or RetainedConfig(
                controller_id=device.controller_id
            )
            row.device_id, row.version, row.taken_at = device_id, config.version, None
            row.sealed = device.sealed
            session.add(row)
            place, version, sealed = device.controller_id, config.version, device.sealed
            letter = envelopes.address(
                session,
                device,
                envelopes.RETAINED,
                msgspec.json.encode({**config.body, RESERVED: version}),
                keys=keys,
                namespace=namespace,
                now=utcnow(),
            )

        def taken(_heard: bool) -> None:
            with begin() as session:
                session.execute(
                    update(RetainedConfig)
                    .where(
                        RetainedConfig.controller_id == place,
                        RetainedConfig.device_id == device_id,
                        RetainedConfig.version == version,
                        RetainedConfig.sealed == sealed,
                    )
                    .values(taken_at=utcnow())
                )
            known.set()

        sent = publisher.publish(letter.topic, letter.message, retain=True, on_taken=taken)
    if sent:
        known.wait(patience_s)
    return sent


def deliver(*, publisher: Publisher, keys: Keys, namespace: str) -> int:
    """Send what the broker does not have and clear what it should not have; returns how many."""
    if not publisher.connected:
        return 0
    session = db.session()  # only a look, every two seconds: no reason to keep writers waiting
    session.rollback()  # at what is there now
    missing, left = _missing(session), _left(session)
    for device_id in missing:
        lay(device_id, publisher=publisher, keys=keys, namespace=namespace)
    for place in left:
        _clear(place, publisher=publisher, namespace=namespace)
    return len(missing) + len(left)


def doubt() -> None:
    """Take nothing for granted that the broker is said to have; it may have lost it."""
    with transaction() as session:
        session.execute(update(RetainedConfig).values(taken_at=None))


def _missing(session: Session) -> list[int]:
    newest = (
        select(DeviceConfig.device_id, func.max(DeviceConfig.version).label("version"))
        .group_by(DeviceConfig.device_id)
        .subquery()
    )
    laid = and_(
        RetainedConfig.controller_id == Device.controller_id,
        RetainedConfig.device_id == Device.id,
        RetainedConfig.version == newest.c.version,
        RetainedConfig.sealed == Device.sealed,
    )
    return list(
        session.scalars(
            select(Device.id)
            .join(newest, newest.c.device_id == Device.id)
            .outerjoin(RetainedConfig, laid)
            .where(RetainedConfig.taken_at.is_(None))
            .limit(AT_ONCE)
        )
    )


def _left(session: Session, *, only: str | None = None) -> list[str]:
    """Return the controller ids under which something lies that belongs to no device there."""
    has_config = select(DeviceConfig.id).where(DeviceConfig.device_id == Device.id).exists()
    found = (
        select(RetainedConfig.controller_id)
        .outerjoin(Device, Device.controller_id == RetainedConfig.controller_id)
        .where(or_(Device.id.is_(None), ~has_config))
        .limit(AT_ONCE)
    )
    if only is not None:
        found = found.where(RetainedConfig.controller_id == only)
    return list(session.scalars(found))


def _clear(place: str, *, publisher: Publisher, namespace: str) -> None:
    begin = elsewhere()

    def is_left(session: Session) -> bool:
        return bool(_left(session, only=place))  # or has a device taken the topic meanwhile?

    def taken(_heard: bool) -> None:
        with begin() as session:
            if is_left(session):
                session.delete(session.get_one(RetainedConfig, place))

    with _turn:
        with begin() as session:
            if not is_left(session):
                return
        topic = topics.of(namespace, place, envelopes.RETAINED)
        publisher.publish(topic, b"", retain=True, on_taken=taken)
