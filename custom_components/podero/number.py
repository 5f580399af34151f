"""What of a vehicle is set as a number."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.number import NumberEntity, NumberEntityDescription
from homeassistant.const import EntityCategory, UnitOfRatio
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import PoderoConfigEntry
from .entity import PoderoEntity, PoderoEntityDescription

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PoderoNumberDescription(PoderoEntityDescription, NumberEntityDescription):
    """Describe a number."""


MINIMUM_CHARGE_LIMIT = PoderoNumberDescription(
    key="minimum_charge_limit",
    entity_category=EntityCategory.CONFIG,
    native_min_value=0,
    native_max_value=100,
    native_step=1,
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the number of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            [PoderoNumber(coordinator, MINIMUM_CHARGE_LIMIT)],
            config_subentry_id=subentry_id,
        )


class PoderoNumber(PoderoEntity[float], NumberEntity):
    """A number that sets a field."""

    entity_description: PoderoNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        return self._value

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set it to a whole number."""
        # NaN passes Home Assistant's range check.
        if not self.native_min_value <= value <= self.native_max_value:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_a_number"
            )
        await self.coordinator.async_set(self.entity_description.source, round(value))
