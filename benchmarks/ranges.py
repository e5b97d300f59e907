"""Measures how long a chart takes from the click on a range until it is drawn, in a browser.

    .venv/bin/python benchmarks/ranges.py [--years 5] [--count 7]

Starts an installation of its own with one sensor at 1 Hz, opens its page in a headless Chromium
and clicks through all ranges.  Two frames after the new points came count as drawn.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402
from sqlalchemy import create_engine  # noqa: E402

from benchmarks.charts import fill  # noqa: E402
from benchmarks.figures import Figure  # noqa: E402
from benchmarks.live import connected, figure  # noqa: E402
from clock import now_ms  # noqa: E402
from dashboard.ranges import WIDTHS_MS  # noqa: E402
from db.base import tune  # noqa: E402
from db.telemetry.store import TelemetryStore  # noqa: E402
from tests.browsers import CHROMIUM, PROGRAM  # noqa: E402
from tests.e2e.conftest import sign_up  # noqa: E402
from tests.e2e.devices import create_device  # noqa: E402
from tests.stack import stack, until  # noqa: E402

WATCH = """(width) => {
  const plot = document.querySelector(".js-plotly-plot");
  const before = plot.data[0].x;
  const frame = () => new Promise(requestAnimationFrame);
  window.drawnAfter = null;
  document.addEventListener("click", async (event) => {
    const drawn = () => {
      const [from, to] = plot.layout.xaxis.range.map(Number);
      return plot.data[0].x !== before && Math.abs(to - from - width) < width / 50;
    };
    while (!drawn()) await new Promise((resolve) => setTimeout(resolve, 2));
    await frame();
    await frame();
    window.drawnAfter = performance.now() - event.timeStamp;
  }, { capture: true, once: true });
}"""


def clicked(page: Page, name: str) -> float:
    """Click on a range; return the milliseconds until it was drawn."""
    page.evaluate(WATCH, WIDTHS_MS[name])
    page.locator(f"[data-range='{name}']").click()
    page.wait_for_function("() => window.drawnAfter !== null")
    return float(page.evaluate("window.drawnAfter"))


def figures(years: float = 5, count: int = 7) -> Iterator[Figure]:
    """Start an installation, fill it, and yield what was measured for each range."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(Path(folder)) as house,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=CHROMIUM)
        page = browser.new_page(base_url=house.url, locale="en-GB")
        sign_up(page, house, "bench@example.org")
        sensor = create_device(page, "Sensor", "sensor")
        client = connected(house, sensor)
        client.publish(f"gatehouse/{sensor['controller_id']}/telemetry", '{"temperature": 20}', 1)
        engine = create_engine(f"sqlite:///{house.instance / 'telemetry.sqlite'}")
        tune(engine)
        store = TelemetryStore(engine)
        with engine.connect() as plain:
            ask = "SELECT id FROM series"
            series_id = until(lambda: plain.exec_driver_sql(ask).scalar(), what="the first value")
        fill(store, int(series_id), int(years * 365 * 86_400), now_ms())
        store.close()
        engine.dispose()
        page.goto("/")
        page.get_by_role("region", name="Sensor").get_by_role("link").first.click()
        page.wait_for_selector(".js-plotly-plot .scatterlayer .trace path", state="attached")
        time.sleep(2)
        took: dict[str, list[float]] = {name: [] for name in WIDTHS_MS}
        for _ in range(count):
            for name in [*WIDTHS_MS, "1h"]:
                took[name].append(clicked(page, name))
                time.sleep(0.3)
        for name, values in took.items():
            yield figure(f"click on {name} until the chart is drawn", values, "ms", 200)
        browser.close()
        client.loop_stop()


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=5)
    parser.add_argument("--count", type=int, default=7)
    given = parser.parse_args()
    for one in figures(given.years, given.count):
        print(one.row(), flush=True)


if __name__ == "__main__":
    main()
