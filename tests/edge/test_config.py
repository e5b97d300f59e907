from pathlib import Path

import pytest

from edge import config
from edge.login import ConfigError

GOOD = """
[login]
controller_id = "pi-1"
username = "d123"
password = "secret"
command_key = "key"
host = "192.168.1.10"

[client]
state_dir = "/var/lib/somewhere"
buffer_mb = 4
firmware = "1.2"

[[sensor]]
name = "temperature.water"
driver = "ds18b20"
every_s = 5

[[sensor]]
name = "button.door"
driver = "button"
pin = 17

[[output]]
name = "led.garage"
driver = "led"
pin = 27

[[output]]
name = "door"
driver = "pulse"
pin = 22
pulse_s = 0.5
"""


@pytest.fixture
def load(tmp_path):
    """Return how to load a text as a configuration file."""

    def load(text: str) -> config.Config:
        path = tmp_path / "edge.toml"
        path.write_text(text)
        return config.load(path)

    return load


def problems(load, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return str(caught.value)


def test_a_whole_configuration_is_read(load):
    read = load(GOOD)

    assert (read.login.host, read.login.port, read.login.namespace) == (
        "192.168.1.10",
        1883,
        "gatehouse",
    )
    assert (read.state_dir, read.buffer_mb, read.sealed) == (Path("/var/lib/somewhere"), 4, False)
    water, button = read.sensors
    assert (water.name, water.every_s, button.driver.pin, button.every_s) == (
        "temperature.water",
        5,
        17,
        10,
    )
    assert [(part.name, part.driver.pulse_s) for part in read.outputs] == [
        ("led.garage", 0),
        ("door", 0.5),
    ]


def test_tls_moves_the_port(load):
    assert load(GOOD.replace("[client]", "tls = true\n[client]")).login.port == 8883


def test_secrets_may_be_in_files_beside_it(load, tmp_path):
    (tmp_path / "password").write_text("from a file\n")

    read = load(GOOD.replace('password = "secret"', 'password_file = "password"'))

    assert read.login.password == "from a file"
    assert "from a file" not in repr(read)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[login]", "[logn]", "[login]: is missing"),
        ("[login]", "[logn]", "[logn]: unknown; there are client, files, login, output, sensor"),
        ('controller_id = "pi-1"', "", "[login] controller_id: is missing"),
        ('"pi-1"', '"pi/1"', "[login] controller_id: needs 1-64 of A-Z a-z 0-9 _ -"),
        ('username = "d123"', "username = 7", "[login] username: needs a text, not 7"),
        ('password = "secret"', 'password_file = "none"', "[login] password_file: cannot be read"),
        ('host = "192', 'hots = "192', "[login] hots: unknown"),
        ("[client]", "port = 0\n[client]", "[login] port: needs 1-65535"),
        ("[client]", 'port = "1883"\n[client]', "[login] port: needs a whole number, not '1883'"),
        ("[client]", 'namespace = "a/#"\n[client]', "[login] namespace: cannot be used"),
        ("buffer_mb = 4", "buffer_mb = 0", "[client] buffer_mb: needs 1-20"),
        ("buffer_mb = 4", "sealed = 1", "[client] sealed: needs true or false, not 1"),
        ("buffer_mb = 4", "colour = 1", "[client] colour: unknown"),
        ("pin = 17", "", "[[sensor]] button.door pin: is missing"),
        ("pin = 17", "pin = 1.5", "[[sensor]] button.door pin: needs a whole number, not 1.5"),
        ("pin = 17", "pin = 17\npni = 3", "[[sensor]] button.door pni: unknown"),
        ('driver = "ds18b20"', "", "temperature.water driver: needs one of button, ds18b20"),
        ('"ds18b20"', '"dht22"', "temperature.water driver: needs one of button, ds18b20"),
        ("every_s = 5", "every_s = 0", "temperature.water every_s: needs 0.2 or more"),
        ("every_s = 5", "every_s = nan", "temperature.water every_s: needs 0.2 or more"),
        ('name = "button.door"', "", "[[sensor]] 2: needs a name"),
        ('"button.door"', '"temperature.water"', "temperature.water: the name is used twice"),
        ('[[output]]\nname = "door"', "[output.x]\nname = 1", "edge.toml:"),
        (GOOD, "this is = = not TOML", "edge.toml:"),
    ],
)
def test_each_mistake_is_named(load, old, new, line):
    said = problems(load, GOOD.replace(old, new))

    assert line in said
    assert "edge.toml" in said


def test_all_mistakes_are_named_at_once(load):
    said = problems(load, GOOD.replace("pin = 17", "").replace("buffer_mb = 4", "buffer_mb = 99"))

    assert len(said.splitlines()) == 2


def test_sealing_needs_a_key(load):
    said = problems(
        load, GOOD.replace('command_key = "key"', "").replace("buffer_mb = 4", "sealed = true")
    )

    assert "sealed: needs [login] command_key" in said


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        config.load(tmp_path / "none.toml")


def test_the_example_of_the_repository_is_right():
    read = config.load(Path(__file__).resolve().parents[2] / "edge/example.toml")

    assert [part.name for part in read.sensors] == ["temperature.water", "temperature.room"]
    assert [part.name for part in read.outputs] == ["led.garage", "door"]
