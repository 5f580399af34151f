"""The triggers: each true change of a targeted car runs an automation once."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
import voluptuous as vol

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
    trigger,
)
from homeassistant.setup import async_setup_component

from .conftest import Refresh, SetUp, account_entry
from custom_components.podero.const import DOMAIN
from simulator import Car, Server, Simulator

TRIGGERS = (
    "plugged_in",
    "unplugged",
    "charging_started",
    "charging_stopped",
    "charging_interrupted",
    "fully_charged",
)
VARIABLES = (
    "platform",
    "event",
    "missed",
    "vehicle",
    "device_id",
    "entity_id",
    "description",
)


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
async def entry(server: Server) -> MockConfigEntry:
    """Return the account with both cars, of which the first is plugged in."""
    return account_entry(server, 0, 1)


@pytest.fixture
def runs(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what the automation ran with."""
    return async_mock_service(hass, "test", "run")


async def automate(hass: HomeAssistant, *triggers: dict[str, Any]) -> None:
    """Run an automation on triggers."""
    action = {
        "action": "test.run",
        "data": {name: f"{{{{ trigger.{name} }}}}" for name in VARIABLES},
    }
    automation = {"triggers": [*triggers], "actions": action, "mode": "parallel"}
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await hass.async_block_till_done()


def on_all(target: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all triggers for a target, as the editor writes them."""
    return [
        {"trigger": f"podero.{name}", "target": target, "options": {}}
        for name in TRIGGERS
    ]


def device_of(hass: HomeAssistant, entry: MockConfigEntry, car: Car) -> dr.DeviceEntry:
    """Return the device of a car."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, car.id), entry.entry_id
    )
    assert device is not None
    return device


async def test_each_change_once(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
) -> None:
    """Each trigger runs for its own change, with what an automation needs to know."""
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, *on_all({"device_id": device.id}))
    car = simulator.vehicles[0]
    car.life.preferences.is_smart_optimization_active = False
    for step, expected in (
        (car.unplug, ["unplugged"]),
        (car.plug_in, ["plugged_in"]),
        (car.start_charging, ["charging_started"]),
        (car.stop_charging, ["charging_stopped", "charging_interrupted"]),
        (car.fill_up, ["fully_charged"]),
    ):
        step()
        await refresh(entry)
        await refresh(entry)
        assert [run.data["event"] for run in runs] == expected
        for run in runs:
            event = run.data["event"]
            assert run.data == {
                "platform": f"podero.{event}",
                "event": event,
                "missed": False,
                "vehicle": "Car 1",
                "device_id": device.id,
                "entity_id": "event.car_1_charging_event",
                "description": f"Car 1 {event.replace('_', ' ')}",
            }
        runs.clear()
    # The other car is none of this automation's business.
    simulator.vehicles[1].plug_in()
    await refresh(entry)
    assert not runs


@pytest.mark.parametrize(
    "target",
    [
        "device",
        "event",
        "tracker",
        "disabled entity",
        "area of the device",
        "floor of the device",
        "label of the device",
        "label of the area",
        "area of an entity",
        "label of an entity",
    ],
)
@pytest.mark.parametrize("is_targeted_before", [True, False])
async def test_targets(
    hass: HomeAssistant,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    floor_registry: fr.FloorRegistry,
    label_registry: lr.LabelRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
    target: str,
    is_targeted_before: bool,
) -> None:
    """A car is targeted in many ways: what counts is the moment when something happens."""
    await set_up(entry)
    floor = floor_registry.async_create("Ground floor")
    area = area_registry.async_create("Garage", floor_id=floor.floor_id)
    label = label_registry.async_create("Cars").label_id
    device = device_of(hass, entry, simulator.vehicles[0])
    tracker = "device_tracker.car_1_location"

    def arrange() -> None:
        match target:
            case "area of the device" | "floor of the device":
                device_registry.async_update_device(device.id, area_id=area.id)
            case "label of the device":
                device_registry.async_update_device(device.id, labels={label})
            case "label of the area":
                device_registry.async_update_device(device.id, area_id=area.id)
                area_registry.async_update(area.id, labels={label})
            case "area of an entity":
                entity_registry.async_update_entity(tracker, area_id=area.id)
            case "label of an entity":
                entity_registry.async_update_entity(tracker, labels={label})

    if is_targeted_before:
        arrange()
    targets: dict[str, dict[str, Any]] = {
        "device": {"device_id": [device.id]},
        "event": {"entity_id": "event.car_1_charging_event"},
        "tracker": {"entity_id": [tracker]},
        "disabled entity": {"entity_id": "sensor.car_1_price_zone"},
        "floor of the device": {"floor_id": floor.floor_id},
    }
    kind = "area_id" if target.startswith("area") else "label_id"
    choice = targets.get(target, {kind: area.id if kind == "area_id" else label})
    await automate(hass, *on_all(choice))
    arrange()
    simulator.vehicles[0].unplug()
    simulator.vehicles[1].plug_in()
    await refresh(entry)
    assert [(run.data["vehicle"], run.data["event"]) for run in runs] == [
        ("Car 1", "unplugged")
    ]


async def test_two_cars(
    hass: HomeAssistant,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
) -> None:
    """A target with two cars triggers for each, and no more for one that left it."""
    await set_up(entry)
    area = area_registry.async_create("Garage")
    first, second = (device_of(hass, entry, car) for car in simulator.vehicles)
    for device in (first, second):
        device_registry.async_update_device(
            device.id, area_id=area.id, name_by_user=f"Our {device.name}"
        )
    await automate(hass, *on_all({"area_id": area.id}))
    simulator.vehicles[0].unplug()
    simulator.vehicles[1].plug_in()
    await refresh(entry)
    assert {(run.data["vehicle"], run.data["event"]) for run in runs} == {
        ("Our Car 1", "unplugged"),
        ("Our Car 2", "plugged_in"),
    }
    runs.clear()

    device_registry.async_update_device(second.id, area_id=None)
    simulator.vehicles[0].plug_in()
    simulator.vehicles[1].unplug()
    await refresh(entry)
    assert [run.data["vehicle"] for run in runs] == ["Our Car 1"]


async def test_outage_and_reload(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
) -> None:
    """What happened in an outage is told after it; what happened before a start is not."""
    car = simulator.vehicles[0]
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, *on_all({"device_id": device.id}))

    simulator.add_fault(kind="vehicle", status=500)
    await refresh(entry)
    car.unplug()
    simulator.clear_faults()
    await refresh(entry)
    assert [run.data["event"] for run in runs] == ["unplugged"]
    runs.clear()

    car.plug_in()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await refresh(entry)
    assert not runs

    car.unplug()
    await refresh(entry)
    assert [run.data["event"] for run in runs] == ["unplugged"]
    runs.clear()

    # An automation that is off is not run, and not run later either.
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "automation.automation_0"}, blocking=True
    )
    car.plug_in()
    await refresh(entry)
    assert not runs


async def test_device_gone(
    hass: HomeAssistant,
    device_registry: dr.DeviceRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
) -> None:
    """A car whose device was removed is in no target."""
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, *on_all({"device_id": device.id}))
    device_registry.async_remove_device(device.id)
    simulator.vehicles[0].unplug()
    await refresh(entry)
    assert not runs


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({}, "target"),
        ({"target": {}}, "Choose at least one vehicle"),
        ({"target": {"entity_id": []}}, "Choose at least one vehicle"),
        ({"target": {"device_id": "car"}, "options": {"for": "00:01:00"}}, "for"),
    ],
)
async def test_useless_config(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    config: dict[str, Any],
    complaint: str,
) -> None:
    """A trigger that could never run is refused at once."""
    await set_up(entry)
    with pytest.raises(vol.Invalid, match=complaint):
        await trigger.async_validate_trigger_config(
            hass, [{"platform": "podero.plugged_in"} | config]
        )


async def test_descriptions(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """The editor is offered every trigger, for vehicles only."""
    await set_up(entry)
    await async_setup_component(hass, AUTOMATION, {})
    descriptions = await trigger.async_get_all_descriptions(hass)
    ours = {key for key in descriptions if key.startswith("podero.")}
    assert ours == {f"podero.{name}" for name in (*TRIGGERS, "deadline_missed")}
    for key in ours:
        description = descriptions[key]
        assert description is not None
        assert description["target"].keys() == {"device", "entity"}


@pytest.mark.parametrize(
    ("key", "options", "before", "after"),
    [
        (
            "battery.level_crossed_threshold",
            {"threshold": {"type": "above", "value": {"number": 70}}},
            {"battery_level": 69},
            {"battery_level": 71},
        ),
        (
            "power.crossed_threshold",
            {
                "threshold": {
                    "type": "above",
                    "value": {"number": 5, "unit_of_measurement": "kW"},
                }
            },
            {"is_charging": True, "charge_rate_w": 0},
            {"is_charging": True, "charge_rate_w": 11000},
        ),
        (
            "battery.started_charging",
            {},
            {"is_charging": False},
            {"is_charging": True},
        ),
        (
            "battery.stopped_charging",
            {},
            {"is_charging": True},
            {"is_charging": False},
        ),
    ],
)
async def test_triggers_of_home_assistant(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    key: str,
    options: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Level and power have triggers of Home Assistant's own: no second ones are needed."""
    car = simulator.vehicles[0]
    car.override(**before)
    await set_up(entry)
    calls = async_mock_service(hass, "test", "run")
    device = device_of(hass, entry, simulator.vehicles[0])
    target = {"device_id": device.id}
    automation = {
        "triggers": {"trigger": key, "target": target, "options": options},
        "actions": {"action": "test.run"},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await refresh(entry)
    assert not calls
    car.override(**after)
    await refresh(entry)
    await refresh(entry)
    assert len(calls) == 1
