"""The ready-made dashboard: one view per car, with whatever its entities are called."""

from collections.abc import Iterator
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

from .conftest import SetUp, account_entry
from .test_trigger import device_of
from custom_components.podero.const import DOMAIN
from custom_components.podero.dashboard import TEMPLATE
from simulator import Simulator


@pytest.fixture
def entry(simulator: Simulator) -> MockConfigEntry:
    """Return the account with both cars."""
    return account_entry(simulator, 0, 1)


async def get_dashboard(hass: HomeAssistant, **data: Any) -> list[dict[str, Any]]:
    """Return the views of the dashboard."""
    response = await hass.services.async_call(
        DOMAIN, "get_dashboard", data, blocking=True, return_response=True
    )
    assert response is not None
    views: list[dict[str, Any]] = json.loads(json.dumps(response))["views"]
    return views


def texts(node: Any) -> Iterator[str]:
    """Yield all that is written in a part of the dashboard."""
    match node:
        case str():
            yield node
        case list():
            for item in node:
                yield from texts(item)
        case dict():
            yield from texts([*node.values()])


async def test_views(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Every car has a view, in which every name of the template is filled in."""
    await set_up(entry)
    views = await get_dashboard(hass)
    assert [(view["title"], view["path"]) for view in views] == [
        ("Car 1", "car_1"),
        ("Car 2", "car_2"),
    ]
    template = yaml_util.load_yaml_dict(str(TEMPLATE))
    for view in views:
        # Nothing was left out: the template names no entity that does not exist.
        assert len([*texts(view)]) == len([*texts(template)])
        assert not any(text.startswith("$") for text in texts(view))
    assert "What happens next" in texts(views)
    for entity_id in ("sensor.car_1_battery", "device_tracker.car_1_location"):
        assert hass.states.get(entity_id)
        assert entity_id in texts(views[0])
        assert entity_id not in texts(views[1])


async def test_other_names(
    hass: HomeAssistant,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """Renamed entities are found; what was switched off is left out with its card."""
    await set_up(entry)
    device = device_of(hass, entry, simulator.vehicles[0])
    device_registry.async_update_device(device.id, name_by_user="Unser Flitzer")
    entity_registry.async_update_entity(
        "sensor.car_1_battery", new_entity_id="sensor.flitzer_akku"
    )
    entity_registry.async_update_entity(
        "device_tracker.car_1_location", disabled_by=er.RegistryEntryDisabler.USER
    )
    entity_registry.async_update_entity(
        "sensor.car_1_charging_power", disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.async_block_till_done()
    (view,) = await get_dashboard(hass, device_id=device.id)
    assert (view["title"], view["path"]) == ("Unser Flitzer", "unser_flitzer")
    written = [*texts(view)]
    assert "sensor.flitzer_akku" in written
    for gone in (
        "sensor.car_1_battery",
        "sensor.car_1_charging_power",
        "device_tracker.car_1_location",
        "map",
    ):
        assert gone not in written


async def test_cars_of_one_name(
    hass: HomeAssistant,
    device_registry: dr.DeviceRegistry,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
) -> None:
    """Each of them has an address of its own."""
    await set_up(entry)
    for car in simulator.vehicles:
        device = device_of(hass, entry, car)
        device_registry.async_update_device(device.id, name_by_user="Flitzer")
    views = await get_dashboard(hass)
    assert [(view["title"], view["path"]) for view in views] == [
        ("Flitzer", "flitzer"),
        ("Flitzer", "flitzer_2"),
    ]
    first, second = (set(texts(view)) for view in views)
    assert "sensor.car_1_battery" in first
    assert "sensor.car_2_battery" in second


async def test_no_car(
    hass: HomeAssistant, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Of somebody else's device there is none; without an account it is empty."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert await get_dashboard(hass) == []
    await set_up(entry)
    with pytest.raises(ServiceValidationError) as failure:
        await get_dashboard(hass, device_id=["lamp"])
    assert failure.value.translation_key == "no_vehicle"
