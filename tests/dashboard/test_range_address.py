"""What the address of a page says of time: what makes no sense, zones, zoom, and the file."""

import csv
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from clock import now_ms
from tests.dashboard.browsing import Tab, Visit
from tests.dashboard.test_charts import MINUTE, zoom
from tests.stack import until

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


@pytest.fixture
def tab(visit: Visit) -> Tab:
    """A page on which every message of the console is an error, not opened yet."""
    made = visit(timezone_id="Asia/Kolkata")
    made.page.on("console", lambda line: made.errors.append(line.text))
    now = now_ms()
    rows = [(now - n * MINUTE, float(n)) for n in range(300)]
    made.house.keep(made.device, "temperature", rows)
    made.house.keep(made.device, "led.garage", [(now - MINUTE, 1.0)])
    return made


def width(tab: Tab) -> float:
    low, high = tab.axis()
    return high - low


def problem(tab: Tab) -> str:
    note = tab.page.locator("[data-range-problems]")
    return note.inner_text() if note.is_visible() else ""


def marked(tab: Tab) -> list[str]:
    return tab.page.locator("[data-range][aria-current]").all_inner_texts()


INSTEAD = "Shown instead: 1 h."
LATER = "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("range=bogus", f"There is no range called “bogus”. {INSTEAD}"),
        ("range=", f"There is no range called “”. {INSTEAD}"),
        ("range=toString", f"There is no range called “toString”. {INSTEAD}"),
        (f"range={'x' * 90}", f"There is no range called “{'x' * 40}”. {INSTEAD}"),
        ("range=%3Cb%3E", f"There is no range called “<b>”. {INSTEAD}"),
        ("from=x&to=2026-01-01", f"x is not a time. {INSTEAD}"),
        ("from=2026-02-30&to=2026-03-05", f"2026-02-30 is not a time. {INSTEAD}"),
        ("from=2026-02-01T24:00&to=2026-03-05", f"2026-02-01T24:00 is not a time. {INSTEAD}"),
        ("from=NaN&to=5", f"NaN is not a time. {INSTEAD}"),
        ("from=2026-01-01", f"A range has both from and to. {INSTEAD}"),
        ("from=&to=", f"A range has both from and to. {INSTEAD}"),
        ("from=5&to=3", f"The range must end after it begins. {INSTEAD}"),
        ("from=5&to=5", f"The range must end after it begins. {INSTEAD}"),
        (f"from={LATER}&to=3999-01-01", f"This range lies in the future. {INSTEAD}"),
        ("from=0001-01-01&to=9999-12-31", "Times lie between the years 1970 and 9999. " + INSTEAD),
        ("from=0&to=999999999999999", "Times lie between the years 1970 and 9999. " + INSTEAD),
        (
            "zone=Mars%2FBase",
            "The time zone “Mars/Base” cannot be chosen here. Times are shown in yours.",
        ),
        ("zone=device", "This device has no time zone of its own. Times are shown in yours."),
        ("compare=moon", "“moon” cannot be compared with."),
    ],
)
def test_what_makes_no_sense_is_said_and_what_is_shown_instead(tab: Tab, query, said):
    tab.open(f"&{query}")

    until(lambda: width(tab) == pytest.approx(60 * MINUTE, abs=1000))
    assert problem(tab) == said
    assert marked(tab) == ["1 h"]
    assert query in tab.get("location.href")


def test_a_range_that_is_told_beside_nonsense_is_shown(tab: Tab):
    tab.open("&range=5m&from=x&to=y")

    until(lambda: width(tab) == pytest.approx(5 * MINUTE, abs=1000))
    assert problem(tab) == "x is not a time. Shown instead: 5 min."
    assert marked(tab) == ["5 min"]


def test_what_was_said_goes_with_a_choice_and_comes_back_with_it(tab: Tab):
    tab.open("&range=bogus")
    expect(tab.page.locator("[data-range-problems]")).to_be_visible()
    tab.page.get_by_role("link", name="5 min").click()
    expect(tab.page.locator("[data-range-problems]")).to_be_hidden()
    tab.page.go_back()
    expect(tab.page.locator("[data-range-problems]")).to_be_visible()
    assert marked(tab) == ["1 h"]
    tab.page.go_forward()
    expect(tab.page.locator("[data-range-problems]")).to_be_hidden()
    until(lambda: width(tab) == pytest.approx(5 * MINUTE, abs=1000))
    assert marked(tab) == ["5 min"]


def test_the_form_says_of_its_times_what_makes_no_sense(tab: Tab):
    tab.open()
    tab.page.get_by_text("Custom").click()
    form = tab.page.locator("[data-own-range] form")
    form.get_by_label("From").fill("2999-01-01T00:00:00")
    form.get_by_label("To").fill("2999-01-02T00:00:00")
    form.get_by_role("button", name="Show").click()

    assert "This range lies in the future." in form.inner_text()
    assert "from=" not in tab.get("location.href")


def lines_of(tab: Tab) -> list[int]:
    """The times of temperatures in the file of what is shown, in ms."""
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="Download CSV").click()
    rows = list(csv.reader(download.value.path().read_text().splitlines()))[1:]
    times = [row[0] for row in rows if row[2] == "temperature"]
    return [int(datetime.fromisoformat(time).timestamp() * 1000) for time in times]


@pytest.mark.parametrize(
    ("start", "end", "there", "zone"),
    [
        ("2026-03-01T10:00", "2026-03-01T11:30:30", "", KOLKATA),
        ("2026-03-01 10:00", "2026-03-01 11:30", "Europe/Berlin", BERLIN),
        ("2026-03-01", "2026-03-02", "Europe/Berlin", BERLIN),
        ("2026-03-29T01:30", "2026-03-29T02:30", "Europe/Berlin", BERLIN),  # never: left out
        ("2026-10-25T02:30", "2026-10-25T03:00", "Europe/Berlin", BERLIN),  # twice: the first
    ],
)
def test_times_without_offset_are_those_of_the_shown_zone_in_chart_and_file(
    visit: Visit, start, end, there, zone
):
    tab = visit(timezone_id="Asia/Kolkata")
    begin, stop = (
        int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)
        for text in (start, end)
    )
    around = range(begin - 3_600_000, stop + 3_600_000, 10 * MINUTE)
    tab.house.keep(tab.device, "temperature", [(t, 1.0) for t in around])
    tab.open(f"&from={start}&to={end}" + (f"&there={there}&zone=device" if there else ""))
    until(lambda: tab.axis() == (begin, stop))

    inside = [t for t in around if begin <= t < stop]
    until(lambda: tab.get("document.querySelector('.js-plotly-plot').data[0].x") == inside)
    link = tab.page.get_by_role("link", name="Download CSV")
    assert f"&from={begin}&to={stop}" in link.get_attribute("href")
    assert lines_of(tab) == inside
    assert problem(tab) == ""


def test_another_zone_shows_the_same_time_on_other_clocks(visit: Visit):
    tab = visit(timezone_id="Asia/Kolkata")
    tab.house.keep(tab.device, "temperature", [(now_ms(), 1.0)])
    tab.open("&there=Europe/Berlin&from=2026-03-01T10:00&to=2026-03-01T11:00")
    until(lambda: datetime.fromtimestamp(tab.axis()[0] / 1000, KOLKATA).hour == 10)
    shown = tab.axis()
    tab.page.get_by_label("Times").select_option("device")

    tab.until("location.search.includes('zone=device')")
    tab.page.wait_for_timeout(200)
    assert tab.axis() == shown
    tab.page.reload()
    tab.follows()
    until(lambda: tab.axis() == shown)


def test_the_file_holds_what_a_chart_that_rests_shows(tab: Tab):
    tab.open("&range=5m")
    tab.reading(1.0)
    until(lambda: tab.get("document.querySelector('.js-plotly-plot').data[0].y.at(-1)") == 1)
    tab.page.get_by_label("Refresh").select_option("paused")
    tab.page.wait_for_timeout(500)  # what was to be drawn still
    shown = tab.trace()
    for value in (7.0, 8.0):
        tab.reading(value)
    low, high = tab.axis()
    tab.page.wait_for_timeout(1500)

    assert (tab.axis(), tab.trace()) == ((low, high), shown)
    times = tab.get("document.querySelector('.js-plotly-plot').data[0].x")
    assert lines_of(tab) == [t for t in times if low <= t < high]
    tab.page.get_by_role("link", name="1 h", exact=True).click()  # asks for what has come
    until(lambda: tab.trace()[-2:] == [7.0, 8.0])


def history_of(tab: Tab) -> int:
    return tab.get("history.length")


@pytest.mark.parametrize("leave", ["double click", "button", "Escape", "Back"])
@pytest.mark.parametrize("again", [False, True], ids=["at once", "after a reload"])
def test_zoom_leads_back_to_the_times_that_were_chosen(tab: Tab, leave, again):
    start, end = now_ms() - 200 * MINUTE, now_ms() - 100 * MINUTE
    tab.open(f"&from={start}&to={end}")
    until(lambda: tab.axis() == (start, end))
    assert tab.page.get_by_role("button", name="Leave zoom").is_hidden()
    zoom(tab, 0.4, 0.6)
    until(lambda: width(tab) < 25 * MINUTE)
    tab.page.locator("[data-chart]").first.press("+")
    until(lambda: width(tab) < 12 * MINUTE)
    if again:
        tab.page.reload()
        tab.follows()
        until(lambda: width(tab) < 12 * MINUTE)
    if leave == "double click":
        tab.page.locator(".js-plotly-plot .nsewdrag").first.dblclick()
    elif leave == "button":
        tab.page.get_by_role("button", name="Leave zoom").click()
    elif leave == "Escape":
        tab.page.locator("[data-chart]").first.press("Escape")
    else:
        tab.page.go_back()

    until(lambda: tab.axis() == (start, end))
    expect(tab.page.get_by_role("button", name="Leave zoom")).to_be_hidden()
    assert "home=" not in tab.get("location.href")
    tab.page.go_forward()
    until(lambda: width(tab) < 12 * MINUTE)


def test_a_zoom_that_was_sent_to_somebody_leads_back_too(tab: Tab):
    now = now_ms()
    start, end = now - 200 * MINUTE, now - 100 * MINUTE
    tab.open(f"&from={start + MINUTE}&to={end - MINUTE}&home={start}-{end}")
    until(lambda: tab.axis() == (start + MINUTE, end - MINUTE))
    tab.page.get_by_role("button", name="Leave zoom").click()
    until(lambda: tab.axis() == (start, end))
    tab.page.goto(f"{tab.house.url}/page?device={tab.device}&range=5m&from={start}&to={end}")
    tab.follows()
    tab.page.get_by_role("button", name="Leave zoom").click()
    until(lambda: width(tab) == pytest.approx(5 * MINUTE, abs=1000))


@pytest.mark.parametrize("home", ["x", "5-3", "5-5", "-", "1-999999999999999", "1-2-3"])
def test_a_way_back_that_makes_no_sense_is_none(tab: Tab, home):
    start, end = now_ms() - 200 * MINUTE, now_ms() - 100 * MINUTE
    tab.open(f"&from={start}&to={end}&home={home}")

    until(lambda: tab.axis() == (start, end))
    assert tab.page.get_by_role("button", name="Leave zoom").is_hidden()


def test_a_double_click_where_nothing_was_zoomed_stays_with_the_times_that_were_chosen(tab: Tab):
    start, end = now_ms() - 200 * MINUTE, now_ms() - 100 * MINUTE
    tab.open(f"&from={start}&to={end}")
    until(lambda: tab.axis() == (start, end))
    tab.page.locator(".js-plotly-plot .nsewdrag").first.dblclick()

    tab.page.wait_for_timeout(500)
    assert tab.axis() == (start, end)


def values(tab: Tab) -> list[float]:
    """The ends of the axis of values of the first chart."""
    return tab.get("document.querySelector('.js-plotly-plot')._fullLayout.yaxis.range")


def zoom_values(tab: Tab, until_x: float = 0.5) -> None:
    """Drag over a part of the values, and of the time too if `until_x` is far from the middle."""
    box = tab.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    tab.page.mouse.down()
    to = box["x"] + until_x * box["width"], box["y"] + box["height"] / 2
    tab.page.mouse.move(*to, steps=6)
    tab.page.mouse.up()


def test_values_that_were_zoomed_into_stay_while_the_chart_grows_and_moves(tab: Tab):
    tab.open()
    until(lambda: len(tab.trace()) > 50)
    whole = values(tab)
    zoom_values(tab)
    until(lambda: values(tab)[1] - values(tab)[0] < 0.8 * (whole[1] - whole[0]))
    shown = values(tab)
    tab.get("""  // as Dash does after each change of an axis
        (() => { const plot = document.querySelector(".js-plotly-plot");
        window.Plotly.react(plot, plot.data.map((t) => ({...t, x: [], y: []})),
            {...plot.layout, xaxis: {type: "linear"}, uirevision: "kept"}) })()
    """)
    until(lambda: len(tab.trace()) > 50)
    tab.reading(9.5)
    until(lambda: tab.trace()[-1] == 9.5)
    assert values(tab) == shown
    tab.page.locator("[data-chart]").first.press("ArrowLeft")
    until(lambda: "from=" in tab.get("location.href") and 9.5 not in tab.trace())
    assert values(tab) == shown
    tab.page.get_by_role("button", name="Leave zoom").click()
    until(lambda: values(tab)[1] - values(tab)[0] > 0.9 * (whole[1] - whole[0]))
    zoom_values(tab, 0.7)
    until(lambda: "from=" in tab.get("location.href") and len(tab.trace()) < 30)
    assert values(tab)[1] - values(tab)[0] < 0.8 * (whole[1] - whole[0])
    tab.page.locator(".js-plotly-plot .nsewdrag").first.dblclick()
    until(lambda: values(tab)[1] - values(tab)[0] > 0.9 * (whole[1] - whole[0]))


def test_zooming_and_moving_is_one_step_of_the_browsers_history(tab: Tab):
    tab.open("&range=1h")
    before = history_of(tab)
    chart = tab.page.locator("[data-chart]").first
    for key in ("+", "ArrowLeft", "+", "-", "ArrowLeft"):
        chart.press(key)
    assert history_of(tab) == before + 1
    tab.page.get_by_label("Compare").select_option("before")
    chart.press("Escape")

    until(lambda: width(tab) == pytest.approx(60 * MINUTE, abs=1000))
    assert "compare=before" in tab.get("location.href")
    assert marked(tab) == ["1 h"]


def test_zooming_out_and_moving_on_keep_something_of_the_past_in_sight(tab: Tab):
    tab.open("&range=5m")
    until(lambda: width(tab) == pytest.approx(5 * MINUTE, abs=1000))
    chart = tab.page.locator("[data-chart]").first
    chart.press("-")
    until(lambda: width(tab) == pytest.approx(10 * MINUTE, abs=1000))
    assert tab.axis()[1] <= now_ms() + 1000
    for _ in range(9):
        chart.press("ArrowRight")
    until(lambda: tab.axis()[1] > now_ms() + 8 * MINUTE)

    assert tab.axis()[0] < now_ms()
    assert problem(tab) == ""
    tab.reading(3.25)  # of a window that reaches into the future all is shown that comes
    until(lambda: 3.25 in tab.trace())


def test_a_browser_whose_clock_is_wrong_shows_the_servers_last_hour(visit: Visit):
    tab = visit()
    now = now_ms()
    tab.house.keep(tab.device, "temperature", [(now - MINUTE, 1.0)])
    tab.page.clock.install(time=datetime.fromtimestamp(now / 1000 - 86_400, UTC))
    tab.page.clock.resume()
    tab.open(f"&from={now - 2 * MINUTE}&to={now}")

    until(lambda: tab.axis() == (now - 2 * MINUTE, now))
    assert problem(tab) == ""
    tab.page.get_by_role("link", name="5 min").click()
    until(lambda: tab.axis()[1] == pytest.approx(now_ms(), abs=5000))
    until(lambda: tab.trace() == [1.0])
