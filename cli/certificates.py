"""Certificates for a private network: an authority of one's own, and what it vouches for."""

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397  # browsers refuse certificates that last longer than about this
EARLIER = timedelta(days=1)  # clocks of devices run late
P256 = ec.SECP256R1()  # what every microcontroller's library knows


def authority(
    folder: Path, *, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the authority kept in a folder (`ca.pem`, `ca.key`); make it if there is none.

    Raises:
        OSError: the folder cannot be read or written.
        ValueError: a file there is no certificate or no key.
    """
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and key.exists():
        kept = serialization.load_pem_private_key(key.read_bytes(), password=None)
        if not isinstance(kept, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key} is not a key that was made here")
        return x509.load_pem_x509_certificate(certificate.read_bytes()), kept
    fresh = ec.generate_private_key(P256)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Gatehouse {now:%Y-%m-%d}")])
    made = (
        _dated(x509.CertificateBuilder(), now, AUTHORITY_DAYS)
        .subject_name(name)
        .issuer_name(name)
        .public_key(fresh.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(fresh.public_key()), critical=False
        )
        .sign(fresh, hashes.SHA256())
    )
    _write_key(key, fresh)
    certificate.write_bytes(_pem(made))
    return made, fresh


def server(folder: Path, names: Sequence[str], *, now: datetime) -> None:
    """Write `server.pem` and `server.key` for these host names and addresses into a folder.

    Raises:
        OSError: the folder cannot be written.
        ValueError: a name cannot be in a certificate.
    """
    issuer, issuer_key = authority(folder, now=now)
    fresh = ec.generate_private_key(P256)
    made = (
        _dated(x509.CertificateBuilder(), now, SERVER_DAYS)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(issuer.subject)
        .public_key(fresh.public_key())
        .add_extension(x509.SubjectAlternativeName([_name(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(fresh.public_key()), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    _write_key(folder / "server.key", fresh)
    (folder / "server.pem").write_bytes(_pem(made))


def _dated(builder: x509.CertificateBuilder, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text.encode("idna").decode())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Replace a key file that only this user can read, at once or not at all."""
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    fresh.replace(path)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
