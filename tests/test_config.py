"""Which settings are refused, and that the message says which one it is."""

import pytest

from config import ConfigError, load


def test_devices_may_announce_themselves_below_several_levels():
    assert load({}, None).discovery_prefix == "homeassistant"
    assert load({"DISCOVERY_PREFIX": "home/ha"}, None).discovery_prefix == "home/ha"


@pytest.mark.parametrize(
    ("prefix", "namespace"),
    [
        *[(prefix, "gatehouse") for prefix in ("#", "home/+", "/home", "home/", "$SYS", "a b")],
        ("gatehouse", "gatehouse"),
        ("gatehouse/ha", "gatehouse"),
        ("home", "home/gatehouse"),
    ],
)
def test_announcements_come_on_plain_topics_apart_from_our_own(prefix: str, namespace: str):
    with pytest.raises(ConfigError, match="DISCOVERY_PREFIX"):
        load({"DISCOVERY_PREFIX": prefix, "MQTT_NAMESPACE": namespace}, None)


def test_readings_are_kept_for_ever_unless_told_otherwise():
    assert load({}, None).retention_days is None
    assert load({"RETENTION_DAYS": ""}, None).retention_days is None
    assert load({"RETENTION_DAYS": "365"}, None).retention_days == 365


@pytest.mark.parametrize("days", ["0", "-1", "36501", "1.5", "a year", "nan"])
def test_a_number_of_days_that_makes_no_sense_is_refused(days: str):
    with pytest.raises(ConfigError, match="RETENTION_DAYS"):
        load({"RETENTION_DAYS": days}, None)


@pytest.mark.parametrize("url", ["gatehouse.example.org", "javascript:x", "http://", "//host", "/"])
def test_links_in_mails_begin_with_an_address_of_the_web(url: str):
    with pytest.raises(ConfigError, match="APP_URL"):
        load({"APP_URL": url}, None)


def test_an_address_that_is_not_set_follows_from_host_and_port():
    assert load({"APP_URL": "", "PORT": "8123"}, None).url == "http://127.0.0.1:8123"
    assert load({"APP_URL": "https://gate.example/"}, None).url == "https://gate.example"
