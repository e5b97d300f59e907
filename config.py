"""Every setting, read once from the environment and `.env`.

`docs/configuration.md` describes each one.  A name may end in `_FILE` and then names a file
that holds the value.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
NAMESPACE = r"^[A-Za-z0-9_-]{1,32}(/[A-Za-z0-9_-]{1,32}){0,3}$"
CONTACT = r"(mailto:|tel:|https://)[!-~]+"


class ConfigError(Exception):
    """One or more settings are wrong; the text has one line a problem."""


class Settings(BaseSettings):
    """The settings by name; the environment variable is the name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # web
    host: str = "127.0.0.1"
    port: Port = 8050
    app_url: str = ""  # what links in mails and QR codes begin with; empty: http://HOST:PORT
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0  # reverse proxies in front
    instance_dir: Path = Path("instance")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    web_threads: Annotated[int, Field(ge=8, le=2048)] = 128
    tls_cert: Path | None = None
    tls_key: Path | None = None

    # store; empty: SQLite files in INSTANCE_DIR
    database_url: str = ""
    telemetry_database_url: str = ""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None  # None: for ever

    # broker
    mqtt_host: str = ""  # empty: start and manage a Mosquitto
    mqtt_port: Port = 1883
    mqtt_bind: str = "127.0.0.1"
    mqtt_username: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_tls: bool = False
    mqtt_ca: Path | None = None  # whom to trust; with a managed broker: whom devices trust
    mqtt_tls_cert: Path | None = None  # with which the managed broker speaks TLS
    mqtt_tls_key: Path | None = None
    mqtt_namespace: Annotated[str, Field(pattern=NAMESPACE)] = "gatehouse"
    discovery_prefix: Annotated[str, Field(pattern=NAMESPACE)] = "homeassistant"
    mqtt_admin: Literal["files", "dynsec", "http"] = "files"
    mqtt_max_payload: Annotated[int, Field(ge=256, le=16_777_216)] = 65536
    max_sensors_per_device: Annotated[int, Field(ge=1, le=100_000)] = 256
    device_max_rate: Annotated[float, Field(gt=0)] = 100.0
    broker_auth_token: SecretStr = SecretStr("")  # what an HTTP-authenticating broker must send
    claim_secret: SecretStr = SecretStr("")  # what a factory-fresh device registers with

    # secrets; empty: made at first start and kept in INSTANCE_DIR
    secret_key: SecretStr = SecretStr("")
    jwt_secret: SecretStr = SecretStr("")
    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 12
    limits_storage_url: str = "memory://"

    # mail, as Flask-Mail reads it
    mail_server: str = ""
    mail_port: Port = 25
    mail_use_tls: bool = False
    mail_use_ssl: bool = False
    mail_username: str = ""
    mail_password: SecretStr = SecretStr("")
    mail_default_sender: str = "Gatehouse <gatehouse@localhost>"
    mail_max_emails: int | None = None
    mail_suppress_send: bool = False
    mail_ascii_attachments: bool = False
    mail_debug: bool = False
    mail_senders: Path | None = None

    # other channels
    telegram_bot_token: SecretStr = SecretStr("")
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from: str = ""

    live_bus: Literal["memory", "mqtt"] = "memory"
    legacy_device_get: bool = False
    sentry_dsn: SecretStr = SecretStr("")
    metrics_token: SecretStr = SecretStr("")
    security_contact: str = ""  # of security.txt; empty: there is none

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *args: Any, **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from what `load` passes."""
        return (sources["init_settings"],)

    @field_validator("secret_key", "jwt_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value().encode()) < 32:
            raise ValueError("needs at least 32 random bytes; leave it empty to have one made")
        return value

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("TLS_CERT and TLS_KEY go together")
        if bool(self.mqtt_tls_cert) != bool(self.mqtt_tls_key):
            raise ValueError("MQTT_TLS_CERT and MQTT_TLS_KEY go together")
        if self.mqtt_ca and not self.mqtt_ca.is_file():
            raise ValueError(f"MQTT_CA: there is no file {self.mqtt_ca}")
        if self.mqtt_tls_cert and self.mqtt_host:
            raise ValueError(
                "MQTT_TLS_CERT is for the managed broker; for MQTT_HOST set MQTT_TLS=1"
            )
        found, ours = f"{self.discovery_prefix}/", f"{self.mqtt_namespace}/"
        if found.startswith(ours) or ours.startswith(found):
            raise ValueError("DISCOVERY_PREFIX and MQTT_NAMESPACE must lie outside each other")
        if self.mqtt_admin != "files" and not self.mqtt_host:
            raise ValueError("MQTT_ADMIN other than files needs MQTT_HOST")
        if self.app_url and not re.match(r"https?://[^/]", self.app_url):
            raise ValueError("APP_URL must begin with http:// or https:// and a host")
        if self.security_contact and not re.fullmatch(CONTACT, self.security_contact):
            raise ValueError("SECURITY_CONTACT must be mailto:, tel: or https:// and an address")
        return self

    @property
    def url(self) -> str:
        """What links in mails and QR codes begin with, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        return (self.app_url or f"{scheme}://{self.host}:{self.port}").rstrip("/")

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach this server over TLS."""
        return self.url.startswith("https://")

    @property
    def manages_broker(self) -> bool:
        """Whether this server starts its own Mosquitto."""
        return not self.mqtt_host

    @property
    def devices_speak_tls(self) -> bool:
        """Whether devices reach the broker over TLS."""
        return bool(self.mqtt_tls_cert) if self.manages_broker else self.mqtt_tls

    @property
    def devices_trust(self) -> str:
        """The authority that vouches for the broker, as PEM; empty: a public one, or no TLS."""
        return self.mqtt_ca.read_text() if self.devices_speak_tls and self.mqtt_ca else ""

    @property
    def app_database(self) -> str:
        """The SQLAlchemy URL of accounts, devices and rights."""
        return self.database_url or f"sqlite:///{self.instance_dir.absolute() / 'app.sqlite'}"

    @property
    def telemetry_database(self) -> str:
        """The SQLAlchemy URL of readings."""
        if self.telemetry_database_url or self.database_url:
            return self.telemetry_database_url or self.database_url
        return f"sqlite:///{self.instance_dir.absolute() / 'telemetry.sqlite'}"


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read every setting; the environment wins over `.env`.

    Raises:
        ConfigError: a value is wrong, a file named by a `_FILE` setting is unreadable, or a
            name begins with GATEHOUSE_ and means nothing.  All problems in one message.
    """
    given = _dotenv(dotenv) | dict(os.environ if environ is None else environ)
    names = {name.upper(): name for name in Settings.model_fields}
    values: dict[str, Any] = {}
    problems = [
        f"{name}: no such setting; names have no prefix (see docs/configuration.md)"
        for name in sorted(given)
        if name.startswith("GATEHOUSE_")
    ]
    for upper, name in names.items():
        try:
            raw = _value(given, upper)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{upper}_FILE: cannot be read ({type(error).__name__})")
            continue
        if raw is not None and raw != "":
            values[name] = raw
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [_line(item) for item in error.errors()]
    if problems:
        raise ConfigError("\n".join(problems))
    return settings


def _value(given: Mapping[str, str], name: str) -> str | None:
    if path := given.get(name + "_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return given.get(name)


def _dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({type(error).__name__})") from error
    broken = [line.original for line in lines if line.error or (line.key and line.value is None)]
    if broken:
        raise ConfigError(
            "\n".join(f"{path}: line {line.line}: this is not NAME=value" for line in broken)
        )
    return {line.key: line.value for line in lines if line.key and line.value is not None}


def _line(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"]).upper()
    text = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
