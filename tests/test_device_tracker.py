"""Where the car is."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.const import (
    STATE_HOME,
    STATE_NOT_HOME,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import ServiceCall
from homeassistant.setup import async_setup_component

from .home import Home
from simulator import ABSENT

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
    home: Home, latitude: Any, longitude: Any, expected: str
) -> None:
    """The zone needs both coordinates."""
    home.hass.config.latitude, home.hass.config.longitude = 48.2082, 16.3738
    await home.hass.config.async_update(latitude=48.2082, longitude=16.3738)
    home.car.override(latitude=latitude, longitude=longitude)
    await home.set_up()
    state = home.get_state(LOCATION)
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
async def arrivals(home: Home) -> list[ServiceCall]:
    """Return the runs of automations on the arrival of a parked car, by both triggers."""
    await home.hass.config.async_update(**HOME)
    assert await async_setup_component(home.hass, "zone", {})
    home.car.override(**HOME)
    await home.set_up()
    calls = async_mock_service(home.hass, "test", "run")
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
    assert await async_setup_component(
        home.hass, "automation", {"automation": automation}
    )
    await home.hass.async_block_till_done()
    return calls


def _place(home: Home) -> tuple[str, Any]:
    state = home.get_state(LOCATION)
    return state.state, state.attributes.get("latitude")


@pytest.mark.parametrize("nowhere", NOWHERE)
async def test_a_reading_without_a_position_is_no_arrival(
    home: Home, arrivals: list[ServiceCall], nowhere: dict[str, Any]
) -> None:
    """A reading without a position is no arrival."""
    car = home.car
    for position in (nowhere, HOME, nowhere, nowhere, HOME):
        car.override(**position)
        await home.refresh()
        assert _place(home) == (STATE_HOME, HOME["latitude"])
    assert not arrivals
    # From another place it is one: both kinds of triggers fire.
    for position in (AWAY, nowhere, HOME):
        car.override(**position)
        await home.refresh()
    assert len(arrivals) == 2


@pytest.mark.parametrize("nowhere", NOWHERE)
@pytest.mark.parametrize("is_out", [False, True], ids=["reachable", "outage"])
async def test_neither_after_a_reload_or_an_outage(
    home: Home, arrivals: list[ServiceCall], nowhere: dict[str, Any], is_out: bool
) -> None:
    """The last known position survives a reload and an outage."""
    car = home.car
    if is_out:
        home.simulator.add_fault(kind="vehicle", status=403)
        await home.refresh()
        assert _place(home) == (STATE_UNAVAILABLE, None)
    await home.unload()
    home.simulator.clear_faults()
    car.override(**nowhere)
    await home.load()
    await home.hass.async_block_till_done()
    assert _place(home) == (STATE_HOME, HOME["latitude"])
    home.simulator.add_fault(kind="vehicle", status=403)
    await home.refresh()
    home.simulator.clear_faults()
    await home.refresh()
    car.override(**HOME)
    await home.refresh()
    assert _place(home) == (STATE_HOME, HOME["latitude"])
    assert not arrivals


async def test_whole_degrees_outlive_a_reload(home: Home) -> None:
    """A coordinate may be an integer."""
    home.car.override(latitude=48, longitude=16)
    await home.set_up()
    before = _place(home)
    await home.unload()
    home.car.override(latitude=None, longitude=None)
    await home.load()
    await home.hass.async_block_till_done()
    assert _place(home) == before == (STATE_NOT_HOME, 48)
