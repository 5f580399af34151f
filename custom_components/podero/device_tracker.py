"""Where a vehicle is."""

from typing import override

from homeassistant.components.device_tracker import (
    TrackerEntity,
    TrackerEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import Vehicle
from .coordinator import PoderoConfigEntry, coordinators_of
from .entity import PoderoEntity, PoderoEntityDescription

PARALLEL_UPDATES = 0


class PoderoTrackerDescription(PoderoEntityDescription, TrackerEntityDescription):
    """Describe a tracker."""


def _position(vehicle: Vehicle) -> tuple[float, float] | None:
    """Return latitude and longitude, or None unless both are known."""
    if vehicle.latitude is None or vehicle.longitude is None:
        return None
    return vehicle.latitude, vehicle.longitude


LOCATION = PoderoTrackerDescription(
    key="location", field="latitude", also=("longitude",), value_fn=_position
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the tracker of each vehicle."""
    for subentry_id, coordinator in coordinators_of(entry):
        async_add_entities(
            [PoderoTracker(coordinator, LOCATION)], config_subentry_id=subentry_id
        )


class PoderoTracker(PoderoEntity[tuple[float, float]], TrackerEntity):
    """A tracker that shows the position."""

    entity_description: PoderoTrackerDescription
    # Trackers are diagnostic unless they say otherwise; where the car is is not.
    _attr_entity_category = None  # type: ignore[assignment]

    @property
    @override
    def latitude(self) -> float | None:
        return position[0] if (position := self._value) else None

    @property
    @override
    def longitude(self) -> float | None:
        return position[1] if (position := self._value) else None
