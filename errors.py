"""Everything that goes wrong on purpose.

`code` is stable: programs compare it, and pages translate `text` (English, gettext message id).

    AppError 400
    ├── NotFound 404         what does not exist, or what one may not see
    ├── Forbidden 403        what one may see but not do
    ├── Unauthenticated 401
    ├── Invalid 422          input that cannot be used; `details` names the field
    ├── Conflict 409
    ├── Gone 410
    ├── TooMany 429          `retry_after` in seconds
    └── Unavailable 503      a part of the system is away
"""


class AppError(Exception):
    """Base of all expected errors."""

    status = 400
    code = "bad_request"
    text = "That did not work."

    def __init__(self, code: str = "", text: str = "", /, **details: object) -> None:
        self.code = code or self.code
        self.text = text or self.text
        self.details = details
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The English text with its details filled in."""
        return self.text % self.details if self.details else self.text


class NotFound(AppError):
    """It does not exist, or the caller may not see it."""

    status, code, text = 404, "not_found", "There is nothing here."


class Forbidden(AppError):
    """The caller may see it but not do this."""

    status, code, text = 403, "forbidden", "You may not do that."


class Unauthenticated(AppError):
    """Nobody, or somebody with a wrong or ended credential."""

    status, code, text = 401, "unauthenticated", "Please log in."


class Invalid(AppError):
    """Input that cannot be used."""

    status, code, text = 422, "invalid", "This value cannot be used."


class Conflict(AppError):
    """It contradicts what is there."""

    status, code, text = 409, "conflict", "This is already taken."


class Gone(AppError):
    """It was there and has ended."""

    status, code, text = 410, "gone", "This has ended."


class TooMany(AppError):
    """Too many tries; `retry_after` says when to come back."""

    status, code = 429, "too_many_requests"
    text = "Too many tries. Please try again in %(minutes)s min."

    def __init__(self, code: str = "", text: str = "", /, *, retry_after: int, **details: object):
        self.retry_after = max(1, retry_after)
        minutes = -(-self.retry_after // 60)
        super().__init__(code, text, retry_after=self.retry_after, minutes=minutes, **details)


class Unavailable(AppError):
    """A part of the system is away; trying again later may work."""

    status, code, text = 503, "unavailable", "This part of the system is not reachable just now."
