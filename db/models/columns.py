"""Column defaults that several models share."""

import secrets

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no characters that look alike


def short_id(length: int = 16) -> str:
    """Return a random name of `length` characters, 5 bits each, safe in URLs and topics."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
