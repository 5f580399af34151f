"""The conditions: true of a car only where it is known to be."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    condition,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component

from .conftest import Refresh, SetUp, account_entry
from .test_trigger import device_of
from simulator import ABSENT, Server, Simulator

CONDITIONS = ("is_plugged_in", "is_charging", "is_fully_charged")


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
def entry(server: Server) -> MockConfigEntry:
    """Return the account with both cars."""
    return account_entry(server, 0, 1)


@pytest.fixture
def runs(hass: HomeAssistant) -> list[ServiceCall]:
    """Return the runs of the automation."""
    return async_mock_service(hass, "test", "run")


async def automate(
    hass: HomeAssistant, name: str, target: dict[str, Any], **options: Any
) -> None:
    """Run an automation under a condition."""
    automation = {
        "triggers": {"trigger": "event", "event_type": "test"},
        "conditions": {
            "condition": f"podero.{name}",
            "target": target,
            "options": options,
        },
        "actions": {"action": "test.run"},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await hass.async_block_till_done()


async def is_true(hass: HomeAssistant, runs: list[ServiceCall]) -> bool:
    """Return whether the condition lets the automation run now."""
    hass.bus.async_fire("test")
    await hass.async_block_till_done()
    has_run = bool(runs)
    runs.clear()
    return has_run


@pytest.mark.parametrize("name", CONDITIONS)
async def test_known(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
    name: str,
) -> None:
    """True is true; false, not known and not reachable are not."""
    car = simulator.vehicles[0]
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(hass, name, {"device_id": device.id})
    for value, expected in (
        (True, True),
        (False, False),
        (None, False),
        (ABSENT, False),
    ):
        car.override(**{name: value})
        await refresh(entry)
        assert await is_true(hass, runs) is expected

    car.override(**{name: True})
    simulator.add_fault(kind="vehicle", status=503)
    await refresh(entry)
    assert not await is_true(hass, runs)
    simulator.clear_faults()
    await refresh(entry)
    assert await is_true(hass, runs)
    await hass.config_entries.async_unload(entry.entry_id)
    assert not await is_true(hass, runs)


@pytest.mark.parametrize(
    "target", ["area", "label", "sensor itself", "another entity of the car"]
)
async def test_targets(
    hass: HomeAssistant,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    label_registry: lr.LabelRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    runs: list[ServiceCall],
    target: str,
) -> None:
    """However a car is targeted, its own sensor is asked, and no other plug in the room."""
    await set_up(entry)
    area = area_registry.async_create("Garage")
    label = label_registry.async_create("Cars").label_id
    device = device_of(hass, entry, simulator.vehicles[0])
    device_registry.async_update_device(device.id, area_id=area.id, labels={label})
    lamp = entity_registry.async_get_or_create(
        "binary_sensor", "test", "lamp", original_device_class="plug"
    )
    entity_registry.async_update_entity(lamp.entity_id, area_id=area.id, labels={label})
    hass.states.async_set(lamp.entity_id, "on", {"device_class": "plug"})
    await automate(
        hass,
        "is_plugged_in",
        {
            "area": {"area_id": area.id},
            "label": {"label_id": label},
            "sensor itself": {"entity_id": "binary_sensor.car_1_plugged_in"},
            "another entity of the car": {"entity_id": "sensor.car_1_battery"},
        }[target],
    )
    assert await is_true(hass, runs)
    simulator.vehicles[0].unplug()
    await refresh(entry)
    assert not await is_true(hass, runs)


@pytest.mark.parametrize(
    ("behavior", "first", "second", "expected"),
    [
        ("any", True, False, True),
        ("any", None, True, True),
        ("any", None, False, False),
        ("all", True, True, True),
        ("all", True, False, False),
        ("all", True, None, False),
        ("all", None, None, False),
    ],
)
async def test_two_cars(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    runs: list[ServiceCall],
    behavior: str,
    first: bool | None,
    second: bool | None,
    expected: bool,
) -> None:
    """Of two cars one is enough, or both are needed."""
    for car, value in zip(simulator.vehicles, (first, second), strict=True):
        car.override(is_plugged_in=True, is_charging=value)
    await set_up(entry)
    devices = [device_of(hass, entry, car).id for car in simulator.vehicles]
    await automate(hass, "is_charging", {"device_id": devices}, behavior=behavior)
    assert await is_true(hass, runs) is expected


async def test_nobody_targeted(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp, runs: list[ServiceCall]
) -> None:
    """Of no car at all nothing is true."""
    await set_up(entry)
    await automate(hass, "is_charging", {"area_id": "nowhere"})
    assert not await is_true(hass, runs)


async def test_the_plug_stands_for_the_car(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    runs: list[ServiceCall],
) -> None:
    """What the editor offers as a car's entity works for every condition."""
    simulator.vehicles[0].start_charging()
    await set_up(entry)
    await automate(hass, "is_charging", {"entity_id": "binary_sensor.car_1_plugged_in"})
    assert await is_true(hass, runs)


@pytest.mark.parametrize(
    "entity_id", ["binary_sensor.lamp", "binary_sensor.nothing", "event.something"]
)
async def test_entities_of_others(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    set_up: SetUp,
    runs: list[ServiceCall],
    entity_id: str,
) -> None:
    """Of what is no car nothing is true."""
    await set_up(entry)
    hass.states.async_set("binary_sensor.lamp", "on", {"device_class": "plug"})
    await automate(hass, "is_plugged_in", {"entity_id": entity_id})
    assert not await is_true(hass, runs)


async def test_duration(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    runs: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It can be asked for how long something has been true."""
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    await automate(
        hass, "is_plugged_in", {"device_id": device.id}, **{"for": {"minutes": 10}}
    )
    assert not await is_true(hass, runs)
    freezer.tick(timedelta(minutes=11))
    assert await is_true(hass, runs)


async def test_descriptions(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """The editor is offered every condition, for vehicles only."""
    await set_up(entry)
    await async_setup_component(hass, AUTOMATION, {})
    descriptions = await condition.async_get_all_descriptions(hass)
    ours = {key for key in descriptions if key.startswith("podero.")}
    assert ours == {f"podero.{name}" for name in CONDITIONS}
    for key in ours:
        description = descriptions[key]
        assert description is not None
        assert description["fields"].keys() == {"behavior", "for"}
        assert description["target"].keys() == {"device", "entity"}


@pytest.mark.parametrize(
    "target", ["device", "area", "label", "sensor itself", "another entity of the car"]
)
async def test_watched(
    hass: HomeAssistant,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    label_registry: lr.LabelRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    target: str,
) -> None:
    """Whoever watches a condition hears when it changes: what is asked is what is watched."""
    await set_up(entry)
    area = area_registry.async_create("Garage")
    label = label_registry.async_create("Cars").label_id
    device = device_of(hass, entry, simulator.vehicles[0])
    device_registry.async_update_device(device.id, area_id=area.id, labels={label})
    config = await condition.async_validate_condition_config(
        hass,
        {
            "condition": "podero.is_plugged_in",
            "target": {
                "device": {"device_id": [device.id]},
                "area": {"area_id": [area.id]},
                "label": {"label_id": [label]},
                "sensor itself": {"entity_id": ["binary_sensor.car_1_plugged_in"]},
                "another entity of the car": {
                    "entity_id": ["event.car_1_charging_event"]
                },
            }[target],
            "options": {},
        },
    )
    checker = await condition.async_from_config(hass, config)
    assert checker.async_check() is True
    changes: list[bool] = []
    stop = await checker.async_track_changes(
        lambda: changes.append(bool(checker.async_check()))
    )
    simulator.vehicles[0].unplug()
    await refresh(entry)
    assert checker.async_check() is False
    assert changes == [False]
    stop()
    checker.async_unload()
