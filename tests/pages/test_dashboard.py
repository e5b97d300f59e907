"""The dashboard page: a card for each device a person may see."""

from db.models import Level
from tests.portal import parts, texts


def test_somebody_without_devices_is_shown_the_way(portal):
    page = portal.person("new@example.org").page("/")

    assert "No devices yet" in texts(page)
    assert parts(page, href="/devices/new")


def test_each_card_is_a_region_with_the_name_and_the_newest_values(portal, alice):
    device = portal.device(alice, "Greenhouse")
    portal.says(device, "temperature", 20.0, 21.5, unit="°C")
    portal.says(device, "mode", "heating")
    page = alice.page("/")

    [card] = parts(page, role="region", aria_label="Greenhouse")
    assert card["data-device"] == device.public_id
    [value] = parts(card["children"], data_sensor="temperature")
    assert value["children"] == "21.5"
    [mode] = parts(card["children"], data_sensor="mode")
    assert mode["children"] == "heating"
    assert "°C" in texts(card["children"])
    [state] = parts(card["children"], data_presence="")
    assert state["data-state"] == "never_seen"
    assert parts(card["children"], role="status", data_command_state="")


def test_a_card_of_a_measuring_device_has_a_sparkline_with_gaps(portal, alice):
    device = portal.device(alice, "Boiler", "gauge")
    portal.says(device, "pressure", 1.5, 1.6, 1.7)

    [card] = parts(alice.page("/"), role="region", aria_label="Boiler")
    [spark] = parts(card["children"], data_spark="")
    assert "NaN" not in spark["data-values"]
    assert "null" in spark["data-values"]


def test_only_a_lock_that_one_may_operate_has_a_button(portal, alice, bob):
    lock = portal.device(alice, "Front door", "lock")
    portal.share(lock, bob, Level.VIEWER)
    portal.device(alice, "Thermometer")

    owned = parts(alice.page("/"), data_command="unlock")
    assert [one["data-device"] for one in owned] == [lock.public_id]
    assert not parts(bob.page("/"), data_command="unlock")


def test_nobody_sees_the_devices_of_others(portal, alice):
    portal.device(alice, "Wine cellar")

    assert "Wine cellar" not in texts(portal.person("carol@example.org").page("/"))


def test_lights_say_in_words_what_they_show(portal, alice):
    device = portal.device(alice, "Hall", "led")
    store = portal.store
    series = store.add_series(device.id, "led.garage", "state")
    from clock import now_ms
    from db.telemetry.records import Batch

    store.write(Batch(values=[(series.id, now_ms(), 1.0)]))
    [card] = parts(alice.page("/"), role="region", aria_label="Hall")
    [light] = parts(card["children"], data_led="led.garage")
    [word] = parts(card["children"], data_sensor="led.garage")

    assert light["data-on"] == "true"
    assert word["children"] == "ON"


def test_a_device_with_many_sensors_keeps_each_value_on_its_card(portal, alice):
    device = portal.device(alice, "Switchboard")
    for number in range(12):
        portal.says(device, f"phase.{number}", float(number))

    [card] = parts(alice.page("/"), role="region", aria_label="Switchboard")
    for number in range(12):
        assert len(parts(card["children"], data_sensor=f"phase.{number}")) == 1


def test_the_cards_are_drawn_again_when_asked(portal, alice):
    portal.device(alice, "Brand new")
    answer = alice.call("dashboard-cards.children", dashboard_again_n_clicks=1)

    assert "Brand new" in answer.text
