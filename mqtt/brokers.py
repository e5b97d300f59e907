"""Chooses how devices are made known to the broker, from the settings."""

from config import Settings
from devices import registry
from devices.ports import BrokerAdmin, BrokerLog, NoBrokerLog
from mqtt.broker_files import FileBroker
from mqtt.brokerlog import MosquittoLog
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


def broker_log(settings: Settings) -> BrokerLog:
    """Return what can be known of the broker's own words."""
    return MosquittoLog(settings) if settings.manages_broker else NoBrokerLog()
