"""Times of day of a vehicle."""

from datetime import time
from typing import override

from homeassistant.components.time import TimeEntity, TimeEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PoderoConfigEntry
from .entity import PoderoEntity

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0

CHARGE_DEADLINE = TimeEntityDescription(
    key="charge_deadline", entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the time of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            [PoderoTime(coordinator, CHARGE_DEADLINE)],
            config_subentry_id=subentry_id,
        )


class PoderoTime(PoderoEntity[time], TimeEntity):
    """A time of day that sets a preference of the vehicle."""

    @override
    def _compute(self) -> time | None:
        return self.coordinator.data.charge_deadline_at

    @property
    @override
    def native_value(self) -> time | None:
        return self._value

    @override
    async def async_set_value(self, value: time) -> None:
        """Set the time, in whole seconds and without a time zone, as the API has it."""
        await self.coordinator.async_set(
            "charge_deadline_at", value.replace(microsecond=0, tzinfo=None)
        )
