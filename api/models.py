"""What the bodies, queries and answers of all resources are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from clock import to_ms

T = TypeVar("T")


class Body(BaseModel):
    """The JSON body of a request: no field too many, nothing taken for another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Query(BaseModel):
    """The parameters of a query."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Patch(Body):
    """The JSON body of a change: what is left out stays as it is, and something must be given."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_given", "nothing is to be changed")
        return self

    @property
    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Answer(BaseModel):
    """The JSON body of an answer."""

    model_config = ConfigDict(frozen=True)


class Page(Answer, Generic[T]):
    """One page of a list; `next` is the cursor of the page after it."""

    items: list[T]
    next: str | None = None


def _iso(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Time = Annotated[
    datetime,
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in an answer: 2026-01-31T12:00:00.000Z."""


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is outside the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment in a request, with its offset; it arrives as UTC."""


def told(code: str, text: str, **details: int) -> WrapValidator:
    """Return what tells of anything wrong by one code of ours, instead of pydantic's many."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError(code, text, details) from None

    return WrapValidator(check)


def up_to(most: int) -> WrapValidator:
    """Return what tells of a number that is none from 1 to `most`."""
    return told("bad_number", "a whole number from 1 to {most}", most=most)


Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A text of one line, without control characters."""

Name = Annotated[Line, Field(min_length=1, max_length=80)]
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Listed = BeforeValidator(_listed)  # a parameter that may be given more than once


class Paging(Query):
    """How much of a list, and from where."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[Line, Field(max_length=200)] = ""


class Part(Paging):
    """The same of a list that is mostly short: a program that never asks on gets all of it."""

    limit: Annotated[int, Field(ge=1, le=500)] = 500


End = Annotated[Moment, told("bad_time", "a time of the years 1 to 9999, with its offset")]


class Span(Query):
    """A range of time, half-open: [from, to)."""

    start: Annotated[End, Field(alias="from")]
    end: Annotated[End, Field(alias="to")]

    @field_validator("end")
    @classmethod
    def _forwards(cls, end: datetime, info: ValidationInfo) -> datetime:
        if "start" in info.data and not info.data["start"] < end:
            raise PydanticCustomError("bad_range", "`from` must be before `to`")
        return end

    @property
    def start_ms(self) -> int:
        """Milliseconds since 1970 UTC, included."""
        return to_ms(self.start)

    @property
    def end_ms(self) -> int:
        """Milliseconds since 1970 UTC, excluded."""
        return to_ms(self.end)
