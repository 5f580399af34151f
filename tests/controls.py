"""What the tests of the controls share."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pytest_homeassistant_custom_component.common import async_fire_time_changed

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from simulator import Simulator

SETTLING = 0.1
"""Seconds in which an answer that is on its way arrives."""


@dataclass(frozen=True)
class Control:
    """One thing that can be said to a car, and how it shows."""

    action: str
    entity_id: str
    before: str
    after: str
    sent: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)


PREFERENCES = {
    "smart optimization": Control(
        "switch.turn_off",
        "switch.car_1_smart_optimization",
        "on",
        "off",
        {"is_smart_optimization_active": False},
    ),
    "charge policy": Control(
        "switch.turn_off",
        "switch.car_1_charge_policy",
        "on",
        "off",
        {"is_charge_policy_enabled": False},
    ),
    "over charge": Control(
        "switch.turn_on",
        "switch.car_1_charge_above_the_limit",
        "off",
        "on",
        {"is_over_charge_allowed": True},
    ),
    "charge level": Control(
        "number.set_value",
        "number.car_1_minimum_level_by_deadline",
        "60",
        "85",
        {"minimum_charge_limit": 85},
        {"value": 85},
    ),
    "deadline": Control(
        "time.set_value",
        "time.car_1_charge_by",
        "06:30:00",
        "07:15:00",
        {"charge_deadline_at": "07:15:00"},
        {"time": "07:15:00"},
    ),
    "pause": Control(
        "podero.pause_charging",
        "binary_sensor.car_1_charging_paused",
        "off",
        "on",
        {"pause_power_until": "2999-01-01T12:00:00+00:00"},
        {"until": "2999-01-01T12:00:00+00:00"},
    ),
}


async def act(hass: HomeAssistant, control: Control) -> None:
    """Do what a control does."""
    await call(hass, control.action, entity_id=control.entity_id, **control.data)


async def call(hass: HomeAssistant, action: str, **data: Any) -> None:
    """Call an action of Home Assistant and wait for its end."""
    domain, service = action.split(".")
    await hass.services.async_call(domain, service, data, blocking=True)


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of an entity."""
    found = hass.states.get(entity_id)
    assert found is not None, entity_id
    return found.state


def history(hass: HomeAssistant, entity_id: str) -> list[str]:
    """Return a list that takes up every state an entity goes through from now on."""
    states: list[str] = []

    @callback
    def take_up(event: Event[EventStateChangedData]) -> None:
        assert event.data["new_state"] is not None
        states.append(event.data["new_state"].state)

    async_track_state_change_event(hass, entity_id, take_up)
    return states


def written(simulator: Simulator) -> list[tuple[str, Any]]:
    """Return what was written to vehicles."""
    return [
        (request.method, request.json)
        for request in simulator.requests
        if request.method != "GET" and "/electric-vehicles/" in request.path
    ]


def readings(simulator: Simulator) -> int:
    """Return how often vehicles were read."""
    return sum(request.method == "GET" for request in simulator.requests)


async def read(simulator: Simulator, times: int) -> None:
    """Wait until vehicles were read so often in all, and the last answer arrived."""
    async with asyncio.timeout(10):
        while readings(simulator) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await asyncio.sleep(SETTLING)


async def skip(hass: HomeAssistant, seconds: float) -> None:
    """Let what waits for so long happen now."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    # Not until all is done: an action may wait for more time to pass.
    await asyncio.sleep(SETTLING)
