"""What of a vehicle can be switched on and off: one line per field."""

from dataclasses import dataclass
from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PoderoConfigEntry
from .entity import PoderoEntity, PoderoEntityDescription

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PoderoSwitchDescription(PoderoEntityDescription, SwitchEntityDescription):
    """Describe a switch."""


_preference = partial(PoderoSwitchDescription, entity_category=EntityCategory.CONFIG)


SWITCHES: tuple[PoderoSwitchDescription, ...] = (
    _preference(key="smart_optimization", field="is_smart_optimization_active"),
    _preference(key="charge_policy", field="is_charge_policy_enabled"),
    _preference(key="over_charge", field="is_over_charge_allowed"),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            (PoderoSwitch(coordinator, description) for description in SWITCHES),
            config_subentry_id=subentry_id,
        )


class PoderoSwitch(PoderoEntity[bool], SwitchEntity):
    """A switch that sets a field."""

    entity_description: PoderoSwitchDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self._value

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch it on."""
        await self.coordinator.async_set(self.entity_description.source, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch it off."""
        await self.coordinator.async_set(self.entity_description.source, False)
