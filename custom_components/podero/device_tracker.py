"""Device tracker of a vehicle."""

from typing import Any, override

from homeassistant.components.device_tracker import (
    TrackerEntity,
    TrackerEntityDescription,
)
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import (
    ExtraStoredData,
    RestoredExtraData,
    RestoreEntity,
)

from .coordinator import PoderoConfigEntry
from .entity import PoderoEntity

PARALLEL_UPDATES = 0

LOCATION = TrackerEntityDescription(key="location")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the tracker of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            [PoderoTracker(coordinator, LOCATION)], config_subentry_id=subentry_id
        )


class PoderoTracker(PoderoEntity[tuple[float, float]], TrackerEntity, RestoreEntity):
    """A tracker that shows the last known position."""

    # Trackers default to diagnostic; the location is a primary entity.
    _attr_entity_category = None  # type: ignore[assignment]
    _restored: tuple[float, float] | None = None

    @override
    async def async_added_to_hass(self) -> None:
        if (data := await self.async_get_last_extra_data()) is not None:
            self._restored = _parse(data.as_dict())
        await super().async_added_to_hass()

    @override
    def _compute(self) -> tuple[float, float] | None:
        """Return the last known position, restored after a restart."""
        vehicle = self.coordinator.data
        if vehicle.latitude is None or vehicle.longitude is None:
            return self._restored
        return vehicle.latitude, vehicle.longitude

    @property
    @override
    def extra_restore_state_data(self) -> ExtraStoredData:
        """Return the position, which the state does not have during an outage."""
        return RestoredExtraData(
            {ATTR_LATITUDE: self.latitude, ATTR_LONGITUDE: self.longitude}
        )

    @property
    @override
    def latitude(self) -> float | None:
        return position[0] if (position := self._value) else None

    @property
    @override
    def longitude(self) -> float | None:
        return position[1] if (position := self._value) else None


def _parse(data: dict[str, Any]) -> tuple[float, float] | None:
    """Return the stored position, or None if it is invalid."""
    latitude, longitude = data.get(ATTR_LATITUDE), data.get(ATTR_LONGITUDE)
    if isinstance(latitude, int | float) and isinstance(longitude, int | float):
        return latitude, longitude
    return None
