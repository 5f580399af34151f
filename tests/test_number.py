"""The charge level to reach."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er

from .conftest import SetUp
from .controls import call, state, written
from simulator import Simulator

LEVEL = "number.car_1_minimum_level_by_deadline"


async def test_number(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    entity_registry: er.EntityRegistry,
) -> None:
    await set_up(entry)
    number = entity_registry.async_get(LEVEL)
    assert number is not None
    assert number.unique_id == f"{simulator.vehicles[0].id}_minimum_charge_limit"
    assert number.entity_category is EntityCategory.CONFIG
    found = hass.states.get(LEVEL)
    assert found is not None
    assert found.state == "60"
    assert found.attributes["unit_of_measurement"] == "%"
    assert [found.attributes[name] for name in ("min", "max", "step")] == [0, 100, 1]


@pytest.mark.parametrize(
    ("value", "sent"), [(0, 0), (100, 100), (55.0, 55), (79.9999, 80), ("42", 42)]
)
async def test_whole_numbers_are_sent(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    value: float | str,
    sent: int,
) -> None:
    await set_up(entry)
    await call(hass, "number.set_value", entity_id=LEVEL, value=value)
    ((_, body),) = written(simulator)
    assert body == {"minimum_charge_limit": sent}
    assert isinstance(body["minimum_charge_limit"], int)
    assert state(hass, LEVEL) == str(sent)


@pytest.mark.parametrize(
    "value", [-1, 101, 100.4, -0.1, "nan", "inf", float("nan"), float("-inf"), "much"]
)
async def test_anything_else_stays_here(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    value: float | str,
) -> None:
    await set_up(entry)
    with pytest.raises((ServiceValidationError, vol.Invalid)) as refusal:
        await call(hass, "number.set_value", entity_id=LEVEL, value=value)
    assert str(refusal.value)
    assert not written(simulator)
    assert state(hass, LEVEL) == "60"
