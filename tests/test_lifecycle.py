"""Set up, unloaded, reloaded, removed at the worst moment: nothing left, nothing raised."""

import asyncio
from collections.abc import Callable, Coroutine
import gc
from logging import INFO
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util.async_ import get_scheduled_timer_handles

from .conftest import SetUp
from .controls import call
from .home import account_entry, vehicle_subentry
from .support import (
    HeldFault,
    begin,
    complaints,
    is_available,
    later,
    message,
    reauth_flows,
    shown,
    token_requests,
    until,
    vehicle_requests,
)
from custom_components.podero import coordinator as coordinator_module
from custom_components.podero.api import PoderoClient
from custom_components.podero.coordinator import PoderoCoordinator
from simulator import Server, Simulator

type Operation = Callable[[HomeAssistant, MockConfigEntry], Coroutine[Any, Any, Any]]

PATIENCE = 5.0
"""Seconds after which somebody must have waited for a request that is not answered."""


@pytest.fixture(autouse=True)
def _without_blip_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is otherwise tried again after a few seconds."""
    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", 0)


@pytest.fixture
def two_cars(server: Server) -> MockConfigEntry:
    """Return the account with both of its vehicles."""
    return account_entry(server, 0, 1)


def _subentry(simulator: Simulator, number: int) -> ConfigSubentry:
    data: Any = vehicle_subentry(
        simulator.vehicles[number].id, title=f"Car {number + 1}"
    )
    return ConfigSubentry(**data)


def _is_asked(simulator: Simulator, path: str) -> bool:
    return any(path in request.path for request in simulator.requests)


async def _begin_set_up(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> asyncio.Task[bool]:
    """Set an account up as far as its first vehicle is asked for."""
    entry.add_to_hass(hass)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await until(lambda: _is_asked(simulator, "/electric-vehicles/"))
    return setting_up


def _devices(hass: HomeAssistant, entry: MockConfigEntry) -> list[dr.DeviceEntry]:
    return dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)


def _left_over(hass: HomeAssistant) -> dict[str, Any]:
    """Return what an entry that is gone must not add to."""
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


async def _unload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)


async def _remove(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_remove(entry.entry_id)


async def _disable(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )


OPERATIONS: dict[str, Operation] = {
    "unload": _unload,
    "remove": _remove,
    "disable": _disable,
}


async def test_nothing_is_left_behind(
    hass: HomeAssistant, two_cars: MockConfigEntry, set_up: SetUp
) -> None:
    """Set up and unloaded again and again, an account leaves no trace in memory."""
    await set_up(two_cars)
    await _unload(hass, two_cars)
    before = _left_over(hass)
    for _ in range(3):
        assert await hass.config_entries.async_setup(two_cars.entry_id)
        await later(hass)
        await hass.config_entries.async_reload(two_cars.entry_id)
        await _unload(hass, two_cars)
    assert _left_over(hass) == before
    assert before["objects"] == 0
    assert not before["tasks"]
    assert not before["timers"]


@pytest.mark.parametrize("stalled", ["vehicle", "token"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_during_a_poll_or_a_renewal(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    operation: str,
    stalled: Any,
) -> None:
    """Nobody waits for what is under way, nothing is raised, and nothing comes after."""
    await set_up(two_cars)
    simulator.revoke_tokens()
    caplog.clear()
    simulator.requests.clear()
    simulator.add_fault(HeldFault(kind=stalled))
    begin(hass)
    paths = {"token": "/auth/token", "vehicle": "/electric-vehicles/"}
    await until(lambda: _is_asked(simulator, paths[stalled]))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](hass, two_cars)
        await hass.async_block_till_done(wait_background_tasks=True)
    simulator.clear_faults()
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests
    assert not complaints(caplog, INFO)
    left_over = _left_over(hass)
    assert left_over["objects"] == 0
    assert not left_over["tasks"]
    assert not left_over["timers"]


async def test_reload_during_a_poll(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The new polls begin while the old ones are given up."""
    await set_up(two_cars)
    before = shown(hass, simulator)
    caplog.clear()
    simulator.requests.clear()
    simulator.add_fault(HeldFault(kind="vehicle", count=2))
    begin(hass)
    await until(lambda: len(simulator.requests) == 2)
    async with asyncio.timeout(PATIENCE):
        await hass.config_entries.async_reload(two_cars.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert two_cars.state is ConfigEntryState.LOADED
    assert shown(hass, simulator) == before
    assert not complaints(caplog)


async def test_remove_during_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The set-up ends, and then the account goes, with all it has made."""
    held = HeldFault(kind="vehicle")
    simulator.add_fault(held)
    setting_up = await _begin_set_up(hass, simulator, two_cars)
    removing = hass.async_create_task(_remove(hass, two_cars))
    held.let_go.set()
    await setting_up
    await removing
    await later(hass, 3600)
    assert not complaints(caplog)
    assert not er.async_get(hass).entities
    assert not _devices(hass, two_cars)
    assert not shown(hass, simulator)
    assert _left_over(hass)["objects"] == 0


@pytest.mark.parametrize("held", [0, 1])
@pytest.mark.parametrize("removed", [0, 1])
@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_remove_a_vehicle_during_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    held: int,
    removed: int,
    is_reloaded: bool,
) -> None:
    """The other one is set up, and of this one nothing is left."""
    fault = HeldFault(kind="vehicle", vehicle_id=simulator.vehicles[held].id)
    if is_reloaded:
        await set_up(two_cars)
        simulator.requests.clear()
        simulator.add_fault(fault)
        setting_up = hass.async_create_task(
            hass.config_entries.async_reload(two_cars.entry_id)
        )
        await until(lambda: _is_asked(simulator, "/electric-vehicles/"))
    else:
        simulator.add_fault(fault)
        setting_up = await _begin_set_up(hass, simulator, two_cars)
    subentry_id = [*two_cars.subentries][removed]
    hass.config_entries.async_remove_subentry(two_cars, subentry_id)
    fault.let_go.set()
    await setting_up
    await hass.async_block_till_done(wait_background_tasks=True)
    assert two_cars.state is ConfigEntryState.LOADED
    assert is_available(hass, simulator, 1 - removed)
    assert len(_devices(hass, two_cars)) == 1
    assert not complaints(caplog)


async def test_unload_before_the_next_try(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """An account that was never reached is not tried any more."""
    simulator.add_fault(kind="vehicle", status=503)
    two_cars.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(two_cars.entry_id)
    assert two_cars.state is ConfigEntryState.SETUP_RETRY
    await _unload(hass, two_cars)
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests


def _begin(
    hass: HomeAssistant, action: str, entity_id: str, **data: Any
) -> asyncio.Task[None]:
    """Begin an action of Home Assistant in a task of its own, as a script does."""
    return asyncio.create_task(call(hass, action, entity_id=entity_id, **data))


async def test_unload_during_a_write(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who pressed the button is told that it did not get through, and nothing else happens."""
    await set_up(two_cars)
    simulator.revoke_tokens()
    caplog.clear()
    simulator.requests.clear()
    simulator.add_fault(HeldFault(kind="token"))
    pressing = _begin(hass, "button.press", "button.car_1_charge_now")
    await until(lambda: token_requests(simulator))
    async with asyncio.timeout(PATIENCE):
        await _unload(hass, two_cars)
        with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
            await pressing
        await hass.async_block_till_done(wait_background_tasks=True)
    simulator.clear_faults()
    simulator.requests.clear()
    await later(hass, 3600)
    assert not simulator.requests
    assert not complaints(caplog)


def _set_level(hass: HomeAssistant, value: int) -> asyncio.Task[None]:
    return _begin(
        hass, "number.set_value", "number.car_1_minimum_level_by_deadline", value=value
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
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    action: str,
    entity_id: str,
    operation: str,
    status: int | None,
) -> None:
    """What is answered then is no news to anybody, whatever it is."""
    assert await async_setup_component(hass, "homeassistant", {})
    await set_up(two_cars)
    simulator.requests.clear()
    simulator.vehicles[0].override(external_device_id="new")
    held = HeldFault(kind="vehicle", status=status)
    simulator.add_fault(held)
    acting = _begin(hass, action, entity_id)
    await until(lambda: any(r.method == "GET" for r in simulator.requests))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](hass, two_cars)
        caplog.clear()
        simulator.requests.clear()
        simulator.add_fault(kind="token", status=401)
        held.let_go.set()
        await acting
    await hass.async_block_till_done(wait_background_tasks=True)
    await asyncio.sleep(0.05)
    assert not complaints(caplog)
    assert not reauth_flows(hass)
    assert not simulator.requests


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_while_something_is_set(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    operation: str,
) -> None:
    """What was sent is sent, and nobody waits for it to be shown; what was not is not."""
    await set_up(two_cars)
    held = HeldFault(kind="preferences")
    simulator.add_fault(held)
    sent, waiting = _set_level(hass, 33), _set_level(hass, 34)
    await until(lambda: any(r.method == "PUT" for r in simulator.requests))
    async with asyncio.timeout(PATIENCE):
        await OPERATIONS[operation](hass, two_cars)
        simulator.requests.clear()
        held.let_go.set()
        await sent
        with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
            await waiting
    assert not simulator.requests


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_refused_afterwards(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    operation: str,
) -> None:
    """Nobody is asked to sign in for an account that is not in use any more."""
    await set_up(two_cars)
    held = HeldFault(kind="boost", status=401)
    simulator.add_fault(held)
    pressing = _begin(hass, "button.press", "button.car_1_charge_now")
    await until(lambda: _is_asked(simulator, "/boost"))
    await OPERATIONS[operation](hass, two_cars)
    caplog.clear()
    simulator.requests.clear()
    held.let_go.set()
    with pytest.raises(HomeAssistantError, match=message("write_cannot_connect")):
        await pressing
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not complaints(caplog)
    assert not reauth_flows(hass)
    assert not simulator.requests


async def test_stop_during_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is given up twice."""
    simulator.add_fault(HeldFault(kind="vehicle"))
    setting_up = await _begin_set_up(hass, simulator, two_cars)
    async with asyncio.timeout(PATIENCE):
        await hass.async_stop(force=True)
        await asyncio.wait({setting_up})
    assert "Unable to remove" not in caplog.text


async def test_poll_in_flight_at_the_end(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry, set_up: SetUp
) -> None:
    """Home Assistant stops at once: no task and no timer of this test may be left over."""
    await set_up(two_cars)
    simulator.revoke_tokens()
    simulator.requests.clear()
    simulator.add_fault(HeldFault(kind="token"))
    begin(hass)
    await until(lambda: token_requests(simulator))
    async with asyncio.timeout(PATIENCE):
        await hass.async_stop(force=True)


async def test_reload_keeps_what_people_configured(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    entity_registry: er.EntityRegistry,
) -> None:
    """Entities and devices are the same ones afterwards, under the names that they were given."""
    await set_up(two_cars)
    entity_registry.async_update_entity(
        "sensor.car_1_battery", new_entity_id="sensor.battery_of_the_car"
    )
    entities = {entity.id for entity in entity_registry.entities.values()}
    devices = {device.id for device in _devices(hass, two_cars)}
    await hass.config_entries.async_reload(two_cars.entry_id)
    await hass.async_block_till_done()
    assert {entity.id for entity in entity_registry.entities.values()} == entities
    assert {device.id for device in _devices(hass, two_cars)} == devices
    assert hass.states.get("sensor.battery_of_the_car") is not None


# Vehicles that come and go.


async def test_vehicle_is_added(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """It is there at once, and the other one as before."""
    await set_up(entry)
    before = shown(hass, simulator)
    hass.config_entries.async_add_subentry(entry, _subentry(simulator, 1))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert shown(hass, simulator) == before
    assert is_available(hass, simulator, 1)
    assert len(_devices(hass, entry)) == 2


@pytest.mark.parametrize("held", ["vehicle", "token"])
async def test_vehicle_is_removed(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    held: Any,
) -> None:
    """It is gone at once, in the middle of its poll too, and is asked for no more."""
    await set_up(two_cars)
    before = shown(hass, simulator, 0)
    simulator.revoke_tokens()
    caplog.clear()
    simulator.requests.clear()
    answer = HeldFault(kind=held)
    simulator.add_fault(answer)
    begin(hass)
    paths = {"token": "/auth/token", "vehicle": "/electric-vehicles/"}
    await until(lambda: _is_asked(simulator, paths[held]))
    subentry_id = list(two_cars.subentries)[1]
    hass.config_entries.async_remove_subentry(two_cars, subentry_id)
    answer.let_go.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    simulator.requests.clear()
    await later(hass)
    assert shown(hass, simulator, 0) == before
    assert not shown(hass, simulator, 1)
    assert not vehicle_requests(simulator, 1)
    (device,) = _devices(hass, two_cars)
    assert device.name == "Car 1"
    assert len(er.async_get(hass).entities) == len(
        er.async_entries_for_device(
            er.async_get(hass), device.id, include_disabled_entities=True
        )
    )
    assert not complaints(caplog)


async def test_vehicle_is_removed_while_its_answer_comes(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An answer that comes too late, and would rename the device, brings nothing back."""
    await set_up(two_cars)
    caplog.clear()
    coordinator = list(two_cars.runtime_data.coordinators.values())[1]
    simulator.vehicles[1].override(external_device_id="new")
    vehicle = await coordinator.client.get_vehicle(coordinator.vehicle_id)
    hass.config_entries.async_remove_subentry(
        two_cars, coordinator.subentry.subentry_id
    )
    with patch.object(coordinator.client, "get_vehicle", return_value=vehicle):
        await coordinator.async_refresh()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(_devices(hass, two_cars)) == 1
    assert not complaints(caplog)


async def test_vehicle_is_removed_while_somebody_reads_it(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The reading is given up."""
    assert await async_setup_component(hass, "homeassistant", {})
    await set_up(two_cars)
    simulator.requests.clear()
    simulator.vehicles[1].override(external_device_id="new")
    held = HeldFault(kind="vehicle", count=1)
    simulator.add_fault(held)
    reading = _begin(hass, "homeassistant.update_entity", "sensor.car_2_battery")
    await until(lambda: simulator.requests)
    caplog.clear()
    hass.config_entries.async_remove_subentry(two_cars, list(two_cars.subentries)[1])
    async with asyncio.timeout(PATIENCE):
        await reading
    held.let_go.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(_devices(hass, two_cars)) == 1
    assert not complaints(caplog)


async def test_vehicle_is_added_during_set_up(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry
) -> None:
    """It needs no restart to be there, however slow the cloud is at the moment."""
    held = HeldFault(kind="vehicle")
    simulator.add_fault(held)
    setting_up = await _begin_set_up(hass, simulator, entry)
    hass.config_entries.async_add_subentry(entry, _subentry(simulator, 1))
    held.let_go.set()
    await setting_up
    await hass.async_block_till_done(wait_background_tasks=True)
    assert is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
