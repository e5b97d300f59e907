"""What the ACL file of our Mosquitto says; pure.

Mosquitto looks for a user's rules by going through all users that have rules, line by line, so a
file with a few lines for each of ten thousand devices takes it four seconds.  Most devices have
none: the user name of a device is as a rule its first controller id, and patterns with the user
name in them allow what such a device may do.  The others (renamed, or with topics besides their
own) have rules of their own, which come first.
"""

from collections.abc import Iterable

from devices.ports import BrokerIdentity
from mqtt import topics
from mqtt.decide import READ, WRITE, Grant, of_device

VERBS = {READ: "read", WRITE: "write"}
USER = "user "
ANY = BrokerIdentity(username="%u", password_hash="", controller_id="%u")


def for_all(namespace: str) -> str:
    """Return the lines that allow everybody what is below his own user name."""
    return _lines("pattern", of_device(ANY, namespace))


def of_user(username: str, grants: Iterable[Grant]) -> str:
    """Return the lines that allow one user something."""
    return f"{USER}{username}\n{_lines('topic', grants)}"


def exceptions(identity: BrokerIdentity, namespace: str) -> str:
    """Return the lines of a device for which the lines for all are too little, or too much."""
    name, grants = identity.username, of_device(identity, namespace)
    if name != identity.controller_id:
        own = topics.of(namespace, name, "#")  # may be another device's by now
        return f"{USER}{name}\ntopic deny {own}\n{_lines('topic', grants)}"
    usual = of_device(BrokerIdentity(name, "", name), namespace)
    more = [grant for grant in grants if grant not in usual]
    return of_user(name, more) if more else ""


def _lines(word: str, grants: Iterable[Grant]) -> str:
    return "\n".join(f"{word} {VERBS[grant.action]} {grant.filter}" for grant in grants)
