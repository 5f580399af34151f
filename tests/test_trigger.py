"""Triggers: each change of a targeted car runs an automation once."""

from typing import Any

import pytest
import voluptuous as vol

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
    trigger,
)
from homeassistant.setup import async_setup_component

from .automations import TRIGGERS, automate, listen, on_all
from .home import Home

pytestmark = pytest.mark.usefixtures("without_retry_delay")


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home with two cars, of which the first is plugged in."""
    return home.with_vehicles(0, 1)


async def test_each_change_once(home: Home, runs: list[ServiceCall]) -> None:
    """Each trigger runs for its own change, with what an automation needs to know."""
    await home.set_up()
    device = home.device()
    await listen(home)
    car = home.car
    car.life.preferences.is_smart_optimization_active = False
    for step, expected in (
        (car.unplug, ["unplugged"]),
        (car.plug_in, ["plugged_in"]),
        (car.start_charging, ["charging_started"]),
        (car.stop_charging, ["charging_stopped", "charging_interrupted"]),
        (car.fill_up, ["fully_charged"]),
    ):
        step()
        await home.refresh()
        await home.refresh()
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
    # The other car is not targeted.
    home.simulator.vehicles[1].plug_in()
    await home.refresh()
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
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    floor_registry: fr.FloorRegistry,
    label_registry: lr.LabelRegistry,
    runs: list[ServiceCall],
    target: str,
    is_targeted_before: bool,
) -> None:
    """A car can be targeted in many ways; the target is resolved when the event occurs."""
    await home.set_up()
    floor = floor_registry.async_create("Ground floor")
    area = area_registry.async_create("Garage", floor_id=floor.floor_id)
    label = label_registry.async_create("Cars").label_id
    device = home.device()
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
    await automate(home, *on_all(choice))
    arrange()
    home.car.unplug()
    home.simulator.vehicles[1].plug_in()
    await home.refresh()
    assert [(run.data["vehicle"], run.data["event"]) for run in runs] == [
        ("Car 1", "unplugged")
    ]


async def test_two_cars(
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    runs: list[ServiceCall],
) -> None:
    """A target with two cars triggers for each, but not for one that left it."""
    await home.set_up()
    area = area_registry.async_create("Garage")
    first, second = home.device(0), home.device(1)
    for device in (first, second):
        device_registry.async_update_device(
            device.id, area_id=area.id, name_by_user=f"Our {device.name}"
        )
    await automate(home, *on_all({"area_id": area.id}))
    home.car.unplug()
    home.simulator.vehicles[1].plug_in()
    await home.refresh()
    assert {(run.data["vehicle"], run.data["event"]) for run in runs} == {
        ("Our Car 1", "unplugged"),
        ("Our Car 2", "plugged_in"),
    }
    runs.clear()

    device_registry.async_update_device(second.id, area_id=None)
    home.car.plug_in()
    home.simulator.vehicles[1].unplug()
    await home.refresh()
    assert [run.data["vehicle"] for run in runs] == ["Our Car 1"]


async def test_outage_and_reload(home: Home, runs: list[ServiceCall]) -> None:
    """A change during an outage triggers after it; one before a set-up does not."""
    car = home.car
    await home.set_up()
    await listen(home)

    home.simulator.add_fault(kind="vehicle", status=500)
    await home.refresh()
    car.unplug()
    home.simulator.clear_faults()
    await home.refresh()
    assert [run.data["event"] for run in runs] == ["unplugged"]
    runs.clear()

    car.plug_in()
    await home.reload()
    await home.hass.async_block_till_done()
    await home.refresh()
    assert not runs

    car.unplug()
    await home.refresh()
    assert [run.data["event"] for run in runs] == ["unplugged"]
    runs.clear()

    # An automation that is off is not run, and not run later either.
    await home.call("automation.turn_off", entity_id="automation.automation_0")
    car.plug_in()
    await home.refresh()
    assert not runs


async def test_device_gone(
    home: Home, device_registry: dr.DeviceRegistry, runs: list[ServiceCall]
) -> None:
    """A car whose device was removed is in no target."""
    await home.set_up()
    device = home.device()
    await listen(home)
    device_registry.async_remove_device(device.id)
    home.car.unplug()
    await home.refresh()
    assert not runs


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({}, "target"),
        ({"target": {}}, "Choose at least one car"),
        ({"target": {"entity_id": []}}, "Choose at least one car"),
        ({"target": {"device_id": "car"}, "options": {"for": "00:01:00"}}, "for"),
    ],
)
async def test_useless_config(
    home: Home, config: dict[str, Any], complaint: str
) -> None:
    """A trigger that could never run is refused at once."""
    await home.set_up()
    with pytest.raises(vol.Invalid, match=complaint):
        await trigger.async_validate_trigger_config(
            home.hass, [{"platform": "podero.plugged_in"} | config]
        )


async def test_descriptions(home: Home) -> None:
    """The editor is offered every trigger, for vehicles only."""
    await home.set_up()
    await async_setup_component(home.hass, AUTOMATION, {})
    descriptions = await trigger.async_get_all_descriptions(home.hass)
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
    home: Home,
    runs: list[ServiceCall],
    key: str,
    options: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Home Assistant's own triggers work with the car's level and power."""
    car = home.car
    car.override(**before)
    await home.set_up()
    device = home.device()
    target = {"device_id": device.id}
    await home.automate(
        triggers={"trigger": key, "target": target, "options": options},
        actions={"action": "test.run"},
    )
    await home.refresh()
    assert not runs
    car.override(**after)
    await home.refresh()
    await home.refresh()
    assert len(runs) == 1
