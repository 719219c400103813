"""When a line is open, on the days on which that is easily got wrong."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan import PlanError, World, load_plan
from ivr.dialplan.values.hours import Calendar, OpenHours
from tests.dialplan.phone import Phone

BERLIN = ZoneInfo("Europe/Berlin")


def hours(**fields: object) -> OpenHours:
    return Calendar.model_validate({"zone": "Europe/Berlin", **fields}).made(date(2026, 1, 1))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-24T09:00", True),
        ("2026-11-24T08:59", False),
        ("2026-11-24T16:59", True),
        ("2026-11-24T17:00", False),
        ("2026-11-28T11:00", True),  # Saturday
        ("2026-11-28T12:30", False),
        ("2026-11-28T13:30", True),
        ("2026-11-29T11:00", False),  # Sunday
        ("2026-12-25T11:00", False),  # Christmas, a Friday
        ("2026-12-24T11:00", True),  # special: until noon
        ("2026-12-24T12:00", False),
        ("2026-12-26T11:00", True),  # a holiday that the special dates open
    ],
)
def test_a_week_with_holidays_and_special_dates(when: str, is_open: bool) -> None:
    office = hours(
        open={"mon-fri": "09:00-17:00", "sat": ["10:00-12:00", "13:00-14:00"]},
        holidays="DE-BE",
        dates={"2026-12-24": "09:00-12:00", "2026-12-26": "10:00-12:00"},
    )
    assert office.is_open(local(when)) is is_open
    assert office.is_open(local(when).astimezone(UTC)) is is_open


def test_the_name_of_a_holiday() -> None:
    office = hours(open={"daily": "00:00-24:00"}, holidays="DE-BE")
    assert office.holiday(local("2026-10-03T12:00")) in ("Tag der Deutschen Einheit", "German Unity Day")
    assert office.holiday(local("2026-10-04T12:00")) == ""
    assert not office.is_open(local("2026-10-03T12:00"))


def test_past_midnight_the_hours_are_those_of_the_evening_before() -> None:
    bar = hours(open={"fri": "22:00-04:00"}, dates={"2026-11-28": "closed"})
    assert bar.is_open(local("2026-11-27T23:00"))
    assert bar.is_open(local("2026-11-28T03:59"))  # the Saturday is closed, the Friday's night goes on
    assert not bar.is_open(local("2026-11-28T04:00"))
    assert not bar.is_open(local("2026-11-28T22:30"))


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [
        ("2026-03-28T08:00", True),  # winter: nine o'clock
        ("2026-03-29T06:59", False),  # summer time began in the night
        ("2026-03-29T07:00", True),
        ("2026-10-24T07:00", True),
        ("2026-10-25T07:00", False),  # and ended
        ("2026-10-25T08:00", True),
    ],
)
def test_nine_is_nine_whatever_the_clocks_do(utc: str, is_open: bool) -> None:
    office = hours(open={"daily": "09:00-17:00"})
    assert office.is_open(datetime.fromisoformat(utc).replace(tzinfo=UTC)) is is_open


def test_when_it_opens_next() -> None:
    office = hours(open={"mon-fri": "09:00-17:00"}, holidays="DE-BE")
    assert office.opens(local("2026-11-27T17:00")) == local("2026-11-30T09:00")
    assert office.opens(local("2026-12-24T17:30")) == local("2026-12-28T09:00")  # over Christmas
    assert office.opens(local("2026-11-27T10:00")) == local("2026-11-27T10:00")
    assert hours(open={"mon": "closed"}).opens(local("2026-11-27T10:00")) is None
    night = hours(open={"sun": "02:30-05:00"})
    assert night.opens(local("2026-03-29T00:00")) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there


@given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)))
def test_it_is_open_when_it_says_that_it_opens(at: datetime) -> None:
    office = hours(open={"mon-thu": "07:30-12:00", "sun": "23:00-02:00"}, holidays="DE-BE")
    now = at.replace(tzinfo=UTC)
    opens = office.opens(now)
    assert opens is not None and opens >= now and office.is_open(opens)
    assert office.is_open(now) == (opens == now)


PLAN = """dialplan: 1
start: a
hours:
  office: {{zone: Europe/Berlin, open: {open}}}
steps:
  a:
    - branch: {{if: hours.office.open, then: b}}
    - say: Closed until {{{{ hours.office.opens.strftime('%H:%M') }}}}.
    - hangup: closed
  b:
    - hangup: open
"""


@pytest.mark.parametrize(("at", "reason"), [("2026-11-24T10:00", "open"), ("2026-11-24T18:00", "closed")])
async def test_hours_in_a_plan(tmp_path: Path, at: str, reason: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.format(open='{mon-fri: "09:00-17:00"}'), encoding="utf-8")
    plan = load_plan(path)
    async with Phone(plan, world=World(now=lambda: local(at))) as phone:
        if reason == "closed":
            await phone.hears("Closed until 09:00.")
        assert await phone.ends() == reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{mo: "09:00-17:00"}', "expected a day such as mon, mon-fri or daily, found 'mo'"),
        ('{mon: "9-17"}', "expected hours such as \"09:00-17:00\", found '9-17'"),
        ('{mon: "09:00-25:00"}', "is no time of the day"),
        ('{mon-fri: "09:00-17:00", wed: closed}', "wed is given twice"),
        ('"09:00-17:00"', "expected a mapping of days to hours"),
        ("{mon: []}", "expected hours"),
    ],
)
def test_wrong_hours_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.format(open=text), encoding="utf-8")
    with pytest.raises(PlanError) as refused:
        load_plan(path)
    assert ":4:" in str(refused.value) and message in str(refused.value)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("zone: Mars/Base", "there is no time zone 'Mars/Base'"),
        ("holidays: XX", "there are no holidays of 'XX'"),
        ("dates: {24.12.: closed}", "expected a date such as 2026-12-24"),
    ],
)
def test_wrong_places_and_dates_are_refused(tmp_path: Path, field: str, message: str) -> None:
    path = tmp_path / "plan.yaml"
    text = f"dialplan: 1\nstart: a\nhours:\n  o: {{open: {{}}, {field}}}\nsteps:\n  a:\n    - hangup:\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=message):
        load_plan(path)
