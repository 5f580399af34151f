"""Switches of a vehicle."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PoderoConfigEntry
from .entity import PoderoEntityDescription, PoderoFieldEntity

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0

PAUSE_DURATION = timedelta(hours=24)
"""For how long the switch pauses charging."""


@dataclass(frozen=True, kw_only=True)
class PoderoSwitchDescription(PoderoEntityDescription, SwitchEntityDescription):
    """Describe a switch."""


_preference = partial(PoderoSwitchDescription, entity_category=EntityCategory.CONFIG)


SWITCHES: tuple[PoderoSwitchDescription, ...] = (
    _preference(key="smart_optimization", field="is_smart_optimization_active"),
    _preference(key="charge_policy", field="is_charge_policy_enabled"),
    _preference(key="over_charge", field="is_over_charge_allowed"),
)

PAUSE = PoderoSwitchDescription(key="pause", field="is_pause_power_active")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        switches = (PoderoSwitch(coordinator, description) for description in SWITCHES)
        async_add_entities(
            [PoderoPauseSwitch(coordinator, PAUSE), *switches],
            config_subentry_id=subentry_id,
        )


class PoderoSwitch(PoderoFieldEntity[bool], SwitchEntity):
    """A switch that sets a preference of the vehicle."""

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


class PoderoPauseSwitch(PoderoSwitch):
    """A switch that pauses charging for a day."""

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Pause charging; a longer pause is kept."""
        until = dt_util.utcnow().replace(microsecond=0) + PAUSE_DURATION
        await self.coordinator.async_pause(
            max(until, self.coordinator.data.pause_power_until or until)
        )

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Resume charging."""
        await self.coordinator.async_pause(None)
