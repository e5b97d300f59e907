from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth.keys import Keys


def test_keys_are_derived_as_the_standard_says():
    keys = Keys(secret_key=b"a secret of some length, as is usual", jwt_secret=b"")
    library = HKDF(hashes.SHA256(), 32, salt=None, info=b"session")

    assert keys.derive("session") == library.derive(keys.secret_key)
    assert keys.derive("session") != keys.derive("password")
