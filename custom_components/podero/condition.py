"""Conditions: what is true of a vehicle now."""

from typing import ClassVar, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    Condition,
    ConditionConfig,
    EntityStateConditionBase,
)

from .const import DOMAIN


class VehicleCondition(EntityStateConditionBase):
    """Test a binary sensor of the vehicles in a target. What is not known is not true."""

    key: ClassVar[str]

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}  # noqa: RUF012
    _states = {STATE_ON}  # noqa: RUF012

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Take over the target."""
        super().__init__(hass, config)
        self._registry = er.async_get(hass)

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return those that are the binary sensor of a vehicle.

        None is added: Home Assistant watches only the entities that a target names.
        """
        return {
            entity_id
            for entity_id in super().entity_filter(entities)
            if (entry := self._registry.async_get(entity_id))
            and (entry.platform, entry.translation_key) == (DOMAIN, self.key)
        }

    @override
    def _should_include(self, _state: State) -> bool:
        return True


def _condition_on(sensor_key: str) -> type[Condition]:
    class CustomCondition(VehicleCondition):
        key = sensor_key

    return CustomCondition


CONDITIONS: dict[str, type[Condition]] = {
    "is_plugged_in": _condition_on("plugged_in"),
    "is_charging": _condition_on("charging"),
    "is_fully_charged": _condition_on("fully_charged"),
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
