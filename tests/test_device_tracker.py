"""Where the car is."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_HOME, STATE_NOT_HOME, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from .conftest import SetUp
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
