"""The base of all entities: one vehicle's, written only when it shows something new."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, override

from homeassistant.core import callback
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

    moves_with_time: bool = False
    """Whether the value can be another one although no field is."""

    @property
    def source(self) -> str:
        """Return the API's name of the field that is shown."""
        return self.field or self.key

    @cached_property
    def fields(self) -> frozenset[str] | None:
        """Return the fields without which the value does not move; None: it may anyway."""
        return None if self.moves_with_time else frozenset({self.source, *self.also})

    @cached_property
    def read(self) -> Callable[[Vehicle], Any]:
        """Return what takes the value from a reading."""
        return self.value_fn or attrgetter(self.source)


class PoderoEntity(CoordinatorEntity[PoderoCoordinator]):
    """An entity of a vehicle."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: PoderoCoordinator,
        key: str,
        fields: Collection[str] | None = None,
    ) -> None:
        """Belong to the device of a coordinator's vehicle.

        Only what moves in some fields is told, where they are named.
        """
        super().__init__(coordinator, fields)
        self._attr_unique_id = f"{coordinator.vehicle_id}_{key}"
        self._attr_translation_key = key
        self._attr_device_info = coordinator.device_info


class PoderoValueEntity(PoderoEntity):
    """An entity that shows a value of the vehicle's reading."""

    entity_description: PoderoEntityDescription
    _value: Any = None
    _was_available: bool | None = None

    def __init__(
        self, coordinator: PoderoCoordinator, description: PoderoEntityDescription
    ) -> None:
        """Show what a description names."""
        super().__init__(coordinator, description.key, description.fields)
        self.entity_description = description
        self._take()

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
