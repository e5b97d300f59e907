"""The server's secrets, and the keys made from them, one for each purpose."""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from config import Settings

SIZE = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The two secrets; everything else follows from them (HKDF-SHA256, RFC 5869)."""

    secret_key: bytes = field(repr=False)
    jwt_secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that belong to this purpose and tell nothing of the others.

        HKDF of one block without salt (RFC 5869, 2.2 and 2.3), by hand: the library that has it
        would take 7 MB in a process that needs nothing else of it.
        """
        extracted = hmac.digest(bytes(SIZE), self.secret_key, "sha256")
        return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")

    def mac(self, purpose: str, message: str) -> str:
        """Return hex HMAC-SHA256 of a message under the key of a purpose."""
        return hmac.new(self.derive(purpose), message.encode(), hashlib.sha256).hexdigest()

    def word(self, purpose: str, seed: str) -> str:
        """Return a secret of 160 bits in letters and digits that only this server can make."""
        mac = hmac.new(self.derive(purpose), seed.encode(), hashlib.sha256).digest()
        return base64.b32encode(mac[:20]).decode().lower()


def load(settings: Settings) -> Keys:
    """Return the secrets from the settings, or those kept in the instance folder.

    At the first start they are made there, readable by this user only.

    Raises:
        OSError: the instance folder cannot be written.
        ValueError: a kept secret was cut short.
    """
    return Keys(
        settings.secret_key.get_secret_value().encode() or kept(settings, "secret_key"),
        settings.jwt_secret.get_secret_value().encode() or kept(settings, "jwt_secret"),
    )


def kept(settings: Settings, name: str) -> bytes:
    """Return a random secret kept in a file of the instance folder; make it if it is missing."""
    path: Path = settings.instance_dir / name
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_urlsafe(SIZE).encode())
    except FileExistsError:
        pass
    secret = path.read_bytes().strip()
    if len(secret) < SIZE:
        raise ValueError(f"{path} holds fewer than {SIZE} bytes; restore it from a backup")
    return secret


def sha256(token: str) -> str:
    """Return the hex SHA-256 under which a random token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()
