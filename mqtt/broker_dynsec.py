"""Makes devices known to a remote Mosquitto through its dynamic-security plugin.

Each device has one client and one role of its own with literal topics, both named after its MQTT
user, because the plugin of Mosquitto 2.0 does not expand `%u`.  The broker hashes the passwords
itself, so they are made again from the seeds.  The four default ACLs are set to deny.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from auth.keys import sha256
from config import Settings
from devices.ports import BrokerIdentity
from errors import Invalid
from mqtt import dynsec
from mqtt.broker_files import checked
from mqtt.decide import WRITE, Grant, of_device
from mqtt.dynsec import Command

log = logging.getLogger(__name__)

DEFAULTS = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")
ROLE = "gatehouse-"  # begins the names of our roles; what is named otherwise is not ours


class DynsecBroker:
    """The `BrokerAdmin` of a Mosquitto with the dynamic-security plugin.

    Args:
        settings: say where the broker is, and how to log in as somebody who may administrate.
        password_of: makes a device's password from its seed.
    """

    def __init__(self, settings: Settings, *, password_of: Callable[[str], str]) -> None:
        self._settings = settings
        self._password_of = password_of

    def username_for(self, _controller_id: str) -> None:
        """Return nothing: a name that people choose might be another account's there."""

    def upsert(self, *identities: BrokerIdentity) -> None:
        """Let devices in with these credentials; their live connections are cut.

        Raises:
            Invalid: broker_name_invalid.
            Unavailable: the broker cannot be told now; the next `reconcile` makes up for it.
        """
        if any(identity.username == self._settings.mqtt_username for identity in identities):
            raise Invalid("broker_name_invalid", "A device has the name of the server's account.")
        commands = [
            command
            for identity in identities
            for command in [*_remove(identity.username), *self._add(checked(identity))]
        ]
        with dynsec.talk(self._settings) as talk:
            talk.run(commands)

    def revoke(self, *usernames: str) -> None:
        """Refuse devices and cut their live connections.

        Raises:
            Unavailable: the broker cannot be told now; the next `reconcile` makes up for it.
        """
        with dynsec.talk(self._settings) as talk:
            talk.run(command for username in usernames for command in _remove(username))

    def reconcile(self, identities: Iterable[BrokerIdentity]) -> None:
        """Make the broker know exactly these devices; who is known already stays connected.

        Raises:
            Unavailable: the broker cannot be told now.
        """
        with dynsec.talk(self._settings) as talk:
            talk.run([_deny_by_default()])
            clients, roles = talk.run(
                [
                    {"command": "listClients", "verbose": True},
                    {"command": "listRoles", "verbose": True},
                ]
            )
            known = {one["username"]: one.get("textname") for one in clients["data"]["clients"]}
            acls = {one["rolename"]: _topics(one["acls"]) for one in roles["data"]["roles"]}
            ours = {name.removeprefix(ROLE) for name in acls if name.startswith(ROLE)}
            # asked for after the broker was: a device added meanwhile must not be lost
            wanted = {identity.username: checked(identity) for identity in identities}
            for name, identity in list(wanted.items()):
                if name in known and name not in ours and known[name] != _mark(identity):
                    log.error(
                        "the broker has an account %s of its own: that device stays out", name
                    )
                    del wanted[name]
            fresh = [
                identity
                for name, identity in wanted.items()
                if known.get(name) != _mark(identity)
                or acls.get(ROLE + name) != _topics(self._acls(identity))
            ]
            gone = [name for name in ours if name not in wanted]
            talk.run(command for name in gone for command in _remove(name))
            talk.run(
                command
                for identity in fresh
                for command in [*_remove(identity.username), *self._add(identity)]
            )

    def _add(self, identity: BrokerIdentity) -> list[Command]:
        name = identity.username
        return [
            {"command": "createRole", "rolename": ROLE + name, "acls": self._acls(identity)},
            {
                "command": "createClient",
                "username": name,
                "clientid": name,  # nobody takes over a session under a borrowed client id
                "password": self._password_of(identity.seed),
                "textname": _mark(identity),
                "roles": [{"rolename": ROLE + name}],
            },
        ]

    def _acls(self, identity: BrokerIdentity) -> list[dict[str, Any]]:
        grants = of_device(identity, self._settings.mqtt_namespace)
        return [acl for grant in grants for acl in _acls_of(grant)]


def _acls_of(grant: Grant) -> list[dict[str, Any]]:
    if grant.action is WRITE:
        types: tuple[str, ...] = ("publishClientSend",)
    elif grant.filter.endswith("#"):  # a whole branch, and whatever is asked for below it
        types = ("publishClientReceive", "subscribePattern", "unsubscribePattern")
    else:
        types = ("publishClientReceive", "subscribeLiteral", "unsubscribeLiteral")
    return [{"acltype": kind, "topic": grant.filter, "allow": True} for kind in types]


def _topics(acls: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(acl["acltype"], acl["topic"]) for acl in acls if acl["allow"]}


def _remove(username: str) -> list[Command]:
    return [
        {"command": "deleteClient", "username": username},
        {"command": "deleteRole", "rolename": ROLE + username},
    ]


def _mark(identity: BrokerIdentity) -> str:
    """Return what tells whether the broker has this password; says nothing about it."""
    return sha256(f"dynsec {identity.seed}")[:32]


def _deny_by_default() -> Command:
    return {
        "command": "setDefaultACLAccess",
        "acls": [{"acltype": kind, "allow": False} for kind in DEFAULTS],
    }
