"""Where the car is."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.const import (
    STATE_HOME,
    STATE_NOT_HOME,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component

from .conftest import Refresh, SetUp
from simulator import ABSENT, Simulator

LOCATION = "device_tracker.car_1_location"


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (48.2082, 16.3738, STATE_HOME),
        (48.3, 16.3738, STATE_NOT_HOME),
        (0.0, 16.3738, STATE_NOT_HOME),
        (None, 16.3738, STATE_UNKNOWN),
        (48.2082, ABSENT, STATE_UNKNOWN),
        (48.2082, "16.3738", STATE_UNKNOWN),
        (90.5, 16.3738, STATE_UNKNOWN),
        (48.2082, -180.5, STATE_UNKNOWN),
    ],
)
async def test_location(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    latitude: Any,
    longitude: Any,
    expected: str,
) -> None:
    """The zone follows from both coordinates, never from one that is missing."""
    hass.config.latitude, hass.config.longitude = 48.2082, 16.3738
    await hass.config.async_update(latitude=48.2082, longitude=16.3738)
    simulator.vehicles[0].override(latitude=latitude, longitude=longitude)
    await set_up(entry)
    state = hass.states.get(LOCATION)
    assert state is not None
    assert state.state == expected
    assert ("latitude" in state.attributes) == (expected != STATE_UNKNOWN)


HOME = {"latitude": 48.2082, "longitude": 16.3738}
AWAY = {"latitude": 48.3, "longitude": 16.3738}
NOWHERE = (
    {"latitude": 0.0, "longitude": 0.0},
    {"latitude": None, "longitude": None},
    {"latitude": ABSENT, "longitude": ABSENT},
    {"latitude": 48.2082, "longitude": None},
    {"latitude": "x", "longitude": 16.3738},
)


@pytest.fixture
async def arrivals(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> list[ServiceCall]:
    """Return the runs of automations on a car that is parked at home, of both kinds."""
    await hass.config.async_update(**HOME)
    assert await async_setup_component(hass, "zone", {})
    simulator.vehicles[0].override(**HOME)
    await set_up(entry)
    calls = async_mock_service(hass, "test", "run")
    triggers = [
        {
            "trigger": "zone",
            "entity_id": LOCATION,
            "zone": "zone.home",
            "event": "enter",
        },
        {
            "trigger": "zone.entered",
            "target": {"entity_id": LOCATION},
            "options": {"zone": "zone.home"},
        },
    ]
    automation = {"triggers": triggers, "actions": {"action": "test.run"}}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    return calls


def _place(hass: HomeAssistant) -> tuple[str, Any]:
    state = hass.states.get(LOCATION)
    assert state is not None
    return state.state, state.attributes.get("latitude")


@pytest.mark.parametrize("nowhere", NOWHERE)
async def test_a_reading_without_a_position_is_no_arrival(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    arrivals: list[ServiceCall],
    nowhere: dict[str, Any],
) -> None:
    """A parked car stays where it was, and does not come home again."""
    car = simulator.vehicles[0]
    for position in (nowhere, HOME, nowhere, nowhere, HOME):
        car.override(**position)
        await refresh(entry)
        assert _place(hass) == (STATE_HOME, HOME["latitude"])
    assert not arrivals
    # It does where it was elsewhere: then both kinds of triggers fire.
    for position in (AWAY, nowhere, HOME):
        car.override(**position)
        await refresh(entry)
    assert len(arrivals) == 2


@pytest.mark.parametrize("nowhere", NOWHERE)
@pytest.mark.parametrize("is_out", [False, True], ids=["reachable", "outage"])
async def test_neither_after_a_reload_or_an_outage(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    refresh: Refresh,
    arrivals: list[ServiceCall],
    nowhere: dict[str, Any],
    is_out: bool,
) -> None:
    """The last known position outlives both."""
    car = simulator.vehicles[0]
    if is_out:
        simulator.add_fault(kind="vehicle", status=403)
        await refresh(entry)
        assert _place(hass) == (STATE_UNAVAILABLE, None)
    await hass.config_entries.async_unload(entry.entry_id)
    simulator.clear_faults()
    car.override(**nowhere)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert _place(hass) == (STATE_HOME, HOME["latitude"])
    simulator.add_fault(kind="vehicle", status=403)
    await refresh(entry)
    simulator.clear_faults()
    await refresh(entry)
    car.override(**HOME)
    await refresh(entry)
    assert _place(hass) == (STATE_HOME, HOME["latitude"])
    assert not arrivals
