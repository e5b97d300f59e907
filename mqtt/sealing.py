"""Payloads sealed with AES-256-GCM, for devices that cannot have TLS; pure.

An envelope is `{"v": 1, "kid": K, "n": N, "iv": base64(12 bytes), "ct": base64}`.  It is bound
to its topic, its key and its counter, so it cannot be read, changed, moved or sent again.

Both sides make the keys from the device's command key (its UTF-8 bytes) by HKDF-SHA256 without
salt: 32 bytes with the info "gatehouse sealed v1 up" for what the device says, the same with
"down" for what it is told, and 4 bytes with "kid" whose hex digits name the key.

A file that is too large for an envelope travels under a temporary URL, as AES-256-CTR under a
key of that URL alone, so that any part of it can be asked for.  What is not changed on the way
says the SHA-256 that came in the envelope with the URL.
"""

import base64
import binascii
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
IV_SIZE = 12
BLOCK_SIZE = 16
MAX_COUNTER = 2**53 - 1  # what every JSON library holds exactly
UP, DOWN = "sealed", "commands/sealed"  # the topics below <ns>/<controller id>/
PURPOSE = "gatehouse sealed v1 "


class SealError(Exception):
    """An envelope that cannot be accepted.

    Codes: malformed, unknown_key (made with an older or foreign key), replayed (the counter is
    not above the last one), forged (the content, the topic or the counter was changed).
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"sealed message refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in an envelope."""

    topic: str  # below <ns>/<controller id>/, e.g. "telemetry"
    payload: bytes  # as if it had come on that topic in the clear
    n: int


class Seal:
    """Seals and opens what travels on one topic of one device."""

    def __init__(self, command_key: str, topic: str) -> None:
        """Make the key of a topic.

        Args:
            command_key: the device's command key, as it is shown.
            topic: the full topic, `<ns>/<c>/sealed`, `<ns>/<c>/commands/sealed` or
                `<ns>/<c>/config`.
        """
        direction = "up" if topic.endswith("/" + UP) and not topic.endswith("/" + DOWN) else "down"
        self._topic = topic
        self._cipher = AESGCM(_derived(command_key, direction, 32))
        self.kid = _derived(command_key, "kid", 4).hex()

    def seal(self, inner_topic: str, payload: Any, *, n: int) -> bytes:
        """Return an envelope.

        Args:
            inner_topic: what it would be published on in the clear, below the device's own.
            payload: JSON-ready; a string stands for a message that is just this text.
            n: above every counter used before with this key, at most 2**53 - 1.
        """
        if not 0 < n <= MAX_COUNTER:
            raise ValueError("the counter is out of range")
        inner = json.dumps(
            {"topic": inner_topic, "payload": payload}, separators=(",", ":"), ensure_ascii=False
        )
        iv = os.urandom(IV_SIZE)
        sealed = self._cipher.encrypt(iv, inner.encode(), self._bound_to(n))
        envelope = {"v": VERSION, "kid": self.kid, "n": n, "iv": _base64(iv), "ct": _base64(sealed)}
        return json.dumps(envelope, separators=(",", ":")).encode()

    def open_(self, message: bytes, *, above: int) -> Opened:
        """Return what is in an envelope.

        Args:
            message: the envelope as it came.
            above: the highest counter accepted so far (0: none); the caller keeps the new one
                together with what it does because of the message.

        Raises:
            SealError: it cannot be accepted; never anything else, whatever the bytes are.
        """
        kid, n, iv, sealed = _parts(message)
        if kid != self.kid:
            raise SealError("unknown_key")
        try:
            inner = self._cipher.decrypt(iv, sealed, self._bound_to(n))
        except InvalidTag:
            raise SealError("forged") from None
        if n <= above:
            raise SealError("replayed")
        return _inner(inner, n)

    def _bound_to(self, n: int) -> bytes:
        return f"{self._topic}|{self.kid}|{n}".encode()


def stream(command_key: str, token: str, *, start: int) -> CipherContext:
    """Return what turns the bytes of a file into those that travel, and back.

    Args:
        command_key: the device's command key, as it is shown.
        token: the last part of the URL under which they travel.
        start: the place in the file from which on.
    """
    key = _derived(command_key, f"file {token}", 32)
    block, within = divmod(start, BLOCK_SIZE)
    context = Cipher(AES(key), CTR(block.to_bytes(BLOCK_SIZE, "big"))).encryptor()
    context.update(bytes(within))
    return context


def _parts(message: bytes) -> tuple[str, int, bytes, bytes]:
    try:
        read = json.loads(message)
        if read["v"] != VERSION or type(read["n"]) is not int or not isinstance(read["kid"], str):
            raise SealError("malformed")
        iv = base64.b64decode(read["iv"], validate=True)
        sealed = base64.b64decode(read["ct"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise SealError("malformed") from None
    if len(iv) != IV_SIZE or not 0 < read["n"] <= MAX_COUNTER:
        raise SealError("malformed")
    return read["kid"], read["n"], iv, sealed


def _inner(plaintext: bytes, n: int) -> Opened:
    try:
        read = json.loads(plaintext)
        topic, payload = read["topic"], read["payload"]
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        return Opened(_checked(topic), text.encode(), n)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SealError("malformed") from None


def _checked(topic: object) -> str:
    if not isinstance(topic, str) or topic in {UP, DOWN}:
        raise ValueError("not a topic for sealed messages")
    return topic


def _derived(command_key: str, purpose: str, length: int) -> bytes:
    kdf = HKDF(hashes.SHA256(), length, salt=None, info=(PURPOSE + purpose).encode())
    return kdf.derive(command_key.encode())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
