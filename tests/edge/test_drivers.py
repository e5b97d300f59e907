"""Drivers, with the kernel's files made by hand; pins need a Raspberry Pi."""

import importlib.util

import pytest

from edge.drivers.gpio import Button, Led
from edge.drivers.simulated import SimulatedSensor
from edge.drivers.w1 import Ds18b20

GOOD = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t={}\n"


@pytest.fixture
def thermometer(tmp_path):
    """Return how to make the kernel show a thermometer."""

    def show(text: str, name: str = "28-0316a2790eff") -> Ds18b20:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "w1_slave").write_text(text)
        driver = Ds18b20(folder=str(tmp_path))
        driver.open()
        return driver

    return show


@pytest.mark.parametrize(("said", "degrees"), [("23125", 23.125), ("-1062", -1.062), ("0", 0.0)])
def test_a_thermometer_is_read_in_degrees(thermometer, said, degrees):
    assert thermometer(GOOD.format(said)).read() == degrees


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.format("23125").replace("YES", "NO"), "check sum"),
        (GOOD.format("85000"), "lost power"),
        ("", "check sum"),
    ],
)
def test_a_thermometer_that_tells_nonsense_is_not_believed(thermometer, text, why):
    with pytest.raises(OSError, match=why):
        thermometer(text).read()


def test_one_of_several_thermometers_is_chosen_by_its_id(thermometer, tmp_path):
    thermometer(GOOD.format("1000"), "28-000000000001")
    thermometer(GOOD.format("2000"), "28-000000000002")
    driver = Ds18b20(id="28-000000000002", folder=str(tmp_path))
    driver.open()

    assert driver.read() == 2.0


def test_a_missing_thermometer_says_what_to_do(tmp_path):
    with pytest.raises(OSError, match="dtoverlay=w1-gpio"):
        Ds18b20(folder=str(tmp_path)).open()


def test_a_thermometer_pulled_out_while_running_is_an_error_not_an_end(thermometer, tmp_path):
    driver = thermometer(GOOD.format("1000"))
    (tmp_path / "28-0316a2790eff/w1_slave").unlink()

    with pytest.raises(OSError):
        driver.read()


def test_a_simulated_sensor_stays_near_its_mean():
    sensor = SimulatedSensor(mean=5, swing=1)
    sensor.open()

    assert 4 <= sensor.read() <= 6


@pytest.mark.parametrize("driver", [Button(pin=17), Led(pin=27)])
def test_pins_without_gpiozero_say_what_to_install(driver):
    assert importlib.util.find_spec("gpiozero") is None

    with pytest.raises(OSError, match="gpiozero is missing: pip install"):
        driver.open()
    driver.close()
