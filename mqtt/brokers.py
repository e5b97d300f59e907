"""Chooses how devices are made known to the broker, from the settings."""

from functools import partial

from auth.keys import load
from config import Settings
from devices import admission, credentials
from devices.ports import BrokerAdmin, BrokerLog, NoBrokerLog
from mqtt.broker_dynsec import DynsecBroker
from mqtt.broker_files import FileBroker
from mqtt.broker_http import HttpBroker
from mqtt.brokerlog import MosquittoLog
from mqtt.mosquitto import Mosquitto, accounts, folder_of


def broker_admin(settings: Settings) -> BrokerAdmin:
    """Return the adapter for the broker that the settings name.

    With MQTT_HOST and `files`, the files are written for a broker that shares the folder and
    watches it; nobody here can tell it to read them.
    """
    if settings.mqtt_admin == "dynsec":
        make = partial(credentials.mqtt_password, load(settings))
        return DynsecBroker(settings, password_of=make)
    if settings.mqtt_admin == "http":
        return HttpBroker(settings)
    return FileBroker(
        folder_of(settings),
        settings.mqtt_namespace,
        accounts=accounts(settings),
        known=admission.identities,
        reload=Mosquitto(settings).reload,
    )


def broker_log(settings: Settings) -> BrokerLog:
    """Return what can be known of the broker's own words."""
    return MosquittoLog(settings) if settings.manages_broker else NoBrokerLog()
