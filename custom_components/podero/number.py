"""Numbers of a vehicle."""

from functools import partial
from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
)
from homeassistant.const import EntityCategory, UnitOfPower, UnitOfRatio
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import PoderoConfigEntry
from .entity import PoderoEntity

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0

_preference = partial(
    NumberEntityDescription,
    entity_category=EntityCategory.CONFIG,
    native_min_value=0,
    native_step=1,
)

# Disabled by default: only useful with an inverter that is connected to Podero too.
_threshold = partial(
    _preference,
    device_class=NumberDeviceClass.POWER,
    native_max_value=50_000,
    native_unit_of_measurement=UnitOfPower.WATT,
    entity_registry_enabled_default=False,
)

NUMBERS: tuple[NumberEntityDescription, ...] = (
    _preference(
        key="minimum_charge_limit",
        native_max_value=100,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    ),
    _threshold(key="hems_min_export_to_start_w"),
    _threshold(key="hems_max_import_before_stopping_w"),
    _threshold(key="hems_min_production_to_start_w"),
    _threshold(key="hems_min_production_before_stopping_w"),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            (PoderoNumber(coordinator, description) for description in NUMBERS),
            config_subentry_id=subentry_id,
        )


class PoderoNumber(PoderoEntity[float], NumberEntity):
    """A number that sets the preference of the vehicle that its key names."""

    @override
    def _compute(self) -> float | None:
        value: float | None = getattr(
            self.coordinator.data, self.entity_description.key
        )
        return value

    @property
    @override
    def native_value(self) -> float | None:
        return self._value

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set the number, rounded: the API only accepts integers."""
        # NaN passes Home Assistant's range check.
        if not self.native_min_value <= value <= self.native_max_value:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_a_number"
            )
        await self.coordinator.async_set(self.entity_description.key, round(value))
