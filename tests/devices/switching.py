"""An installation of services with a broker of some kind, whose accounts are switched off."""

from dataclasses import dataclass, field

import notify.language
import notify.post
import wiring
from auth import administration
from auth.keys import load as load_keys
from clock import utcnow
from db.base import db
from db.models import Grant, Level, User
from devices import broker_access, registry
from mqtt.brokers import broker_admin
from mqtt.bus import MemoryBus
from tests.mqtt.conftest import Speaker


class Silent:
    """A publisher that nobody listens to."""

    connected = True
    connections = 1

    def publish(self, *_args, **_options) -> bool:
        return True


@dataclass
class Site:
    """One installation with a broker of some kind."""

    kind: str
    parts: wiring.Wiring
    mosquitto: object  # has start() and stop()
    speakers: list[Speaker] = field(default_factory=list)

    def person(self, name: str, role: str = "user") -> User:
        now, email = utcnow(), f"{name}@example.org"
        user = User(email=email, email_typed=email, created_at=now, confirmed_at=now, role=role)
        db.session.add(user)
        db.session.commit()
        return user

    def device(self, by: User, name: str = "Front door"):
        parts = self.parts
        return registry.create(
            name,
            "lock",
            by=by,
            now=utcnow(),
            broker=parts.broker,
            keys=parts.keys,
            namespace="gatehouse",
        )

    def connect(self, made, password: str = "") -> Speaker:
        port = self.parts.settings.mqtt_port
        username = made.device.mqtt_username
        self.speakers.append(Speaker(port, username, password or made.mqtt_password))
        return self.speakers[-1]

    def lets_in(self, made) -> bool:
        if self.kind == "http":  # this broker does as it is answered
            username = made.device.mqtt_username
            return broker_access.login(username, made.mqtt_password) is not None
        return self.connect(made).is_in

    def switch(self, user: User, on: bool) -> None:
        change = administration.enable if on else administration.disable
        change(user, by=None, now=utcnow())

    def allow(self, user: User, made, level: Level) -> None:
        db.session.add(Grant(user=user, device=made.device, level=level, created_at=utcnow()))
        db.session.commit()


def site_of(context, settings, kind: str, mosquitto) -> Site:
    parts = wiring.Wiring(
        settings, load_keys(settings), None, MemoryBus(), Silent(), broker_admin(settings)
    )
    wiring.attach(context, parts)
    notify.language.init_app(context)
    notify.post.init_app(context, settings)
    return Site(kind, parts, mosquitto)
