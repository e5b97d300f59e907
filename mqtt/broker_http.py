"""For brokers that ask over HTTP who may do what (EMQX, VerneMQ): they need not be told."""

from collections.abc import Iterable

from devices.ports import BrokerIdentity


class HttpBroker:
    """The `BrokerAdmin` of a broker that asks `api.broker_auth` each time.

    A revoked device is refused from the next message on; its idle connection is the broker's.
    """

    def username_for(self, _controller_id: str) -> None:
        """Any name will do."""

    def upsert(self, *_identities: BrokerIdentity) -> None:
        """The broker asks when the device comes."""

    def revoke(self, *_usernames: str) -> None:
        """The broker asks before the next message."""

    def reconcile(self, _identities: Iterable[BrokerIdentity]) -> None:
        """There is nothing that could differ."""
