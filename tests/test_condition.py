"""Conditions: true only if the state is known."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    condition,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.helpers.condition import Condition
from homeassistant.setup import async_setup_component

from .home import Home
from simulator import ABSENT

pytestmark = pytest.mark.usefixtures("without_retry_delay")

CONDITIONS = ("is_plugged_in", "is_charging", "is_fully_charged")


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home with two cars."""
    return home.with_vehicles(0, 1)


async def automate(
    home: Home, name: str, target: dict[str, Any], **options: Any
) -> None:
    """Call `test.run` on an event under a condition."""
    await home.automate(
        triggers={"trigger": "event", "event_type": "test"},
        conditions={
            "condition": f"podero.{name}",
            "target": target,
            "options": options,
        },
        actions={"action": "test.run"},
    )


async def is_true(home: Home, runs: list[ServiceCall]) -> bool:
    """Return whether the condition lets the automation run now."""
    home.hass.bus.async_fire("test")
    await home.hass.async_block_till_done()
    has_run = bool(runs)
    runs.clear()
    return has_run


@pytest.mark.parametrize("name", CONDITIONS)
async def test_known(home: Home, runs: list[ServiceCall], name: str) -> None:
    """A condition is false while its state is unknown or unavailable."""
    car = home.car
    await home.set_up()
    device = home.device()
    await automate(home, name, {"device_id": device.id})
    for value, expected in (
        (True, True),
        (False, False),
        (None, False),
        (ABSENT, False),
    ):
        car.override(**{name: value})
        await home.refresh()
        assert await is_true(home, runs) is expected

    car.override(**{name: True})
    home.simulator.add_fault(kind="vehicle", status=503)
    await home.refresh()
    assert not await is_true(home, runs)
    home.simulator.clear_faults()
    await home.refresh()
    assert await is_true(home, runs)
    await home.unload()
    assert not await is_true(home, runs)


@pytest.mark.parametrize(
    "target",
    [
        *("area", "label", "label of an entity", "device"),
        *("sensor itself", "another entity of the car"),
    ],
)
@pytest.mark.parametrize(
    "changes", [{"hidden_by": er.RegistryEntryHider.USER}, {"area_id": "yard"}, {}]
)
async def test_targets(
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    label_registry: lr.LabelRegistry,
    runs: list[ServiceCall],
    target: str,
    changes: dict[str, Any],
) -> None:
    """Any target of a car checks the car's own sensor, not another plug in the area.

    Like for triggers and actions, the sensor may be hidden or in another area.
    """
    await home.set_up()
    area_registry.async_create("Yard")
    area = area_registry.async_create("Garage")
    label = label_registry.async_create("Cars").label_id
    levels = label_registry.async_create("Levels").label_id
    device = home.device()
    device_registry.async_update_device(device.id, area_id=area.id, labels={label})
    entity_registry.async_update_entity("sensor.car_1_battery", labels={levels})
    entity_registry.async_update_entity("binary_sensor.car_1_plugged_in", **changes)
    lamp = entity_registry.async_get_or_create(
        "binary_sensor", "test", "lamp", original_device_class="plug"
    )
    entity_registry.async_update_entity(lamp.entity_id, area_id=area.id, labels={label})
    home.hass.states.async_set(lamp.entity_id, "on", {"device_class": "plug"})
    await automate(
        home,
        "is_plugged_in",
        {
            "area": {"area_id": area.id},
            "label": {"label_id": label},
            "label of an entity": {"label_id": levels},
            "device": {"device_id": device.id},
            "sensor itself": {"entity_id": "binary_sensor.car_1_plugged_in"},
            "another entity of the car": {"entity_id": "sensor.car_1_battery"},
        }[target],
    )
    assert await is_true(home, runs)
    home.car.unplug()
    await home.refresh()
    assert not await is_true(home, runs)


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
    home: Home,
    runs: list[ServiceCall],
    behavior: str,
    first: bool | None,
    second: bool | None,
    expected: bool,
) -> None:
    """One of two cars has to match, or both."""
    for car, value in zip(home.simulator.vehicles, (first, second), strict=True):
        car.override(is_plugged_in=True, is_charging=value)
    await home.set_up()
    devices = [home.device(number).id for number in (0, 1)]
    await automate(home, "is_charging", {"device_id": devices}, behavior=behavior)
    assert await is_true(home, runs) is expected


async def test_nobody_targeted(home: Home, runs: list[ServiceCall]) -> None:
    """A target without cars is false."""
    await home.set_up()
    await automate(home, "is_charging", {"area_id": "nowhere"})
    assert not await is_true(home, runs)


async def test_the_plug_stands_for_the_car(home: Home, runs: list[ServiceCall]) -> None:
    """The plug, which the editor offers as a car's entity, works for every condition."""
    home.car.start_charging()
    await home.set_up()
    await automate(home, "is_charging", {"entity_id": "binary_sensor.car_1_plugged_in"})
    assert await is_true(home, runs)


async def test_the_sensor_is_renamed(
    home: Home, entity_registry: er.EntityRegistry, runs: list[ServiceCall]
) -> None:
    """A condition on another entity of the car still finds it."""
    await home.set_up()
    await automate(home, "is_plugged_in", {"entity_id": "sensor.car_1_battery"})
    entity_registry.async_update_entity(
        "binary_sensor.car_1_plugged_in", new_entity_id="binary_sensor.plug"
    )
    await home.hass.async_block_till_done()
    assert await is_true(home, runs)
    home.car.unplug()
    await home.refresh()
    assert not await is_true(home, runs)


@pytest.mark.parametrize(
    "entity_id", ["binary_sensor.lamp", "binary_sensor.nothing", "event.something"]
)
async def test_entities_of_others(
    home: Home, runs: list[ServiceCall], entity_id: str
) -> None:
    """A target with entities of other integrations only is false."""
    await home.set_up()
    home.hass.states.async_set("binary_sensor.lamp", "on", {"device_class": "plug"})
    await automate(home, "is_plugged_in", {"entity_id": entity_id})
    assert not await is_true(home, runs)


async def test_duration(
    home: Home, runs: list[ServiceCall], freezer: FrozenDateTimeFactory
) -> None:
    """A condition can require that it has been true for some time."""
    await home.set_up()
    device = home.device()
    await automate(
        home, "is_plugged_in", {"device_id": device.id}, **{"for": {"minutes": 10}}
    )
    assert not await is_true(home, runs)
    freezer.tick(timedelta(minutes=11))
    assert await is_true(home, runs)


async def test_descriptions(home: Home) -> None:
    """The editor is offered every condition, for vehicles only."""
    await home.set_up()
    await async_setup_component(home.hass, AUTOMATION, {})
    descriptions = await condition.async_get_all_descriptions(home.hass)
    ours = {key for key in descriptions if key.startswith("podero.")}
    assert ours == {f"podero.{name}" for name in CONDITIONS}
    for key in ours:
        description = descriptions[key]
        assert description is not None
        assert description["fields"].keys() == {"behavior", "for"}
        assert description["target"].keys() == {"device", "entity"}


@pytest.mark.skipif(
    not hasattr(Condition, "async_track_changes"),
    reason="Home Assistant 2026.8 does not watch conditions",
)
@pytest.mark.parametrize(
    "target", ["device", "area", "label", "sensor itself", "another entity of the car"]
)
async def test_watched(
    home: Home,
    area_registry: ar.AreaRegistry,
    device_registry: dr.DeviceRegistry,
    label_registry: lr.LabelRegistry,
    target: str,
) -> None:
    """Tracking reports when the condition changes, for every kind of target."""
    await home.set_up()
    area = area_registry.async_create("Garage")
    label = label_registry.async_create("Cars").label_id
    device = home.device()
    device_registry.async_update_device(device.id, area_id=area.id, labels={label})
    config = await condition.async_validate_condition_config(
        home.hass,
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
    checker = await condition.async_from_config(home.hass, config)
    assert checker.async_check() is True
    changes: list[bool] = []
    stop = await checker.async_track_changes(
        lambda: changes.append(bool(checker.async_check()))
    )
    home.car.unplug()
    await home.refresh()
    assert checker.async_check() is False
    assert changes == [False]
    stop()
    checker.async_unload()
