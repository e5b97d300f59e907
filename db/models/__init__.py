"""The tables of the application database; readings live in `db.telemetry`."""

from db.models.account import (
    ApiToken,
    CodeRequest,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    User,
    UserSession,
)
from db.models.audit import AuditEvent
from db.models.claim import Claim
from db.models.command import Command
from db.models.device import Device, DeviceToken, Kind, UsedUsername
from db.models.file import DeviceConfig, DeviceFile, RetainedConfig
from db.models.grant import Grant, Level
from db.models.handshake import Handshake
from db.models.idempotency import StoredAnswer
from db.models.mail import OutboxMessage
from db.models.mapping import ForeignAction, Mapping, Proposal
from db.models.sharing import AppToken, GuestLink, Invitation, Redemption, ShareToken

__all__ = [
    "ApiToken",
    "AppToken",
    "AuditEvent",
    "Claim",
    "CodeRequest",
    "Command",
    "Device",
    "DeviceConfig",
    "DeviceFile",
    "DeviceToken",
    "ForeignAction",
    "Grant",
    "GuestLink",
    "Handshake",
    "Invitation",
    "Kind",
    "Level",
    "Mapping",
    "OutboxMessage",
    "Passkey",
    "PasskeyChallenge",
    "Proposal",
    "RecoveryCode",
    "Redemption",
    "RetainedConfig",
    "ShareToken",
    "StoredAnswer",
    "UsedUsername",
    "User",
    "UserSession",
]
