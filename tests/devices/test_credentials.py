import subprocess

from auth.keys import Keys
from db.models import Device
from devices import credentials

KEYS = Keys(b"s" * 32, b"j" * 32)
OTHERS = Keys(b"t" * 32, b"j" * 32)


def test_a_password_follows_from_seed_and_server_and_from_nothing_else():
    seed = credentials.new_seed()
    password = credentials.mqtt_password(KEYS, seed)
    assert password == credentials.mqtt_password(KEYS, seed)
    assert password != credentials.mqtt_password(OTHERS, seed)
    assert password != credentials.mqtt_password(KEYS, credentials.new_seed())
    assert len(password) == 32
    assert password.isalnum()


def test_command_key_and_password_of_one_seed_differ():
    device = Device(mqtt_seed="a" * 32, command_seed="a" * 32)
    assert credentials.command_key(KEYS, device) != credentials.mqtt_password(KEYS, "a" * 32)


def test_hashes_are_salted():
    assert credentials.mosquitto_hash("x") != credentials.mosquitto_hash("x")


def test_a_hash_fits_its_password_only():
    hashed = credentials.mosquitto_hash("right")
    assert credentials.matches("right", hashed)
    assert not credentials.matches("wrong", hashed)
    for iterations in ("0", "102", "x", "9999999"):
        assert not credentials.matches("right", f"$7${iterations}$AAAA$AAAA")
    for broken in ("", "$7$101$x", "$6$101$a$b", "$7$101$\u00e9$b", "plain"):
        assert not credentials.matches("right", broken)


def test_a_hash_made_by_mosquitto_is_understood(tmp_path):
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(file), "d", "secret"], check=True)
    hashed = file.read_text().strip().partition(":")[2]
    assert credentials.matches("secret", hashed)
    assert not credentials.matches("Secret", hashed)
