"""The sensors that do more than show a field."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED, STATE_UNKNOWN
from homeassistant.core import Event, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .home import Home
from custom_components.podero.const import DOMAIN

CHARGING_STATE = "sensor.car_1_charging_state"
FINISHES = "sensor.car_1_charging_ends"
PAUSED_UNTIL = "sensor.car_1_paused_until"
DEADLINE = "sensor.car_1_next_charging_deadline"

type Report = Callable[..., Awaitable[None]]

IDLE = {
    "is_charging": False,
    "is_plugged_in": True,
    "is_fully_charged": False,
    "boost_state": "available",
    "is_pause_power_active": False,
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "connected"),
        ({"is_charging": True}, "charging"),
        ({"is_charging": True, "is_plugged_in": None}, "charging"),
        ({"is_charging": True, "is_fully_charged": True}, "charging"),
        ({"is_plugged_in": None, "is_fully_charged": True}, STATE_UNKNOWN),
        ({"is_plugged_in": False, "is_fully_charged": True}, "disconnected"),
        ({"is_fully_charged": True, "boost_state": "requested"}, "complete"),
        ({"boost_state": "requested", "is_pause_power_active": True}, "starting"),
        ({"is_pause_power_active": True}, "paused"),
        ({"is_charging": None, "boost_state": None}, "connected"),
    ],
)
async def test_charging_state(
    home: Home, fields: dict[str, Any], expected: str
) -> None:
    """The first that matches wins, in the words that evcc reads."""
    home.car.override(**IDLE | fields)
    await home.set_up()
    assert home.state(CHARGING_STATE) == expected


@pytest.fixture
def report(home: Home) -> Report:
    """Return what lets the car report, and reads it."""

    async def report(remaining: int | None, *, is_charging: bool = True) -> None:
        home.car.override(
            is_charging=is_charging,
            charge_time_remaining=remaining,
            current_state_last_updated_at=datetime.now(UTC).isoformat(),
        )
        await home.refresh()

    return report


async def _pass(home: Home, freezer: FrozenDateTimeFactory, minutes: int) -> None:
    freezer.tick(timedelta(minutes=minutes))
    async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=1))
    await home.hass.async_block_till_done()


async def _set_back(home: Home) -> None:
    """Set the clock back by a week, and let a minute pass."""
    soon = dt_util.utcnow() + timedelta(minutes=1)
    with patch.object(dt_util, "utcnow", return_value=soon - timedelta(days=7)):
        async_fire_time_changed(home.hass, soon)
        await home.hass.async_block_till_done()


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
@pytest.mark.parametrize(
    "reports",
    [
        [
            (0, 7200, "2026-03-04T22:00:00+00:00"),
            # What remains runs down, more or less.
            (4, 6900, "2026-03-04T22:00:00+00:00"),
            (4, 6780, "2026-03-04T22:00:00+00:00"),
            # It does not, or all of a sudden.
            (1, 7200, "2026-03-04T22:09:00+00:00"),
            (1, 3600, "2026-03-04T21:10:00+00:00"),
            (0, None, STATE_UNKNOWN),
            (0, 3600, "2026-03-04T21:10:00+00:00"),
            (0, 0, STATE_UNKNOWN),
        ],
        [
            # It is counted in steps, the last of which takes longer.
            (0, 600, "2026-03-04T20:10:00+00:00"),
            (4, 600, "2026-03-04T20:10:00+00:00"),
            (1, 300, "2026-03-04T20:10:00+00:00"),
            (4, 300, "2026-03-04T20:10:00+00:00"),
            (1, 300, "2026-03-04T20:15:00+00:00"),
            (4, 300, "2026-03-04T20:15:00+00:00"),
        ],
    ],
    ids=["as expected or not", "in steps"],
)
async def test_charging_finishes(
    home: Home,
    report: Report,
    freezer: FrozenDateTimeFactory,
    reports: list[tuple[int, int | None, str]],
) -> None:
    """The expected end stands still while the expectation holds."""
    await home.set_up()
    for minutes, remaining, expected in reports:
        await _pass(home, freezer, minutes)
        await report(remaining)
        assert home.state(FINISHES) == expected


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_an_end_passes_by_itself(
    home: Home,
    report: Report,
    entity_registry: er.EntityRegistry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """While the car charges on, though nobody wants to know of a deadline."""
    entity_registry.async_get_or_create(
        "sensor",
        DOMAIN,
        f"{home.car.id}_charge_deadline",
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    await home.set_up()
    await report(600)
    assert home.state(FINISHES) == "2026-03-04T20:10:00+00:00"
    await _pass(home, freezer, 10)
    assert home.state(FINISHES) == "2026-03-04T20:20:00+00:00"
    assert home.hass.states.get(DEADLINE) is None


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_charging_stops_with_time_remaining(
    home: Home, report: Report, freezer: FrozenDateTimeFactory
) -> None:
    """No end is expected of what does not go on, and a new one when it does."""
    await home.set_up()
    await report(3600)
    await report(3600, is_charging=False)
    assert home.state(FINISHES) == STATE_UNKNOWN
    await _pass(home, freezer, 10)
    await report(3600)
    assert home.state(FINISHES) == "2026-03-04T21:10:00+00:00"


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_an_end_and_a_clock_that_is_set_back(home: Home, report: Report) -> None:
    """What was expected by the wrong time is not any more."""
    await home.set_up()
    await report(3600)
    await _set_back(home)
    assert home.state(FINISHES) == "2026-02-25T21:01:00+00:00"


@pytest.mark.parametrize(
    ("now", "deadline", "expected"),
    [
        ("2026-01-10T12:00:00Z", "06:30:00", "2026-01-11T05:30:00+00:00"),
        ("2026-01-10T04:00:00Z", "06:30:00", "2026-01-10T05:30:00+00:00"),
        # Due this very moment means tomorrow.
        ("2026-01-10T05:30:00Z", "06:30:00", "2026-01-11T05:30:00+00:00"),
        # The clock goes forward in the night to 29 March, back in that to 25 October.
        ("2026-03-28T20:00:00Z", "06:30:00", "2026-03-29T04:30:00+00:00"),
        ("2026-10-24T20:00:00Z", "06:30:00", "2026-10-25T05:30:00+00:00"),
        # Half past two comes twice in that night, and not at all in the other.
        ("2026-10-25T00:15:00Z", "02:30:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T00:45:00Z", "02:30:00", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25T01:45:00Z", "02:30:00", "2026-10-26T01:30:00+00:00"),
        ("2026-03-29T00:15:00Z", "02:30:00", "2026-03-29T01:30:00+00:00"),
        # A zone that the contract does not have is ignored.
        ("2026-01-10T04:00:00Z", "06:30:00Z", "2026-01-10T05:30:00+00:00"),
        ("2026-01-10T04:00:00Z", "25:00:00", STATE_UNKNOWN),
        ("2026-01-10T04:00:00Z", None, STATE_UNKNOWN),
    ],
)
async def test_deadline_is_the_next_at_the_wall_clock(
    home: Home,
    freezer: FrozenDateTimeFactory,
    now: str,
    deadline: str | None,
    expected: str,
) -> None:
    """The time of day is this home's, on either side of a change of the clock.

    So it is where the service tells no weekly policy.
    """
    home.simulator.add_fault(kind="charge_policy", status=HTTPStatus.NOT_FOUND)
    await home.hass.config.async_set_time_zone("Europe/Vienna")
    freezer.move_to(now)
    home.car.override(charge_deadline_at=deadline, is_charge_policy_enabled=True)
    await home.set_up()
    assert home.state(DEADLINE) == expected


async def test_a_deadline_passes_by_itself(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """The next one is shown when it has come, though nothing new is read."""
    home.simulator.add_fault(kind="charge_policy", status=HTTPStatus.NOT_FOUND)
    await home.hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-02T05:00:00Z")
    home.car.override(charge_deadline_at="06:30:00", is_charge_policy_enabled=True)
    await home.set_up()
    for now, expected in (
        ("2026-11-02T06:29:59Z", "2026-11-02T06:30:00+00:00"),
        ("2026-11-02T06:30:00Z", "2026-11-03T06:30:00+00:00"),
        ("2026-11-03T06:30:00Z", "2026-11-04T06:30:00+00:00"),
        ("2026-11-09T12:00:00Z", "2026-11-10T06:30:00+00:00"),
    ):
        freezer.move_to(now)
        async_fire_time_changed(home.hass, dt_util.utcnow() + timedelta(minutes=1))
        await home.hass.async_block_till_done()
        assert home.state(DEADLINE) == expected
    await _set_back(home)
    assert home.state(DEADLINE) == "2026-11-03T06:30:00+00:00"


async def test_clocks_that_disagree(home: Home) -> None:
    """A deadline that has come by one clock only is waited for no more than once."""
    await home.hass.config.async_set_time_zone("UTC")
    home.car.override(charge_deadline_at="06:30:00", is_charge_policy_enabled=True)
    slow = dt_util.utcnow() - timedelta(days=3)
    with patch.object(dt_util, "utcnow", return_value=slow) as utcnow:
        await home.set_up()
        calls = utcnow.call_count
        for _ in range(100):
            await asyncio.sleep(0)
        assert utcnow.call_count <= calls + 1


@pytest.mark.parametrize("enabled", [False, None])
async def test_no_deadline_without_a_policy(home: Home, enabled: bool | None) -> None:
    """A deadline that does not count is none."""
    home.car.override(charge_deadline_at="06:00:00", is_charge_policy_enabled=enabled)
    await home.set_up()
    assert home.state(DEADLINE) == STATE_UNKNOWN


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_end_of_pause(home: Home, freezer: FrozenDateTimeFactory) -> None:
    """It is known until it has come, although the service tells it for ever."""
    home.car.override(pause_power_until="2026-03-04T20:05:00Z")
    await home.set_up()
    assert home.state(PAUSED_UNTIL) == "2026-03-04T20:05:00+00:00"
    await _pass(home, freezer, 4)
    assert home.state(PAUSED_UNTIL) == "2026-03-04T20:05:00+00:00"
    await _pass(home, freezer, 1)
    assert home.state(PAUSED_UNTIL) == STATE_UNKNOWN


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_boost_that_is_not_possible_is_a_state_of_its_own(home: Home) -> None:
    """Home Assistant would take the API's word for an entity that is not there."""
    home.car.override(boost_state="unavailable")
    await home.set_up()
    assert home.state("sensor.car_1_charge_now_status") == "not_available"


async def test_status_unknown_is_unknown(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """A status that the service does not know is no unusable value."""
    home.car.override(connection_status="unknown")
    await home.set_up()
    assert home.state("sensor.car_1_connection") == STATE_UNKNOWN
    assert "could not be used" not in caplog.text


async def test_only_what_moved_is_written(home: Home) -> None:
    """A poll that brings nothing new writes no state; one field writes its entities."""
    written: list[str] = []
    await home.set_up()

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    for kind in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        home.hass.bus.async_listen(kind, note, event_filter=callback(lambda _: True))
    home.car.override(updated_at="2999-03-04T05:06:07Z")
    await home.refresh()
    assert written == []
    home.car.override(battery_level=71)
    await home.refresh()
    assert written == ["sensor.car_1_battery"]
    home.car.override(is_plugged_in=False)
    await home.refresh()
    # The planned window is the running session's.
    assert sorted(written[1:]) == [
        "binary_sensor.car_1_plugged_in",
        "calendar.car_1_charging_sessions",
        "event.car_1_charging_event",
        CHARGING_STATE,
        "sensor.car_1_planned_start",
    ]
