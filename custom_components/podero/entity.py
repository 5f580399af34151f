"""The base of all entities: one vehicle's, written only when it shows something new."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import Vehicle
from .coordinator import PoderoCoordinator


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PoderoEntityDescription(EntityDescription):
    """Say which field of the vehicle an entity shows: the one named like its key, or else."""

    field: str | None = None
    value_fn: Callable[[Vehicle], Any] | None = None
    also: tuple[str, ...] = ()
    """Other fields that the value is computed from."""

    @property
    def source(self) -> str:
        """Return the API's name of the field that is shown."""
        return self.field or self.key

    @cached_property
    def fields(self) -> frozenset[str]:
        """Return the fields without which the value does not move."""
        return frozenset({self.source, *self.also})

    @cached_property
    def read(self) -> Callable[[Vehicle], Any]:
        """Return what takes the value from a reading."""
        return self.value_fn or attrgetter(self.source)


class PoderoEntity(CoordinatorEntity[PoderoCoordinator]):
    """An entity that shows a value of a vehicle's reading."""

    _attr_has_entity_name = True
    entity_description: PoderoEntityDescription
    _value: Any = None
    _was_available: bool | None = None

    def __init__(
        self, coordinator: PoderoCoordinator, description: PoderoEntityDescription
    ) -> None:
        """Show what a description names, told only when a field of it moves."""
        super().__init__(coordinator, description.fields)
        self.entity_description = description
        self._take()

    # Computed, not kept: an entity holds so much already that each attribute counts.

    @property
    @override
    def unique_id(self) -> str:
        """Return the vehicle's id with the key."""
        return f"{self.coordinator.vehicle_id}_{self.entity_description.key}"

    @property
    @override
    def translation_key(self) -> str:
        """Return the key."""
        return self.entity_description.key

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """Return the device of the vehicle."""
        return self.coordinator.device_info

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and catch up with what was read before."""
        await super().async_added_to_hass()
        self._take()

    def _read(self, vehicle: Vehicle) -> Any:
        """Return the value that a reading has, or None for unknown."""
        return self.entity_description.read(vehicle)

    def _take(self) -> bool:
        """Take over what is to be seen now, and tell whether it is something new."""
        vehicle = self.coordinator.data
        value = None if vehicle is None else self._read(vehicle)
        is_available = self.available
        if value == self._value and is_available == self._was_available:
            return False
        self._value, self._was_available = value, is_available
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state, but only where it differs from what was written."""
        if self._take():
            self.async_write_ha_state()
