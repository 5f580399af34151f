"""What of a car can be switched on and off."""

import pytest

from homeassistant.const import EntityCategory
from homeassistant.helpers import entity_registry as er

from .home import Home

SWITCHES = [
    ("smart_optimization", "smart_optimization", "is_smart_optimization_active", "on"),
    ("charge_policy", "charge_policy", "is_charge_policy_enabled", "on"),
    ("charge_above_the_limit", "over_charge", "is_over_charge_allowed", "off"),
]


@pytest.mark.parametrize(("name", "key", "field", "before"), SWITCHES)
async def test_switch(
    home: Home,
    entity_registry: er.EntityRegistry,
    name: str,
    key: str,
    field: str,
    before: str,
) -> None:
    await home.set_up()
    entity_id = f"switch.car_1_{name}"
    switch = entity_registry.async_get(entity_id)
    assert switch is not None
    assert switch.unique_id == f"{home.car.id}_{key}"
    assert switch.entity_category is EntityCategory.CONFIG
    assert home.state(entity_id) == before
    for action, after in (("turn_on", "on"), ("turn_off", "off"), ("toggle", "on")):
        await home.call(f"switch.{action}", entity_id=entity_id)
        assert home.state(entity_id) == after
        assert home.written()[-1] == ("PUT", {field: after == "on"})


async def test_all_at_once(home: Home) -> None:
    await home.set_up()
    entity_ids = [f"switch.car_1_{name}" for name, *_ in SWITCHES]
    await home.call("switch.turn_off", entity_id=entity_ids)
    assert [home.state(entity_id) for entity_id in entity_ids] == ["off"] * 3
    assert len(home.written()) == 3
