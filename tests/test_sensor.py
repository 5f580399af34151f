"""The sensors that do more than show a field."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .conftest import Refresh, SetUp
from simulator import Car, Simulator

CHARGING_STATE = "sensor.car_1_charging_state"
FINISHES = "sensor.car_1_charging_finishes"
DEADLINE = "sensor.car_1_charging_deadline"

IDLE = {
    "is_charging": False,
    "is_plugged_in": True,
    "is_fully_charged": False,
    "boost_state": "available",
    "is_pause_power_active": False,
}


@pytest.fixture
def car(simulator: Simulator) -> Car:
    """Return the car of the entry."""
    return simulator.vehicles[0]


def _state(hass: HomeAssistant, entity_id: str) -> str:
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


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
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    car: Car,
    fields: dict[str, Any],
    expected: str,
) -> None:
    """The first that matches wins, in the words that evcc reads."""
    car.override(**IDLE | fields)
    await set_up(entry)
    assert _state(hass, CHARGING_STATE) == expected


@pytest.mark.freeze_time("2026-03-04T20:00:00Z")
async def test_charging_finishes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    car: Car,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The expected end stands still while the expectation holds."""

    async def reading(remaining: int | None, *, is_charging: bool = True) -> str:
        car.override(
            is_charging=is_charging,
            charge_time_remaining=remaining,
            current_state_last_updated_at=datetime.now(UTC).isoformat(),
        )
        await refresh(entry)
        return _state(hass, FINISHES)

    await set_up(entry)
    assert await reading(0, is_charging=False) == STATE_UNKNOWN
    assert await reading(7200) == "2026-03-04T22:00:00+00:00"
    # The same report, polled again later: still the same end.
    freezer.tick(timedelta(minutes=4))
    await refresh(entry)
    assert _state(hass, FINISHES) == "2026-03-04T22:00:00+00:00"
    # A new report that says much the same.
    assert await reading(7100) == "2026-03-04T22:00:00+00:00"
    # A report that says something else.
    assert await reading(3600) == "2026-03-04T21:04:00+00:00"
    # The same remaining time, reported again later: it does not run down.
    freezer.tick(timedelta(minutes=10))
    assert await reading(3600) == "2026-03-04T21:14:00+00:00"
    # It stops with time remaining, as the last report before had it, and goes on.
    assert await reading(3600, is_charging=False) == STATE_UNKNOWN
    assert await reading(3600) == "2026-03-04T21:14:00+00:00"
    assert await reading(None) == STATE_UNKNOWN
    assert await reading(3600, is_charging=False) == STATE_UNKNOWN


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
        ("2026-10-25T00:45:00Z", "02:30:00", "2026-10-26T01:30:00+00:00"),
        # A zone that the contract does not have is ignored.
        ("2026-01-10T04:00:00Z", "06:30:00Z", "2026-01-10T05:30:00+00:00"),
        ("2026-01-10T04:00:00Z", "25:00:00", STATE_UNKNOWN),
        ("2026-01-10T04:00:00Z", None, STATE_UNKNOWN),
    ],
)
async def test_deadline_is_the_next_at_the_wall_clock(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    car: Car,
    freezer: FrozenDateTimeFactory,
    now: str,
    deadline: str | None,
    expected: str,
) -> None:
    """The time of day is this home's, on either side of a change of the clock."""
    await hass.config.async_set_time_zone("Europe/Vienna")
    freezer.move_to(now)
    car.override(charge_deadline_at=deadline, is_charge_policy_enabled=True)
    await set_up(entry)
    assert _state(hass, DEADLINE) == expected


async def test_a_deadline_passes_by_itself(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    car: Car,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The next one is shown when it has come, though nothing new is read."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2026-11-02T05:00:00Z")
    car.override(charge_deadline_at="06:30:00", is_charge_policy_enabled=True)
    await set_up(entry)
    for now, expected in (
        ("2026-11-02T06:29:59Z", "2026-11-02T06:30:00+00:00"),
        ("2026-11-02T06:30:00Z", "2026-11-03T06:30:00+00:00"),
        ("2026-11-03T06:30:00Z", "2026-11-04T06:30:00+00:00"),
        ("2026-11-09T12:00:00Z", "2026-11-10T06:30:00+00:00"),
    ):
        freezer.move_to(now)
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=1))
        await hass.async_block_till_done()
        assert _state(hass, DEADLINE) == expected
    # The clock is set back.
    soon = dt_util.utcnow() + timedelta(minutes=1)
    with patch.object(dt_util, "utcnow", return_value=soon - timedelta(days=7)):
        async_fire_time_changed(hass, soon)
        await hass.async_block_till_done()
    assert _state(hass, DEADLINE) == "2026-11-03T06:30:00+00:00"


async def test_clocks_that_disagree(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, car: Car
) -> None:
    """A deadline that has come by one clock only is waited for no more than once."""
    await hass.config.async_set_time_zone("UTC")
    car.override(charge_deadline_at="06:30:00", is_charge_policy_enabled=True)
    slow = dt_util.utcnow() - timedelta(days=3)
    with patch.object(dt_util, "utcnow", return_value=slow) as utcnow:
        await set_up(entry)
        calls = utcnow.call_count
        for _ in range(100):
            await asyncio.sleep(0)
        assert utcnow.call_count <= calls + 1


@pytest.mark.parametrize("enabled", [False, None])
async def test_no_deadline_without_a_policy(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    car: Car,
    enabled: bool | None,
) -> None:
    """A deadline that does not count is none."""
    car.override(charge_deadline_at="06:00:00", is_charge_policy_enabled=enabled)
    await set_up(entry)
    assert _state(hass, DEADLINE) == STATE_UNKNOWN


async def test_boost_that_is_not_possible_is_a_state_of_its_own(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, car: Car
) -> None:
    """Home Assistant would take the API's word for an entity that is not there."""
    car.override(boost_state="unavailable")
    await set_up(entry)
    assert _state(hass, "sensor.car_1_charge_now") == "not_available"


async def test_status_unknown_is_unknown(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    car: Car,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A status that the service does not know is no unusable value."""
    car.override(connection_status="unknown")
    await set_up(entry)
    assert _state(hass, "sensor.car_1_connection") == STATE_UNKNOWN
    assert "could not be used" not in caplog.text


async def test_only_what_moved_is_written(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    car: Car,
) -> None:
    """A poll that brings nothing new writes no state; one field writes its entities."""
    written: list[str] = []
    await set_up(entry)

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    for kind in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(kind, note, event_filter=callback(lambda _: True))
    car.override(updated_at="2026-03-04T05:06:07Z")
    await refresh(entry)
    assert written == []
    car.override(battery_level=71)
    await refresh(entry)
    assert written == ["sensor.car_1_battery"]
    car.override(is_plugged_in=False)
    await refresh(entry)
    assert sorted(written[1:]) == [
        "binary_sensor.car_1_plugged_in",
        "event.car_1_charging",
        CHARGING_STATE,
    ]
