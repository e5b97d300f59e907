"""Charts that follow the stream, in a real browser with the vendored Plotly."""

import contextlib
import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Error

from clock import now_ms
from tests.dashboard.browsing import Tab, Visit
from tests.dashboard.watching import COOKIE
from tests.stack import until

MINUTE = 60_000


@pytest.fixture
def tab(visit: Visit) -> Tab:
    """A chart with one reading a minute in the last fifty minutes: 0, 1, 2 ... 49."""
    made = visit()
    now = now_ms()
    rows = [(now - (50 - n) * MINUTE, float(n)) for n in range(50)]
    made.house.keep(made.device, "temperature", rows)
    made.open()
    until(lambda: made.trace() == [float(n) for n in range(50)])
    return made


def test_the_trace_moves_with_each_reading(tab: Tab):
    tab.reading(21.57)
    until(lambda: tab.trace()[-1] == 21.57)
    tab.reading(22.0)
    until(lambda: tab.trace()[-2:] == [21.57, 22.0])


def test_a_reading_alone_is_a_point_that_one_sees(visit: Visit):
    made = visit()
    made.house.keep(made.device, "temperature", [(now_ms() - MINUTE, 21.5)])
    made.open()

    until(lambda: made.trace() == [21.5])
    assert made.page.locator(".js-plotly-plot .scatterlayer .point").count() == 1


def test_a_burst_is_drawn_to_the_last_point(tab: Tab):
    now = now_ms()
    values = [100.0 + n for n in range(20)]
    tab.house.publish(
        *(
            (tab.device, "reading", {"s": "temperature", "t": now + n, "v": v, "k": "number"})
            for n, v in enumerate(values)
        )
    )

    until(lambda: tab.trace()[-20:] == values)


def test_charts_are_not_drawn_more_than_four_times_a_second(tab: Tab):
    tab.get("""
        (window.drawings = 0,
        document.querySelector(".js-plotly-plot").on("plotly_redraw", () => window.drawings++))
    """)
    began = now_ms()
    while now_ms() < began + 2000:
        tab.reading(float(now_ms() % 1000))

    assert 2 <= tab.get("window.drawings") <= 9


def test_a_window_too_full_for_points_shows_true_lowest_and_highest(visit: Visit):
    tab = visit()
    now = now_ms()
    rows = [(now - 3_500_000 + n * 1000, float(n % 7)) for n in range(3500)]
    tab.house.keep(tab.device, "temperature", [*rows, (now - 100_500, 99.0)])
    tab.open()

    until(lambda: len(tab.trace(trace=1)) > 100)
    low, high = tab.trace(trace=1), tab.trace(trace=2)
    assert len(low) == len(tab.trace()) <= 601
    assert (min(low), max(high)) == (0.0, 99.0)
    tab.reading(-5.0)
    until(lambda: tab.trace(trace=1)[-1] == -5.0)
    assert tab.trace(trace=2)[-1] == tab.trace()[-1] == -5.0


def test_a_long_silence_is_a_gap_and_not_a_line(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(tab.device, "temperature", [(now - 60_000 + n * 100, 1.0) for n in range(20)])
    tab.open()
    until(lambda: len(tab.trace()) == 20)
    tab.reading(2.0)

    until(lambda: tab.trace()[-3:] == [1.0, None, 2.0])


def test_a_state_holds_until_it_changes_and_until_now(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(tab.device, "led.garage", [(now - 600_000, 1.0), (now - 300_000, 0.0)])
    tab.open()
    until(lambda: tab.trace(1) == [1, 0, 0])
    tab.reading(1.0, "led.garage")

    until(lambda: tab.trace(1)[:3] == [1, 0, 1])
    assert set(tab.trace(1)[3:]) <= {1}


def test_a_state_that_has_not_changed_for_hours_is_shown(visit: Visit):
    tab = visit()
    tab.house.keep(tab.device, "led.garage", [(now_ms() - 7_200_000, 1.0)])
    tab.open()

    until(lambda: tab.trace(1) == [1, 1])


def test_a_range_is_chosen_with_a_click_and_is_in_the_address(tab: Tab):
    low, high = tab.axis()
    assert high - low == pytest.approx(60 * MINUTE, abs=1000)
    tab.page.get_by_role("link", name="5 min").click()
    assert tab.get("location.href").endswith("range=5m")
    until(lambda: tab.axis()[1] - tab.axis()[0] == pytest.approx(5 * MINUTE, abs=1000))
    until(lambda: 0 < len(tab.trace()) <= 6)
    assert tab.page.get_by_role("link", name="5 min").get_attribute("aria-current") == "true"
    tab.page.go_back()

    until(lambda: len(tab.trace()) == 50)
    assert tab.page.get_by_role("link", name="5 min").get_attribute("aria-current") is None


def test_the_range_of_the_address_is_shown_at_once(visit: Visit):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - 1000, 1.0)])
    tab.open("&range=5m")

    until(lambda: tab.axis()[1] - tab.axis()[0] == pytest.approx(5 * MINUTE, abs=1000))


def test_the_window_moves_on_though_nothing_comes(visit: Visit):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - 1000, 1.0)])
    tab.open("&range=5m")
    until(lambda: tab.trace() == [1.0])
    before = tab.axis()[1]

    until(lambda: tab.axis()[1] > before + 500)


def zoom(tab: Tab, start: float, end: float) -> None:
    """Drag over a part of the first chart, given as fractions of its width."""
    box = tab.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    tab.page.mouse.move(box["x"] + start * box["width"], middle)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + end * box["width"], middle, steps=5)
    tab.page.mouse.up()


def test_zooming_in_asks_the_store_for_detail(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(
        tab.device, "temperature", [(now - 3_500_000 + n * 1000, n % 7) for n in range(3500)]
    )
    tab.open()
    until(lambda: len(tab.trace(trace=1)) > 100)
    low, high = tab.axis()
    zoom(tab, 0.5, 0.6)

    until(lambda: tab.trace(trace=1) == [] and 300 < len(tab.trace()) < 420)
    shown = tab.axis()
    assert shown[0] == pytest.approx(low + 0.5 * (high - low), abs=60_000)
    assert shown[1] == pytest.approx(low + 0.6 * (high - low), abs=60_000)
    tab.reading(3.0)
    tab.shows("3.00")
    assert tab.axis() == shown
    tab.page.locator(".js-plotly-plot .nsewdrag").first.dblclick()
    until(lambda: len(tab.trace(trace=1)) > 100)
    assert tab.axis()[1] > high - 1


def test_an_answer_that_comes_late_is_dropped_and_the_drawing_stays(tab: Tab):
    held = []
    tab.page.route("**/data/chart*", lambda route: held.append(route))
    tab.page.get_by_role("link", name="5 min").click()
    tab.page.wait_for_timeout(100)
    assert len(tab.trace()) == 50
    tab.page.unroute("**/data/chart*")
    tab.page.get_by_role("link", name="1 h", exact=True).click()
    tab.page.wait_for_timeout(100)
    for route in held:
        with contextlib.suppress(Error):  # the page has given the question up
            route.fulfill(json={"raw": True, "t": [1], "mean": [-1.0]})

    tab.page.wait_for_timeout(300)
    assert len(tab.trace()) == 50


def test_a_chart_that_waits_for_what_was_chosen_says_so_until_it_is_there(tab: Tab):
    chart = tab.page.locator("[data-chart]").first
    tab.page.route("**/data/chart*", lambda route: route.abort())
    tab.page.get_by_role("link", name="5 min").click()
    until(lambda: chart.get_attribute("aria-busy") == "true")
    assert len(tab.trace()) == 50
    tab.page.unroute("**/data/chart*")

    until(lambda: chart.get_attribute("aria-busy") is None)  # it is tried again
    assert tab.axis()[1] - tab.axis()[0] == pytest.approx(5 * MINUTE, abs=1000)


def test_csv_holds_what_is_shown(tab: Tab):
    zoom(tab, 0.5, 0.6)
    tab.page.wait_for_timeout(300)
    shown = tab.axis()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Download CSV").click()

    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("time,")
    assert len(lines) - 1 == len([t for t in tab_times(tab) if shown[0] <= t < shown[1]])
    assert 3 <= len(lines) - 1 <= 8


def tab_times(tab: Tab) -> list[float]:
    """The times of the chart's points, in ms (the browser's zone is UTC)."""
    return tab.get("document.querySelector('.js-plotly-plot').data[0].x")


def hover(tab: Tab, point: int = 0) -> str:
    """What is said of a point of the first chart."""
    return tab.get(f"String(document.querySelector('.js-plotly-plot').data[0].text[{point}])")


def ticks(tab: Tab) -> list[tuple[int, str]]:
    values, texts = tab.get(
        "(({tickvals, ticktext}) => [tickvals, ticktext])"
        "(document.querySelector('.js-plotly-plot').layout.xaxis)"
    )
    return list(zip(values, texts, strict=True))


def test_times_are_true_and_their_texts_are_those_of_the_clock_on_the_wall(visit: Visit):
    tab = visit(timezone_id="Asia/Kolkata")
    now = now_ms()
    tab.house.keep(tab.device, "temperature", [(now, 1.0)])
    tab.open()
    until(lambda: tab.trace() == [1.0])

    assert tab_times(tab) == [now]
    there = datetime.fromtimestamp(now / 1000, ZoneInfo("Asia/Kolkata"))
    assert hover(tab).startswith("<b>1 °C</b>")
    assert there.strftime("%H:%M:%S") in hover(tab)
    for ms, text in ticks(tab):
        there = datetime.fromtimestamp(ms / 1000, ZoneInfo("Asia/Kolkata"))
        assert text in {there.strftime("%H:%M"), there.strftime("%b %-d")}  # of midnight
        assert there.minute % 10 == 0


@pytest.mark.parametrize("years", [1, 30, 150, 900, 8029])
def test_a_range_of_any_length_has_few_ticks(visit: Visit, years):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - MINUTE, 1.0)])
    end = min(years * 31_556_952_000, 253_402_300_799_999)
    tab.open(f"&from=0&to={end}")
    tab.until(f"document.querySelector('.js-plotly-plot').layout.xaxis.range[1] === {end}")

    shown = [ms for ms, _ in ticks(tab) if 0 <= ms <= end]
    assert 2 <= len(shown) <= 12
    assert len(ticks(tab)) <= 25


def test_what_is_left_of_forgotten_readings_is_a_line_as_long_as_it_stands_for(visit: Visit):
    tab = visit()
    begin = now_ms() // MINUTE * MINUTE - 40 * 60 * MINUTE
    rows = [(begin + n * MINUTE, float(n)) for n in range(200)]
    tab.house.keep(tab.device, "temperature", rows)
    tab.house.keep(tab.device, "led.garage", [(t, float(t % 2)) for t, _ in rows])
    for series in tab.house.series(tab.device):
        tab.house.store.drop_readings(series.id, before_ms=now_ms())
    start, end = begin + 60 * MINUTE, begin + 70 * MINUTE
    tab.open(f"&from={start}&to={end}")
    until(lambda: len(tab.trace()) > 2)

    assert set(tab.trace()) == {99.5}
    assert (set(tab.trace(trace=1)), set(tab.trace(trace=2))) == ({0}, {199})
    assert (tab_times(tab)[0], tab_times(tab)[-1]) == (start, end)
    clock = [datetime.fromtimestamp(t / 1000, UTC).strftime("%H:%M:00") for t, _ in rows]
    assert "lowest 0 °C, highest 199 °C" in hover(tab, 5)
    assert "200 readings" in hover(tab, 5)
    assert re.search(f"{clock[0]} – .*{clock[-1]}$", hover(tab, 5))
    assert set(tab.trace(1)) == {0}
    assert tab.page.locator("[data-empty]").count() == 0


def test_the_line_goes_on_from_what_was_summed_up_to_what_comes_live(visit: Visit):
    tab = visit()
    begin = now_ms() - 55 * MINUTE
    tab.house.keep(tab.device, "temperature", [(begin + n * 1000, n % 3) for n in range(1800)])
    for series in tab.house.series(tab.device):
        tab.house.store.drop_readings(series.id, before_ms=now_ms() - 29 * MINUTE)
    tab.open()
    until(lambda: len(tab.trace()) > 2)
    tab.reading(7.0)

    until(lambda: tab.trace()[-1] == 7.0)
    drawn = "document.querySelector('.js-plotly-plot').data.slice(0, 2)"
    times, means, lows = tab.get(f"(([a, b]) => [a.x, a.y, b.y])({drawn})")
    assert sorted(times) == times
    assert len(times) == len(means) == len(lows)
    assert times[0] == pytest.approx(begin, abs=5 * MINUTE)


def test_the_band_between_lowest_and_highest_ends_where_readings_do(visit: Visit):
    tab = visit()
    now = now_ms()
    times = [*range(now - 3_000_000, now - 2_000_000, 500), now - 1_500_000, now - 1_499_900]
    times += range(now - 1_000_000, now - 500_000, 500)
    rows = [(t, float(n % 5)) for n, t in enumerate(times)]
    tab.house.keep(tab.device, "temperature", [*rows, (now - 2_500_250, 50.0)])
    tab.open()
    until(lambda: len(tab.trace(trace=1)) > 100)

    x, y = tab.get("(({x, y}) => [x, y])(document.querySelector('.js-plotly-plot').data[4])")
    parts, part = [], []
    for at, value in zip(x, y, strict=True):
        if at is None:
            parts.append(part)
            part = []
        else:
            part.append((at, value))
    assert len(parts) == 3
    ends = [(min(at for at, _ in one), max(at for at, _ in one)) for one in parts]
    wide = [(now - 3_000_000, now - 2_000_000), (now - 1_500_000, now - 1_500_000)]
    wide.append((now - 1_000_000, now - 500_000))
    assert [end for one in ends for end in one] == pytest.approx(
        [end for one in wide for end in one], abs=20_000
    )
    assert all(last > first for first, last in ends)
    assert [(min(v for _, v in one), max(v for _, v in one)) for one in parts][::2] == [
        (0, 50),
        (0, 4),
    ]


def test_a_state_of_a_long_range_is_what_it_was_last_after_each_change(visit: Visit):
    tab = visit()
    now = now_ms()
    rows = []
    for hour in range(0, 4000):  # opened for a minute, every hour; open for a week in the middle
        begin = now - (4001 - hour) * 60 * MINUTE
        week = 2000 <= hour < 2168
        rows += [(begin, 1.0), (begin + MINUTE, float(week))]
    tab.house.keep(tab.device, "led.garage", rows)
    tab.open("&range=1y")
    until(lambda: len(tab.trace(1)) > 100)

    x = tab.get("document.querySelectorAll('.js-plotly-plot')[1].data[0].x")
    mean, low, high = (tab.trace(1, trace) for trace in (0, 1, 2))
    assert (min(low), max(high)) == (0, 1)
    sure = [(t, a, a_next) for t, a, b, a_next in zip(x, low, high, x[1:], strict=False) if a == b]
    closed = sum(end - t for t, state, end in sure if state == 0)
    opened = sum(end - t for t, state, end in sure if state == 1)
    both = sum(end - t for t, a, b, end in zip(x, low, high, x[1:], strict=False) if a != b)
    assert opened + both > 160 * 60 * MINUTE
    assert opened < 175 * 60 * MINUTE  # the week, and not what follows a minute
    assert closed > 0
    assert mean[-1] == 0


def test_a_state_that_was_opened_once_for_a_minute_is_not_open_for_months(visit: Visit):
    tab = visit()
    now = now_ms()
    day = 24 * 60 * MINUTE
    rows = [(now - 200 * day + n * MINUTE, float(n % 2)) for n in range(2001)]
    tab.house.keep(tab.device, "led.garage", [*rows, (now - 40 * day, 1.0)])
    tab.open("&range=1y")
    until(lambda: len(tab.trace(1)) > 3)

    x = tab.get("document.querySelectorAll('.js-plotly-plot')[1].data[0].x")
    low, high = tab.trace(1, 1), tab.trace(1, 2)
    assert 1 in high
    quiet = [n for n, t in enumerate(x) if now - 198 * day < t < now - 40 * day]
    held = max(n for n, t in enumerate(x) if t < now - 190 * day)
    assert (low[held], high[held]) == (0, 0)  # the last of them was off
    assert not quiet
    assert (low[-1], high[-1]) == (1, 1)


def test_what_slid_out_of_the_window_no_longer_counts(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(tab.device, "temperature", [(now - 285_000 + n, 500.0) for n in range(5)])
    tab.open("&range=5m")
    until(lambda: len(tab.trace()) == 5)
    empty = tab.page.locator("[data-sensor=temperature][data-empty]")
    until(lambda: empty.count() == 1, 60)
    tab.reading(1.0)
    until(lambda: tab.trace()[-1] == 1.0)
    assert empty.count() == 0
    until(lambda: tab.trace().count(500.0) == 1, 60)  # the line comes from there


@pytest.mark.parametrize(
    ("language", "values", "text"),
    [
        ("en", (50.0, 50.5), "50.2"),
        ("de", (50.0, 50.5), "50,2"),
        ("de", (1_234_567.0, 1_234_567.5), "1.234.567,2"),
        ("fr", (1_234_567.0, 1_234_567.5), "1\u202f234\u202f567,2"),
        ("es", (0.0, 5_000_000.0), "2.000.000"),
        ("sr", (50.0, 50.5), "50,2"),
        ("en", (0.0, 5e22), "2E+22"),
    ],
)
def test_numbers_beside_a_chart_are_those_of_the_language(visit: Visit, language, values, text):
    tab = visit()
    now = now_ms()
    rows = [(now - (2 - n) * MINUTE, value) for n, value in enumerate(values)]
    tab.house.keep(tab.device, "temperature", rows)
    tab.page.add_init_script(f"""
        new MutationObserver(() => (document.documentElement.lang = "{language}"))
          .observe(document, {{ childList: true }});
    """)
    tab.open()
    until(lambda: tab.trace() == list(values))

    plot = tab.page.locator(".js-plotly-plot").first
    assert text in plot.locator(".ytick text").all_text_contents()


def test_the_pointer_is_told_value_and_time(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(tab.device, "temperature", [(now - 1_800_000, 1.0), (now - 1000, 2.0)])
    tab.open()
    until(lambda: tab.trace() == [1.0, 2.0])
    box = tab.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    said = tab.page.locator(".js-plotly-plot .hovertext").first
    said.wait_for()
    there = datetime.fromtimestamp((now - 1_800_000) / 1000, UTC)
    assert said.text_content().startswith("1 °C")
    assert there.strftime("%H:%M:%S") in said.text_content()


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", ["01", "03", "04", "05"]), ("2026-10-25", ["01", "02", "03"])],
)
def test_a_day_on_which_the_clocks_change_is_drawn_in_true_length(visit: Visit, day, hours):
    tab = visit(timezone_id="Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=berlin)
    start_ms = int(start.timestamp() * 1000)
    rows = [(start_ms + n * 600_000, float(n)) for n in range(30)]
    tab.house.keep(tab.device, "temperature", rows)
    tab.open(f"&from={start_ms}&to={start_ms + 5 * 3_600_000}")
    until(lambda: len(tab.trace()) == 30)

    assert tab_times(tab) == [t for t, _ in rows]
    shown = {ms: text for ms, text in ticks(tab) if start_ms < ms < start_ms + 18_000_000}
    for ms, text in shown.items():
        assert text == datetime.fromtimestamp(ms / 1000, berlin).strftime("%H:%M")
    full = [text[:2] for text in shown.values() if text.endswith(":00")]
    assert full == hours
    written = [hover(tab, n).rpartition(" ")[2][:2] for n in range(0, 30, 6)]
    expected = [
        datetime.fromtimestamp((start_ms + n * 3_600_000) / 1000, berlin).strftime("%H")
        for n in range(5)
    ]
    assert written == expected


def test_times_of_ones_own_are_shown_and_stand_still(tab: Tab):
    tab.page.get_by_text("Custom").click()
    form = tab.page.locator("[data-own-range] form")
    begin = datetime.fromtimestamp(tab_times(tab)[10] // 1000, UTC)
    end = datetime.fromtimestamp(tab_times(tab)[20] // 1000, UTC)
    form.get_by_label("From").fill(end.strftime("%Y-%m-%dT%H:%M:%S"))
    form.get_by_label("To").fill(begin.strftime("%Y-%m-%dT%H:%M:%S"))
    form.get_by_role("button", name="Show").click()
    assert "The range must end after it begins." in form.inner_text()
    form.get_by_label("From").fill(begin.strftime("%Y-%m-%dT%H:%M:%S"))
    form.get_by_label("To").fill(end.strftime("%Y-%m-%dT%H:%M:%S"))
    form.get_by_role("button", name="Show").click()

    until(lambda: len(tab.trace()) == 10)
    assert f"from={begin:%Y-%m-%dT%H}%3A{begin:%M}%3A{begin:%S}.000Z" in tab.get("location.href")
    shown = tab.axis()
    tab.reading(5.0)
    tab.shows("5.00")
    assert (len(tab.trace()), tab.axis()) == (10, shown)
    tab.page.reload()
    tab.follows()
    until(lambda: len(tab.trace()) == 10)
    tab.page.go_back()
    until(lambda: len(tab.trace()) == 51)


def test_an_earlier_range_is_drawn_beside_the_shown_one(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(
        tab.device, "temperature", [(now - 5_400_000, 7.0), (now - 1_800_000, 1.0), (now, 2.0)]
    )
    tab.open()
    until(lambda: tab.trace() == [1.0, 2.0])
    assert tab.trace(trace=3) == []
    tab.page.get_by_label("Compare").select_option("before")

    until(lambda: tab.trace(trace=3) == [7.0])
    assert "compare=before" in tab.get("location.href")
    [t] = tab.get("document.querySelector('.js-plotly-plot').data[3].x")
    assert t == pytest.approx(now - 1_800_000, abs=1)
    tab.page.get_by_label("Compare").select_option("")
    until(lambda: tab.trace(trace=3) == [])


@pytest.mark.parametrize(
    ("bounds", "drawn"),
    [
        ({}, []),
        ({"high": 5.5}, [["line", 5.5, 5.5]]),
        ({"low": -1, "high": 5.5}, [["line", -1, -1], ["line", 5.5, 5.5], ["rect", -1, 5.5]]),
    ],
    ids=["none", "one end", "both ends"],
)
def test_the_range_that_values_are_expected_in_is_drawn(visit: Visit, bounds, drawn):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - 1000, 1.0)])
    tab.page.add_init_script(f"""addEventListener("DOMContentLoaded", () =>
        new MutationObserver(() => {{
            const chart = document.querySelector("[data-chart]");
            if (chart) Object.assign(chart.dataset, {json.dumps(bounds)});
        }}).observe(document.body, {{childList: true, subtree: true}}))""")
    tab.open()
    until(lambda: tab.trace() == [1.0])

    shapes = tab.get("document.querySelector('.js-plotly-plot').layout.shapes")
    assert [[one["type"], one["y0"], one["y1"]] for one in shapes] == drawn


def test_a_chart_is_moved_and_zoomed_with_keys(tab: Tab):
    low, _high = tab.axis()
    chart = tab.page.locator("[data-chart]").first
    chart.press("ArrowLeft")
    until(lambda: tab.axis()[0] == pytest.approx(low - 15 * MINUTE, abs=5000))
    chart.press("+")
    until(lambda: tab.axis()[1] - tab.axis()[0] == pytest.approx(30 * MINUTE, abs=1000))
    chart.press("-")
    until(lambda: tab.axis()[1] - tab.axis()[0] == pytest.approx(60 * MINUTE, abs=1000))
    chart.press("Escape")
    until(lambda: len(tab.trace()) == 50)
    assert "from=" not in tab.get("location.href")


@pytest.mark.parametrize("query", ["&from=x&to=y", "&from=5&to=3", "&range=9y", "&from=-1&to=99"])
def test_an_address_that_makes_no_sense_shows_the_usual_range(visit: Visit, query):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - 1000, 1.0)])
    tab.open(query)

    until(lambda: tab.axis()[1] - tab.axis()[0] == pytest.approx(60 * MINUTE, abs=1000))


def test_a_plot_that_is_replaced_by_an_empty_one_is_filled_again(tab: Tab):
    tab.get("""
        (() => { const plot = document.querySelector(".js-plotly-plot");
        window.Plotly.react(plot, plot.data.map((t) => ({...t, x: [], y: []})), plot.layout) })()
    """)

    until(lambda: len(tab.trace()) == 50)


def test_a_line_of_the_last_hour_is_drawn_and_grows(visit: Visit):
    tab = visit().open()
    tab.reading(1.0, t=now_ms() - 120_000)
    tab.reading(5.0, t=now_ms() - 61_000)
    tab.reading(3.0)

    path = tab.page.locator("[data-spark] [data-line]")
    until(lambda: (path.get_attribute("d") or "").count("L") == 2)


def test_the_chart_of_a_strangers_device_is_not_there(visit: Visit):
    one, other = visit(), visit()
    answer = requests.get(
        one.house.url + "/data/chart",
        params={"device": other.device, "sensor": "temperature", "from": 0, "to": 9},
        cookies={COOKIE: one.person.cookie},
        timeout=30,
    )
    assert answer.status_code == 404
