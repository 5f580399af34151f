"""Event entity of a vehicle's charging."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .charging.events import ChargingEvent
from .const import ATTR_MISSED
from .coordinator import SIGNAL_CHARGING_EVENT, PoderoConfigEntry, PoderoCoordinator
from .entity import PoderoEntity

PARALLEL_UPDATES = 0

CHARGING = EventEntityDescription(key="charging", event_types=list(ChargingEvent))


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the charging event of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            [PoderoChargingEvent(coordinator, CHARGING)],
            config_subentry_id=subentry_id,
        )


class PoderoChargingEvent(PoderoEntity[None], EventEntity):
    """An event entity with the last charging event.

    A reading only changes its availability: events come from the dispatcher.
    """

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass, SIGNAL_CHARGING_EVENT, self._handle_charging_event
            )
        )

    @callback
    def _handle_charging_event(
        self, coordinator: PoderoCoordinator, event: ChargingEvent, was_missed: bool
    ) -> None:
        if coordinator is self.coordinator:
            self._trigger_event(event, {ATTR_MISSED: was_missed})
            self.async_write_ha_state()
