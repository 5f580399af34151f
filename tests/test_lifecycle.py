"""Set-up, unload, reload and removal at any moment leave nothing behind."""

import asyncio
from collections.abc import Callable, Coroutine
import gc
from logging import INFO
from typing import Any
from unittest.mock import patch

import pytest

from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.async_ import get_scheduled_timer_handles

from .home import Home
from .support import HeldFault, complaints, message, token_requests, until
from custom_components.podero.api import PoderoClient
from custom_components.podero.coordinator import PoderoCoordinator

pytestmark = pytest.mark.usefixtures("without_retry_delay")

type Operation = Callable[[Home], Coroutine[Any, Any, None]]

PATIENCE = 5.0
"""Seconds after which something waits for a request that is held."""


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home with two cars."""
    return home.with_vehicles(0, 1)


def _is_asked(home: Home, path: str) -> bool:
    return any(path in request.path for request in home.simulator.requests)


async def _begin_set_up(home: Home) -> asyncio.Task[bool]:
    """Begin to set up the account, and wait for the first request for a vehicle."""
    home.entry.add_to_hass(home.hass)
    setting_up = home.hass.async_create_task(
        home.hass.config_entries.async_setup(home.entry.entry_id)
    )
    await until(lambda: _is_asked(home, "/electric-vehicles/"))
    return setting_up


def _left_over(hass: HomeAssistant) -> dict[str, Any]:
    """Return the objects, tasks, timers, listeners and signals that an entry may leave."""
    gc.collect()
    ours = [
        handle
        for handle in get_scheduled_timer_handles(hass.loop)
        if not handle.cancelled() and "podero" in repr(handle).lower()
    ]
    return {
        "objects": sum(
            isinstance(thing, PoderoCoordinator | PoderoClient)
            for thing in gc.get_objects()
        ),
        "tasks": [
            task.get_name() for task in asyncio.all_tasks() if "Car" in task.get_name()
        ],
        "timers": ours,
        "listeners": {
            event: count
            for event, count in hass.bus.async_listeners().items()
            # A store that is about to be written listens for it.
            if count and event != EVENT_HOMEASSISTANT_FINAL_WRITE
        },
        "signals": {
            signal: len(targets)
            for signal, targets in hass.data.get("dispatcher", {}).items()
            if targets
        },
    }


async def _disable(home: Home) -> None:
    await home.hass.config_entries.async_set_disabled_by(
        home.entry.entry_id, ConfigEntryDisabler.USER
    )


OPERATIONS: dict[str, Operation] = {
    "unload": Home.unload,
    "remove": Home.remove,
    "disable": _disable,
}


async def test_nothing_is_left_behind(home: Home) -> None:
    """An account that is set up and unloaded repeatedly leaves nothing in memory."""
    await home.set_up()
    await home.unload()
    before = _left_over(home.hass)
    for _ in range(3):
        await home.load()
        await home.later()
        await home.reload()
        await home.unload()
    assert _left_over(home.hass) == before
    assert before["objects"] == 0
    assert not before["tasks"]
    assert not before["timers"]


@pytest.mark.parametrize("stalled", ["vehicle", "token"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_during_a_poll_or_a_renewal(
    home: Home, caplog: pytest.LogCaptureFixture, operation: str, stalled: Any
) -> None:
    """Pending requests are not waited for, nothing is logged, and no request follows."""
    await home.set_up()
    home.simulator.revoke_tokens()
    caplog.clear()
    home.simulator.requests.clear()
    home.simulator.add_fault(HeldFault(kind=stalled))
    home.begin()
    paths = {"token": "/auth/token", "vehicle": "/electric-vehicles/"}
    await until(lambda: _is_asked(home, paths[stalled]))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](home)
        await home.settle()
    home.simulator.clear_faults()
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests
    assert not complaints(caplog, INFO)
    left_over = _left_over(home.hass)
    assert left_over["objects"] == 0
    assert not left_over["tasks"]
    assert not left_over["timers"]


async def test_reload_during_a_poll(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The new polls begin while the old ones are cancelled."""
    await home.set_up()
    before = home.shown()
    caplog.clear()
    home.simulator.requests.clear()
    home.simulator.add_fault(HeldFault(kind="vehicle", count=2))
    home.begin()
    await until(lambda: len(home.simulator.requests) == 2)
    async with asyncio.timeout(PATIENCE):
        await home.reload()
        await home.settle()
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.shown() == before
    assert not complaints(caplog)


async def test_remove_during_set_up(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The set-up ends, then the account is removed with its devices and entities."""
    held = HeldFault(kind="vehicle")
    home.simulator.add_fault(held)
    setting_up = await _begin_set_up(home)
    removing = home.hass.async_create_task(home.remove())
    held.let_go.set()
    await setting_up
    await removing
    await home.later(3600)
    assert not complaints(caplog)
    assert not er.async_get(home.hass).entities
    assert not home.devices()
    assert not home.shown()
    assert _left_over(home.hass)["objects"] == 0


@pytest.mark.parametrize("held", [0, 1])
@pytest.mark.parametrize("removed", [0, 1])
@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_remove_a_vehicle_during_set_up(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    held: int,
    removed: int,
    is_reloaded: bool,
) -> None:
    """The other vehicle is set up, and nothing of this one is left."""
    fault = HeldFault(kind="vehicle", vehicle_id=home.simulator.vehicles[held].id)
    if is_reloaded:
        await home.set_up()
        home.simulator.requests.clear()
        home.simulator.add_fault(fault)
        setting_up = home.hass.async_create_task(home.reload())
        await until(lambda: _is_asked(home, "/electric-vehicles/"))
    else:
        home.simulator.add_fault(fault)
        setting_up = await _begin_set_up(home)
    home.remove_vehicle(removed)
    fault.let_go.set()
    await setting_up
    await home.settle()
    assert home.entry.state is ConfigEntryState.LOADED
    assert home.is_available(1 - removed)
    assert len(home.devices()) == 1
    assert not complaints(caplog)


async def test_unload_before_the_next_try(home: Home) -> None:
    """The set-up of an account that was never reached is no longer retried."""
    home.simulator.add_fault(kind="vehicle", status=503)
    await home.fail_to_set_up()
    assert home.entry.state is ConfigEntryState.SETUP_RETRY
    await home.unload()
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests


def _begin(home: Home, action: str, entity_id: str, **data: Any) -> asyncio.Task[None]:
    """Call an action of Home Assistant in a task of its own, as a script does."""
    return asyncio.create_task(home.call(action, entity_id=entity_id, **data))


async def test_unload_during_a_write(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The action fails, and no request follows."""
    await home.set_up()
    home.simulator.revoke_tokens()
    caplog.clear()
    home.simulator.requests.clear()
    home.simulator.add_fault(HeldFault(kind="token"))
    pressing = _begin(home, "button.press", "button.car_1_charge_now")
    await until(lambda: token_requests(home.simulator))
    async with asyncio.timeout(PATIENCE):
        await home.unload()
        with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
            await pressing
        await home.settle()
    home.simulator.clear_faults()
    home.simulator.requests.clear()
    await home.later(3600)
    assert not home.simulator.requests
    assert not complaints(caplog)


def _set_level(home: Home, value: int) -> asyncio.Task[None]:
    return _begin(
        home, "number.set_value", "number.car_1_minimum_level_by_deadline", value=value
    )


@pytest.mark.parametrize(
    ("action", "entity_id"),
    [
        ("homeassistant.update_entity", "sensor.car_1_battery"),
        ("button.press", "button.car_1_charge_now"),
    ],
)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", [None, 401, 404, 503])
async def test_while_somebody_reads(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    action: str,
    entity_id: str,
    operation: str,
    status: int | None,
) -> None:
    """The answer of a pending request is ignored, whatever it is."""
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.set_up()
    home.simulator.requests.clear()
    home.car.override(external_device_id="new")
    held = HeldFault(kind="vehicle", status=status)
    home.simulator.add_fault(held)
    acting = _begin(home, action, entity_id)
    await until(lambda: any(r.method == "GET" for r in home.simulator.requests))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](home)
        caplog.clear()
        home.simulator.requests.clear()
        home.simulator.add_fault(kind="token", status=401)
        held.let_go.set()
        await acting
    await home.settle()
    await asyncio.sleep(0.05)
    assert not complaints(caplog)
    assert not home.reauth_flows()
    assert not home.simulator.requests


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_while_something_is_set(home: Home, operation: str) -> None:
    """A write that was sent succeeds without its confirmation; a queued one fails."""
    await home.set_up()
    held = HeldFault(kind="preferences")
    home.simulator.add_fault(held)
    sent, waiting = _set_level(home, 33), _set_level(home, 34)
    await until(lambda: any(r.method == "PUT" for r in home.simulator.requests))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](home)
        home.simulator.requests.clear()
        held.let_go.set()
        await sent
        with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
            await waiting
    assert not home.simulator.requests


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_refused_afterwards(
    home: Home, caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    """No reauthentication flow starts for an account that is no longer loaded."""
    await home.set_up()
    held = HeldFault(kind="boost", status=401)
    home.simulator.add_fault(held)
    pressing = _begin(home, "button.press", "button.car_1_charge_now")
    await until(lambda: _is_asked(home, "/boost"))
    await OPERATIONS[operation](home)
    caplog.clear()
    home.simulator.requests.clear()
    held.let_go.set()
    with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
        await pressing
    await home.settle()
    assert not complaints(caplog)
    assert not home.reauth_flows()
    assert not home.simulator.requests


async def test_stop_during_set_up(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Home Assistant stops without an error while the account is set up."""
    home.simulator.add_fault(HeldFault(kind="vehicle"))
    setting_up = await _begin_set_up(home)
    async with asyncio.timeout(PATIENCE):
        await home.hass.async_stop(force=True)
        await asyncio.wait({setting_up})
    assert "Unable to remove" not in caplog.text


async def test_poll_in_flight_at_the_end(home: Home) -> None:
    """Home Assistant stops at once; no task and no timer is left."""
    await home.set_up()
    home.simulator.revoke_tokens()
    home.simulator.requests.clear()
    home.simulator.add_fault(HeldFault(kind="token"))
    home.begin()
    await until(lambda: token_requests(home.simulator))
    async with asyncio.timeout(PATIENCE):
        await home.hass.async_stop(force=True)


async def test_reload_keeps_what_people_configured(
    home: Home, entity_registry: er.EntityRegistry
) -> None:
    """Entities and devices, and the ids chosen for them, are the same after a reload."""
    await home.set_up()
    entity_registry.async_update_entity(
        "sensor.car_1_battery", new_entity_id="sensor.battery_of_the_car"
    )
    entities = {entity.id for entity in entity_registry.entities.values()}
    devices = {device.id for device in home.devices()}
    await home.reload()
    await home.hass.async_block_till_done()
    assert {entity.id for entity in entity_registry.entities.values()} == entities
    assert {device.id for device in home.devices()} == devices
    assert home.hass.states.get("sensor.battery_of_the_car") is not None


# Vehicles that are added and removed.


async def test_vehicle_is_added(home: Home) -> None:
    """The vehicle is available at once, and the other one unchanged."""
    home = home.with_vehicles(0)
    await home.set_up()
    before = home.shown()
    home.add_vehicle(1)
    await home.settle()
    assert home.shown() == before
    assert home.is_available(1)
    assert len(home.devices()) == 2


@pytest.mark.parametrize("held", ["vehicle", "token"])
async def test_vehicle_is_removed(
    home: Home, caplog: pytest.LogCaptureFixture, held: Any
) -> None:
    """The vehicle is removed at once, also during its poll, and is no longer polled."""
    await home.set_up()
    before = home.shown(0)
    home.simulator.revoke_tokens()
    caplog.clear()
    home.simulator.requests.clear()
    answer = HeldFault(kind=held)
    home.simulator.add_fault(answer)
    home.begin()
    paths = {"token": "/auth/token", "vehicle": "/electric-vehicles/"}
    await until(lambda: _is_asked(home, paths[held]))
    home.remove_vehicle(1)
    answer.let_go.set()
    await home.settle()
    home.simulator.requests.clear()
    await home.later()
    assert home.shown(0) == before
    assert not home.shown(1)
    assert not home.vehicle_requests(1)
    (device,) = home.devices()
    assert device.name == "Car 1"
    assert len(er.async_get(home.hass).entities) == len(
        er.async_entries_for_device(
            er.async_get(home.hass), device.id, include_disabled_entities=True
        )
    )
    assert not complaints(caplog)


async def test_vehicle_is_removed_while_its_answer_comes(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """A late answer, which would update the device, does not create it again."""
    await home.set_up()
    caplog.clear()
    coordinator = home.coordinator(1)
    home.simulator.vehicles[1].override(external_device_id="new")
    vehicle = await coordinator.client.get_vehicle(coordinator.vehicle_id)
    home.remove_vehicle(1)
    with patch.object(coordinator.client, "get_vehicle", return_value=vehicle):
        await coordinator.async_refresh()
    await home.settle()
    assert len(home.devices()) == 1
    assert not complaints(caplog)


async def test_vehicle_is_removed_while_somebody_reads_it(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The poll is cancelled."""
    assert await async_setup_component(home.hass, "homeassistant", {})
    await home.set_up()
    home.simulator.requests.clear()
    home.simulator.vehicles[1].override(external_device_id="new")
    held = HeldFault(kind="vehicle", count=1)
    home.simulator.add_fault(held)
    reading = _begin(home, "homeassistant.update_entity", "sensor.car_2_battery")
    await until(lambda: home.simulator.requests)
    caplog.clear()
    home.remove_vehicle(1)
    async with asyncio.timeout(PATIENCE):
        await reading
    held.let_go.set()
    await home.settle()
    assert len(home.devices()) == 1
    assert not complaints(caplog)


async def test_vehicle_is_added_during_set_up(home: Home) -> None:
    """The vehicle is set up without a restart, however slow the cloud is."""
    home = home.with_vehicles(0)
    held = HeldFault(kind="vehicle")
    home.simulator.add_fault(held)
    setting_up = await _begin_set_up(home)
    home.add_vehicle(1)
    held.let_go.set()
    await setting_up
    await home.settle()
    assert home.is_available(0)
    assert home.is_available(1)
