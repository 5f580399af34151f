"""The charge level to reach."""

import pytest
import voluptuous as vol

from homeassistant.const import EntityCategory
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er

from .home import Home

LEVEL = "number.car_1_minimum_level_by_deadline"


async def test_number(home: Home, entity_registry: er.EntityRegistry) -> None:
    await home.set_up()
    number = entity_registry.async_get(LEVEL)
    assert number is not None
    assert number.unique_id == f"{home.car.id}_minimum_charge_limit"
    assert number.entity_category is EntityCategory.CONFIG
    found = home.hass.states.get(LEVEL)
    assert found is not None
    assert found.state == "60"
    assert found.attributes["unit_of_measurement"] == "%"
    assert [found.attributes[name] for name in ("min", "max", "step")] == [0, 100, 1]


@pytest.mark.parametrize(
    ("value", "sent"), [(0, 0), (100, 100), (55.0, 55), (79.9999, 80), ("42", 42)]
)
async def test_whole_numbers_are_sent(
    home: Home, value: float | str, sent: int
) -> None:
    await home.set_up()
    await home.call("number.set_value", entity_id=LEVEL, value=value)
    ((_, body),) = home.written()
    assert body == {"minimum_charge_limit": sent}
    assert isinstance(body["minimum_charge_limit"], int)
    assert home.state(LEVEL) == str(sent)


@pytest.mark.parametrize(
    "value", [-1, 101, 100.4, -0.1, "nan", "inf", float("nan"), float("-inf"), "much"]
)
async def test_anything_else_stays_here(home: Home, value: float | str) -> None:
    await home.set_up()
    with pytest.raises((ServiceValidationError, vol.Invalid)) as refusal:
        await home.call("number.set_value", entity_id=LEVEL, value=value)
    assert str(refusal.value)
    assert not home.written()
    assert home.state(LEVEL) == "60"
