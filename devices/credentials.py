"""What devices show the broker and what signs commands to them; pure.

No secret of a device is kept: each follows from a random seed in the database and the server's
own secret, so neither of the two alone lets anybody in.
"""

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

from devices.ports import BrokerIdentity

if TYPE_CHECKING:
    from auth.keys import Keys
    from db.models import Device
    from devices.directory import KnownDevice

# Passwords with 160 random bits cannot be guessed, however fast one may try; and Mosquitto checks
# those of all connected devices whenever it reads its files.
ITERATIONS = 1
HUMAN_ITERATIONS = 101  # of passwords that people chose; Mosquitto's own number
MOST_ITERATIONS = 100_000
SALT = 12  # bytes


def new_seed() -> str:
    """Return a random seed of 128 bits in hex digits."""
    return secrets.token_hex(16)


def mqtt_password(keys: "Keys", seed: str) -> str:
    """Return the broker password that belongs to a seed: 32 letters and digits."""
    return keys.word("mqtt-password", seed)


def command_key(keys: "Keys", device: "Device | KnownDevice") -> str:
    """Return the text whose UTF-8 bytes are the key of the signature on a device's commands."""
    return keys.word("command-key", device.command_seed)


def mosquitto_hash(
    password: str, salt: bytes | None = None, *, iterations: int = ITERATIONS
) -> str:
    """Return a password as Mosquitto keeps it: `$7$iterations$salt$hash`, PBKDF2-SHA512."""
    salt = secrets.token_bytes(SALT) if salt is None else salt
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${_base64(salt)}${_base64(made)}"


def matches(password: str, hashed: str) -> bool:
    """Return whether a password belongs to a hash of `mosquitto_hash`."""
    try:
        _, kind, digits, salt, _ = hashed.split("$")
        if kind != "7" or not 1 <= (iterations := int(digits)) <= MOST_ITERATIONS:
            return False
        again = mosquitto_hash(password, base64.b64decode(salt), iterations=iterations)
    except ValueError:
        return False
    return secrets.compare_digest(again.encode(), hashed.encode())


def identity(device: "Device") -> BrokerIdentity:
    """Return what a broker must know of a device."""
    return BrokerIdentity(
        username=device.mqtt_username,
        password_hash=device.mqtt_hash,
        controller_id=device.controller_id,
        seed=device.mqtt_seed,
        reads=(device.handshake.topic,) if device.handshake else (),
        trees=tuple(device.topic_trees or ()),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
