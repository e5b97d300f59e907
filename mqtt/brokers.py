"""Chooses how devices are made known to the broker, from the settings."""

from config import Settings
from devices import registry
from devices.ports import BrokerAdmin
from mqtt.broker_files import FileBroker
from mqtt.mosquitto import Mosquitto, accounts, folder_of


def broker_admin(settings: Settings) -> BrokerAdmin:
    """Return the adapter for the broker that the settings name."""
    return FileBroker(
        folder_of(settings),
        settings.mqtt_namespace,
        accounts=accounts(settings),
        known=registry.identities,
        reload=Mosquitto(settings).reload,
    )
