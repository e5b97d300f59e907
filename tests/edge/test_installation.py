"""What is said about installing a device is true."""

import re
from pathlib import Path

from edge.__main__ import CONFIG
from edge.config import Config
from edge.drivers import OUTPUTS, SENSORS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "edge/README.md").read_text()
UNIT = (ROOT / "deploy/gatehouse-edge.service").read_text()


def pins(name: str) -> set[str]:
    return set(re.findall(r"^\S+==\S+$", (ROOT / name).read_text(), re.M))


def test_a_device_has_the_versions_that_the_server_is_tested_with():
    assert len(pins("requirements-edge.txt")) == 4
    assert pins("requirements-edge.txt") <= pins("requirements.txt")


def test_every_file_that_is_packed_is_there():
    packed = re.search(r"HEAD (.*?)\nscp", README, re.S)[1].replace("\\", "").split()

    assert {"edge", "mqtt/topics.py", "mqtt/sealing.py"} < {*packed}
    assert all((ROOT / name).exists() for name in packed)


def test_the_unit_runs_the_program_with_its_files():
    assert f"-m edge run {CONFIG}" in UNIT
    state = re.search("StateDirectory=(.*)", UNIT)[1]
    assert str(Config.__dataclass_fields__["state_dir"].default) == f"/var/lib/{state}"
    assert "RestartPreventExitStatus=2" in UNIT


def test_the_readme_names_every_driver():
    for kind, drivers in (("sensor", SENSORS), ("output", OUTPUTS)):
        named = set(re.findall(rf"^\| {kind} `(\w+)`", README, re.M))
        assert named == {*drivers}
