"""Conditions on the current state of a vehicle."""

from dataclasses import replace
from typing import ClassVar, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, STATE_ON
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    Condition,
    ConditionConfig,
    EntityStateConditionBase,
)

from .const import DOMAIN
from .helpers import devices_of


class VehicleCondition(EntityStateConditionBase):
    """Test a binary sensor of the vehicles in a target.

    An unknown or unavailable one does not match; Home Assistant's own conditions would
    leave it out.
    """

    key: ClassVar[str]

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}  # noqa: RUF012
    _states = {STATE_ON}  # noqa: RUF012

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Add the devices of the entities in the target to it.

        The user may target any entity of a vehicle, but Home Assistant tracks only the
        binary sensors among them. Through the device it finds the right one.
        """
        self.hass = hass
        assert config.target is not None
        named = cv.ensure_list(config.target.get(ATTR_ENTITY_ID))
        devices = cv.ensure_list(config.target.get(ATTR_DEVICE_ID))
        target = config.target | {ATTR_DEVICE_ID: [*devices, *devices_of(hass, named)]}
        super().__init__(hass, replace(config, target=target))

    def _is_sensor(self, entry: er.RegistryEntry) -> bool:
        """Return whether an entity is the binary sensor of a vehicle."""
        return (entry.domain, entry.platform, entry.translation_key) == (
            BINARY_SENSOR_DOMAIN,
            DOMAIN,
            self.key,
        )

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return the binary sensors of the vehicles that the entities belong to.

        The sensor itself may be hidden, or in another area than its vehicle.
        """
        registry = er.async_get(self.hass)
        return {
            entry.entity_id
            for device_id in devices_of(self.hass, entities)
            for entry in er.async_entries_for_device(registry, device_id)
            if self._is_sensor(entry)
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
