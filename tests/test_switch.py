"""What of a car can be switched on and off."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .conftest import SetUp
from .controls import call, state, written
from simulator import Simulator

SWITCHES = [
    ("smart_optimization", "smart_optimization", "is_smart_optimization_active", "on"),
    ("charge_policy", "charge_policy", "is_charge_policy_enabled", "on"),
    ("charge_above_the_limit", "over_charge", "is_over_charge_allowed", "off"),
]


@pytest.mark.parametrize(("name", "key", "field", "before"), SWITCHES)
async def test_switch(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    entity_registry: er.EntityRegistry,
    name: str,
    key: str,
    field: str,
    before: str,
) -> None:
    await set_up(entry)
    entity_id = f"switch.car_1_{name}"
    switch = entity_registry.async_get(entity_id)
    assert switch is not None
    assert switch.unique_id == f"{simulator.vehicles[0].id}_{key}"
    assert switch.entity_category is EntityCategory.CONFIG
    assert state(hass, entity_id) == before
    for action, after in (("turn_on", "on"), ("turn_off", "off"), ("toggle", "on")):
        await call(hass, f"switch.{action}", entity_id=entity_id)
        assert state(hass, entity_id) == after
        assert written(simulator)[-1] == ("PUT", {field: after == "on"})


async def test_all_at_once(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    await set_up(entry)
    entity_ids = [f"switch.car_1_{name}" for name, *_ in SWITCHES]
    await call(hass, "switch.turn_off", entity_id=entity_ids)
    assert [state(hass, entity_id) for entity_id in entity_ids] == ["off"] * 3
    assert len(written(simulator)) == 3
