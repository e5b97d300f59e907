"""The guest links of a door over weeks: each a bar over its days, with its state in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from dash import html
from dash.development.base_component import Component
from flask_babel import get_locale
from flask_babel import gettext as _

from dashboard import guest_form, guest_links, rows
from devices import guest_terms, link_calendar
from devices.link_calendar import Bar, Stay, Week

GO = "calendar-go"
WEEK, MONTH = "week", "month"
YEARS = range(2000, 2200)
NEXT_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class View:
    """Which weeks are shown: the one of a day, or all of its month."""

    span: str
    day: date

    def __str__(self) -> str:
        return f"{self.span} {self.day.isoformat()}"

    @property
    def monday(self) -> date:
        """The first day shown."""
        first = self.day.replace(day=1) if self.span == MONTH else self.day
        return first - timedelta(days=first.weekday())

    @property
    def weeks(self) -> int:
        """How many weeks are shown."""
        if self.span == WEEK:
            return 1
        following = (self.day.replace(day=1) + NEXT_MONTH).replace(day=1)
        return -((self.monday - following).days // 7)

    def turned(self, by: int) -> "View":
        """Return the view before (-1) or after (+1) this one."""
        if self.span == WEEK:
            return View(WEEK, self.monday + timedelta(days=7 * by))
        first = self.day.replace(day=1)
        return View(MONTH, (first + NEXT_MONTH if by > 0 else first - timedelta(1)).replace(day=1))


def view(text: Any, *, today: date) -> View:
    """Return the view that a browser names; this month for what names none."""
    span, _space, day = text.partition(" ") if isinstance(text, str) else ("", "", "")
    try:
        shown = View(span, date.fromisoformat(day))
    except ValueError:
        return View(MONTH, today)
    return shown if span in (WEEK, MONTH) and shown.day.year in YEARS else View(MONTH, today)


def calendar(stays: Sequence[Stay], shown: View, zone: ZoneInfo, *, today: date) -> Component:
    """Return the weeks of a view as a list of lists, with the ways to other weeks."""
    weeks = link_calendar.weeks(stays, shown.monday, shown.weeks, zone)
    return html.Section(
        [
            _tools(shown, zone, today),
            html.Ol([_week(week, shown, zone, today) for week in weeks], className="gh-weeks"),
        ],
        className="gh-calendar",
        **{"aria-label": _("Calendar of the guest links")},
    )


def _tools(shown: View, zone: ZoneInfo, today: date) -> Component:
    ways = [
        ("earlier", _("Earlier"), shown.turned(-1), {}),
        ("today", _("Today"), View(shown.span, today), {}),
        ("later", _("Later"), shown.turned(1), {}),
        *(
            (span, word, View(span, shown.day), {"aria-pressed": str(span == shown.span).lower()})
            for span, word in ((WEEK, _("Week")), (MONTH, _("Month")))
        ),
    ]
    title = format_skeleton("yMMMM", shown.day, locale=get_locale())
    return html.Div(
        [
            html.H3(f"{title[:1].upper()}{title[1:]}", **{"aria-live": "polite"}),
            html.Span(zone.key, className="gh-muted gh-small"),
            html.Div(
                [
                    rows.button(word, GO, f"{name} {target}", **marks)
                    for name, word, target, marks in ways
                ],
                className="gh-actions ms-auto",
            ),
        ],
        className="gh-calendar-head",
    )


def target(row: str) -> str:
    """Return the view that a pressed button leads to, as `view` reads it."""
    return row.partition(" ")[2]


def _week(week: Week, shown: View, zone: ZoneInfo, today: date) -> Component:
    items = sorted(
        [
            *((bar.stay.begins, _bar(bar, zone)) for bar in week.bars),
            *((begins, _free(begins, ends, zone)) for begins, ends in week.free),
        ],
        key=lambda item: item[0],
    )
    first = format_date(week.monday, "long", locale=get_locale())
    return html.Li(
        [
            html.Div(
                [_day(week.monday, number, shown, today) for number in range(7)],
                className="gh-days",
                **{"aria-hidden": "true"},
            ),
            html.Ul(
                [item for _begins, item in items],
                className="gh-bars",
                style={"--lanes": str(week.lanes)},
                **{"aria-label": _("Week from %(day)s", day=first)},
            ),
        ],
        className="gh-week",
    )


def _day(monday: date, number: int, shown: View, today: date) -> Component:
    day = monday + timedelta(days=number)
    names = ["gh-day"]
    if day == today:
        names.append("gh-day-today")
    if shown.span == MONTH and day.month != shown.day.month:
        names.append("gh-day-other")
    word = guest_form.day_words()[guest_terms.DAY_NAMES[number]]
    return html.Span([html.Span(word), f" {day.day}"], className=" ".join(names))


def _bar(bar: Bar, zone: ZoneInfo) -> Component:
    stay = bar.stay
    beside = _("overlaps with %(guests)s", guests=", ".join(bar.beside)) if bar.beside else ""
    return html.Li(
        html.A(
            [
                html.Strong(stay.label),
                html.Span(
                    guest_links.state_words()[stay.state],
                    className="gh-badge",
                    **{"data-state": f"link-{stay.state}"},
                ),
                html.Span(_times(stay.begins, stay.ends, zone)),
                html.Span(beside, className="gh-overlap") if beside else None,
            ],
            href=f"#{guest_links.anchor(stay.link_id)}",
            className="gh-bar",
            title=f"{stay.label}, {_times(stay.begins, stay.ends, zone)}",
            **{
                "data-state": f"link-{stay.state}",
                "data-before": str(bar.before).lower(),
                "data-after": str(bar.after).lower(),
            },
        ),
        style={
            "--at": f"{bar.start / 7:.5f}",
            "--width": f"{bar.length / 7:.5f}",
            "--lane": str(bar.lane),
        },
    )


def _free(begins: datetime, ends: datetime, zone: ZoneInfo) -> Component:
    return html.Li(
        _("free: %(times)s", times=_times(begins, ends, zone)), className="gh-free gh-muted"
    )


def _times(begins: datetime, ends: datetime, zone: ZoneInfo) -> str:
    first, last = (
        f"{format_skeleton('MMMd', wall, locale=get_locale())} "
        f"{format_time(wall, 'HH:mm', locale=get_locale())}"
        for wall in (begins.astimezone(zone), ends.astimezone(zone))
    )
    return f"{first} – {last}"
