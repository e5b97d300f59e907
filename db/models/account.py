"""People: accounts, their sessions, codes, second factors and API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, Key
from db.models.columns import short_id


class User(Base):
    """A person with an account."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(Key, primary_key=True)  # never leaves the database
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)  # normalised, for comparing
    email_typed: Mapped[str] = mapped_column(String(320))  # as typed
    password_hash: Mapped[str] = mapped_column(String(80), default="")  # empty: none set yet
    role: Mapped[str] = mapped_column(String(16), default="user")  # user, admin
    language: Mapped[str] = mapped_column(String(8), default="")  # empty: the browser's
    timezone: Mapped[str] = mapped_column(String(64), default="")  # empty: the browser's
    theme: Mapped[str] = mapped_column(String(8), default="")  # light, dark, empty: the system's
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(default=0)  # a higher one ends sessions, tokens and links

    code_channel: Mapped[str] = mapped_column(String(16), default="mail")  # mail, telegram, sms
    telegram_chat: Mapped[str | None] = mapped_column(String(64))  # verified
    phone: Mapped[str | None] = mapped_column(String(32))  # verified, E.164
    totp_secret: Mapped[str | None] = mapped_column(String(255))  # encrypted
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int] = mapped_column(Key, default=0)  # a code works once
    layout: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # of the dashboard

    sessions: Mapped[list[UserSession]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )

    @property
    def is_admin(self) -> bool:
        """Whether this person looks after the whole installation."""
        return self.role == "admin"

    @property
    def is_active(self) -> bool:
        """Whether this person may use the account now."""
        return self.confirmed_at is not None and self.disabled_at is None

    @property
    def is_authenticated(self) -> bool:
        """True: Flask-Login puts somebody else in place of strangers."""
        return True

    def __repr__(self) -> str:
        return f"<User {self.public_id}>"


class UserSession(Base):
    """One signed-in browser."""

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # hex SHA-256 of the cookie
    previous_hash: Mapped[str | None] = mapped_column(String(64), index=True)  # before rotation
    rotated_at: Mapped[datetime | None]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    epoch: Mapped[int]  # of the user when it began
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # last thing the person did; live streams do not count
    ends_at: Mapped[datetime]  # absolute limit
    remember: Mapped[bool] = mapped_column(default=False)
    authenticated_at: Mapped[datetime]  # last proof of password or second factor
    user_agent: Mapped[str] = mapped_column(String(255), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="sessions")


class CodeRequest(Base):
    """A 6-digit code that waits for its person, and what it will carry out."""

    __tablename__ = "code_request"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(String(24))  # password, recover, email, phone, ...
    code_hmac: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(16), default="mail")
    attempts: Mapped[int] = mapped_column(default=0)  # counted before comparing
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime]  # of the newest sending
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of the codes that stand in for a lost second factor; works once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A WebAuthn credential."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=short_id)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(Key, default=0)
    label: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """What a browser has to sign; whoever uses it deletes it."""

    __tablename__ = "passkey_challenge"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(24), unique=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )  # None: for a login, when nobody is known yet
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """One generation of a refresh token; a family dies when an old generation is used again."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    family: Mapped[str] = mapped_column(String(24), index=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    epoch: Mapped[int]
    label: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # absolute, inherited by the whole family
    used_at: Mapped[datetime | None]  # when it was exchanged for the next one
    revoked_at: Mapped[datetime | None]
