"""A real browser on the small page of tests.dashboard.served."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.dashboard.watching import COOKIE, Person, Watched
from tests.stack import until


class Tab:
    """One tab of a person's browser; its console must stay free of errors."""

    def __init__(self, page: Page, house: Watched, person: Person) -> None:
        self.page = page
        self.house = house
        self.person = person
        self.device = person.devices[0]
        self.errors: list[str] = []
        self.asked: list[str] = []  # paths of all requests
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda line: self.errors.append(line.text) if "Security Policy" in line.text else None,
        )
        page.on("request", lambda request: self.asked.append(request.url.removeprefix(house.url)))

    def open(self, query: str = "") -> "Tab":
        """Load the page and wait until it follows the stream."""
        self.page.goto(f"{self.house.url}/page?device={self.device}{query}")
        self.follows()
        return self

    def follows(self) -> None:
        self.until(
            "document.documentElement.dataset.live === 'open'"
            " && document.querySelectorAll('.js-plotly-plot').length === 2"
        )

    def get(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = 5.0) -> Any:
        return until(lambda: self.get(expression), seconds, expression)

    def text(self, sensor: str = "temperature") -> str:
        return self.page.locator(f"[data-sensor='{sensor}']").first.inner_text()

    def shows(self, text: str, sensor: str = "temperature", seconds: float = 3.0) -> None:
        until(lambda: self.text(sensor) == text, seconds, f"{sensor} {text}")

    def trace(self, chart: int = 0, trace: int = 0) -> list[float | None]:
        """What the chart of a number (0) or of a state (1) has drawn."""
        return self.get(f"document.querySelectorAll('.js-plotly-plot')[{chart}].data[{trace}].y")

    def axis(self) -> tuple[float, float]:
        """The ends of the time axis of the first chart, in ms."""
        low, high = self.get(
            "(({xaxis}) => xaxis.range.map((end) => xaxis.r2l(end)))"
            "(document.querySelector('.js-plotly-plot')._fullLayout)"
        )
        return low, high

    def charts_asked(self) -> list[str]:
        return [path for path in self.asked if path.startswith("/data/chart")]

    def reading(self, value: float, sensor: str = "temperature", **more: Any) -> None:
        self.house.reading(self.device, sensor, value, **more)

    @property
    def status(self) -> str:
        return self.page.locator("[data-command-state]").inner_text()


Visit = Callable[..., Tab]


def signed_in(context: BrowserContext, house: Watched, person: Person) -> None:
    context.add_cookies([{"name": COOKIE, "value": person.cookie, "url": house.url}])
