"""What every benchmark gives: figures with a unit and an aim, as rows of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEAD = "| measured | figure | aim | |\n|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured.

    Attributes:
        name: what was measured.
        value: how much it is.
        unit: of what; written after the value.
        at_most: the aim, where less is better.
        at_least: the aim, where more is better.
        note: what else one should know, such as processor time or a second percentile.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether there is an aim and it was not reached."""
        too_much = self.at_most is not None and self.value > self.at_most
        return too_much or (self.at_least is not None and self.value < self.at_least)

    def row(self) -> str:
        """Return the figure as a row of a Markdown table."""
        figure = f"{in_words(self.value)} {self.unit}".strip()
        aim = ""
        if self.at_most is not None:
            aim = f"≤ {in_words(self.at_most)}"
        elif self.at_least is not None:
            aim = f"≥ {in_words(self.at_least)}"
        if self.missed:
            aim += ": **not reached**"
        return f"| {self.name} | {figure} | {aim} | {self.note} |"


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a Markdown table."""
    return "\n".join([HEAD, *(figure.row() for figure in figures)])


def in_words(value: float) -> str:
    """Return a number with as many digits as one can believe."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
