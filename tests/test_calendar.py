"""The calendar: when a car charged, and when it is planned to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import orjson
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .charging import add_session, live, park
from .home import Home
from .support import message

CALENDAR = "calendar.car_1_charging_sessions"
NOW = datetime(2026, 11, 11, 17, tzinfo=UTC)
DAY = timedelta(days=1)
# Longer ago than what is read again and again.
LONG_AGO = NOW - 60 * DAY

type Events = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _evening(freezer: FrozenDateTimeFactory) -> None:
    """Begin in the evening, before the cars are made."""
    freezer.move_to(NOW)


@pytest.fixture
def events(
    home: Home, hass_client: ClientSessionGenerator, _evening: None
) -> Callable[..., Any]:
    """Return what the calendar panel gets of a time."""

    async def _events(start: datetime, end: datetime) -> Events:
        client = await hass_client()
        answer = await client.get(
            f"/api/calendars/{CALENDAR}",
            params={"start": start.isoformat(), "end": end.isoformat()},
        )
        assert answer.status == 200
        found: Events = await answer.json()
        return found

    return _events


async def get_events(hass: HomeAssistant, start: datetime, end: datetime) -> Events:
    """Return what the action finds in a time."""
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {"entity_id": CALENDAR, "start_date_time": start, "end_date_time": end},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    found: Any = answer[CALENDAR]
    events: Events = found["events"]
    return events


def asked_for_sessions(home: Home) -> int:
    """Return how often completed sessions were asked for."""
    return sum(
        request.path.endswith(f"{home.car.id}/sessions")
        for request in home.simulator.requests
    )


def plan_of(home: Home) -> tuple[datetime, datetime]:
    """Return when the car is to charge."""
    plan = home.car.plan(home.simulator.clock.now())
    assert plan is not None
    return plan.starts_at, plan.ends_at


async def test_the_planned_window_is_the_current_event(
    hass: HomeAssistant, home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """It begins and ends by the clock, whether or not the plan is read again."""
    start, end = plan_of(home)
    assert NOW < start < end < NOW + DAY
    await home.set_up()
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.state == "off"
    assert state.attributes["message"] == "Charging planned"
    times = [
        dt_util.parse_datetime(state.attributes[name])
        for name in ("start_time", "end_time")
    ]
    assert times == [
        dt_util.as_local(moment).replace(tzinfo=None, microsecond=0)
        for moment in (start, end)
    ]
    home.simulator.add_fault(kind="current_session", status=500)
    for moment, expected in ((start, "on"), (end, "off")):
        freezer.move_to(moment + timedelta(seconds=1))
        async_fire_time_changed(hass)
        await home.settle()
        assert home.state(CALENDAR) == expected


async def test_nothing_is_planned_while_unplugged(
    hass: HomeAssistant, home: Home
) -> None:
    await home.set_up()
    planned = await get_events(hass, NOW, NOW + DAY)
    assert [event["summary"] for event in planned] == ["Charging planned"]
    home.car.unplug()
    await home.refresh()
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.state == "off"
    assert "start_time" not in state.attributes
    await home.settle()
    assert [
        event
        for event in await get_events(hass, NOW + timedelta(minutes=1), NOW + DAY)
        if event["summary"] == "Charging planned"
    ] == []


async def test_past_sessions(home: Home, events: Callable[..., Any]) -> None:
    """Each is there once, with what is known of it, by the id that the service gave it."""
    last, before, third = home.car.completed_sessions()[:3]
    home.car.correct_session(
        last,
        energy_charged_kwh=23.4,
        actual_cost_eur="4.1",
        initial_soc_pct=62,
        final_soc_pct=80,
    )
    home.car.correct_session(
        before, energy_charged_kwh=7, actual_cost_eur=None, final_soc_pct=None
    )
    home.car.correct_session(
        third, energy_charged_kwh=None, actual_cost_eur=None, final_soc_pct=None
    )
    await home.set_up()
    found = await events(third.plug_in_time, NOW)
    assert [(event["uid"], event["summary"]) for event in found] == [
        (third.id, "Charging session"),
        (before.id, "7.0 kWh"),
        (last.id, "23.4 kWh, 4.10 €, 62 % → 80 %"),
    ]
    # To the second, as calendars have it: from plugging in to the end of charging.
    assert last.charging_ended_at is not None
    assert [
        dt_util.parse_datetime(found[2][name]["dateTime"]) for name in ("start", "end")
    ] == [last.plug_in_time, last.charging_ended_at.replace(microsecond=0)]
    assert asked_for_sessions(home) == 1


async def test_a_session_while_the_clock_is_set_back(
    hass: HomeAssistant, home: Home, events: Callable[..., Any]
) -> None:
    """It ends before it starts by the wall clock, and hides no other."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    last = home.car.completed_sessions()[0]
    start = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
    end = start + timedelta(minutes=20)
    home.car.correct_session(
        last,
        plug_in_time=start.isoformat(),
        unplug_time=end.isoformat(),
        inferred_session_end=end.isoformat(),
    )
    await home.set_up()
    found = await events(start - timedelta(hours=1), NOW)
    assert [event["uid"] for event in found].count(last.id) == 1
    assert len(found) > 1


async def test_a_plan_while_the_clock_is_set_back(
    hass: HomeAssistant, home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    start = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
    freezer.move_to(start - timedelta(hours=2))
    home.simulator.add_fault(
        kind="current_session",
        body=orjson.dumps(
            {
                "session": {
                    "id": "1",
                    "plug_in_time": (start - timedelta(hours=3)).isoformat(),
                    "desired_charging_start_time": start.isoformat(),
                    "desired_charging_end_time": (
                        start + timedelta(minutes=20)
                    ).isoformat(),
                }
            }
        ),
    )
    await home.set_up()
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.attributes["start_time"] == "2026-10-25 02:50:00"


async def test_sessions_away_from_home_are_there(
    home: Home, events: Callable[..., Any]
) -> None:
    away = home.car.add_away_session(31.5)
    await home.set_up()
    found = await events(NOW - timedelta(hours=4), NOW)
    assert [event["uid"] for event in found] == [away.id]
    assert found[0]["summary"].startswith("31.5 kWh")


async def test_a_long_time_is_asked_for_once(
    hass: HomeAssistant, home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """The panel asks again whenever it is shown: for 15 minutes the answer stands."""
    await home.set_up()
    known = asked_for_sessions(home)
    expected = len(home.car.completed_sessions())
    for _ in range(2):
        assert len(await get_events(hass, LONG_AGO, NOW)) == expected
    assert asked_for_sessions(home) == known + 1
    freezer.tick(timedelta(minutes=15))
    assert len(await get_events(hass, LONG_AGO, NOW)) == expected
    assert asked_for_sessions(home) == known + 2


async def test_a_session_that_is_not_listed_yet(
    hass: HomeAssistant, home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """One that has just ended is in every view, however far back it begins."""
    await home.set_up()
    home.car.plug_in()
    await home.refresh()
    freezer.tick(3600)
    await home.refresh()
    await home.settle()
    plugged_in_at = home.coordinator().sessions.recent[-1].plug_in_time
    assert plugged_in_at is not None
    nothing = {"total": 0, "items": []}
    home.simulator.add_fault(kind="sessions", body=orjson.dumps(nothing))
    home.car.unplug()
    await home.refresh()
    await home.settle()
    for start in (dt_util.utcnow() - 2 * DAY, LONG_AGO):
        found = await get_events(hass, start, dt_util.utcnow() + DAY)
        starts = [dt_util.parse_datetime(event["start"]) for event in found]
        assert starts[-1] == plugged_in_at


async def test_an_open_calendar_shows_a_session_that_has_ended(
    home: Home,
    freezer: FrozenDateTimeFactory,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Even without a plan, whose end would update it."""
    park(home.car)
    await home.set_up()
    await live(home, freezer, timedelta(minutes=9, seconds=40), step=20)
    # Later, as it does not answer pings while the time passes.
    client = await hass_ws_client(home.hass)
    await client.send_json_auto_id(
        {
            "type": "calendar/event/subscribe",
            "entity_id": CALENDAR,
            "start": (NOW - DAY).isoformat(),
            "end": (NOW + DAY).isoformat(),
        }
    )
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"]["events"] == []
    add_session(home.car, NOW - timedelta(hours=2), 1, 8)
    await live(home, freezer, timedelta(seconds=40), step=20)
    (event,) = (await client.receive_json())["event"]["events"]
    assert event["summary"].startswith("8.0 kWh")


async def test_what_is_to_come_is_asked_of_nobody(
    hass: HomeAssistant, home: Home
) -> None:
    await home.set_up()
    known = asked_for_sessions(home)
    assert await get_events(hass, NOW + 30 * DAY, NOW + 60 * DAY) == []
    assert asked_for_sessions(home) == known


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"status": 500}, "cannot_connect"),
        ({"reset": True}, "cannot_connect"),
        ({"body": b"[]"}, "invalid_response"),
        ({"status": 401}, "invalid_auth"),
        ({"status": 403}, "not_offered"),
    ],
)
async def test_a_failure_is_no_empty_calendar(
    hass: HomeAssistant, home: Home, fault: dict[str, Any], key: str
) -> None:
    await home.set_up()
    home.simulator.add_fault(kind="sessions", **fault)
    with pytest.raises(HomeAssistantError, match=message(key)):
        await get_events(hass, LONG_AGO, NOW)
    # It is not remembered either.
    home.simulator.clear_faults()
    assert await get_events(hass, LONG_AGO, NOW)


async def test_too_many_requests(hass: HomeAssistant, home: Home) -> None:
    await home.set_up()
    home.simulator.add_fault(kind="sessions", status=429, headers={"Retry-After": "77"})
    with pytest.raises(HomeAssistantError, match="77"):
        await get_events(hass, LONG_AGO, NOW)


async def test_a_failure_of_the_first_reading_is_no_empty_calendar(
    hass: HomeAssistant, home: Home
) -> None:
    home.simulator.add_fault(kind="sessions", status=500)
    await home.set_up()
    with pytest.raises(HomeAssistantError, match=message("cannot_connect")):
        await get_events(hass, NOW - DAY, NOW)
    home.simulator.clear_faults()
    assert len(await get_events(hass, NOW - 10 * DAY, NOW)) == sum(
        session.unplug_time is not None and session.unplug_time > NOW - 10 * DAY
        for session in home.car.completed_sessions()
    )


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_an_account_without_sessions_has_an_empty_calendar(
    hass: HomeAssistant, home: Home, status: int
) -> None:
    home.simulator.add_fault(kind="sessions", status=status)
    await home.set_up()
    asked = asked_for_sessions(home)
    assert await get_events(hass, LONG_AGO, NOW) == []
    assert await get_events(hass, NOW - 1000 * DAY, NOW) == []
    assert asked_for_sessions(home) == asked
    # What is planned is known from elsewhere.
    planned = await get_events(hass, NOW, NOW + DAY)
    assert [event["summary"] for event in planned] == ["Charging planned"]


async def test_more_than_a_year_is_refused(hass: HomeAssistant, home: Home) -> None:
    await home.set_up()
    asked = asked_for_sessions(home)
    with pytest.raises(HomeAssistantError, match=message("range_too_long")):
        await get_events(hass, NOW - 367 * DAY, NOW)
    assert asked_for_sessions(home) == asked
    assert await get_events(hass, NOW - 366 * DAY, NOW)
