"""Conditions: what is true of a vehicle now."""

from typing import ClassVar, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .const import DOMAIN
from .helpers import devices_of


class VehicleCondition(EntityStateConditionBase):
    """Test a binary sensor of the vehicles in a target, whichever of their entities it names.

    What is not known is not true.
    """

    key: ClassVar[str]

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}  # noqa: RUF012
    _states = {STATE_ON}  # noqa: RUF012
    _primary_entities_only = False

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return the binary sensors of the vehicles that entities belong to."""
        registry = er.async_get(self._hass)
        return {
            entry.entity_id
            for device_id in devices_of(self._hass, entities)
            for entry in er.async_entries_for_device(registry, device_id)
            if (entry.domain, entry.platform, entry.translation_key)
            == (BINARY_SENSOR_DOMAIN, DOMAIN, self.key)
        }

    @override
    def _should_include(self, _state: State) -> bool:
        return True

    @override
    def _check_all_match_state(self, states: list[State]) -> bool:
        return bool(states) and super()._check_all_match_state(states)


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
