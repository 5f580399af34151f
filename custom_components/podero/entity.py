"""The base of all entities: one vehicle's, written only when it shows something new."""

from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, override

from homeassistant.core import callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import Vehicle
from .coordinator import PoderoCoordinator


@dataclass(frozen=True, kw_only=True)
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

    def __init__(
        self, coordinator: PoderoCoordinator, description: PoderoEntityDescription
    ) -> None:
        """Show what a description names."""
        super().__init__(
            coordinator,
            description.key,
            None
            if description.moves_with_time
            else {description.source, *description.also},
        )
        self.entity_description = description
        self._value_fn = description.value_fn or attrgetter(description.source)
        self._shown = self._current()
        self._show(self._shown[1])

    @override
    async def async_added_to_hass(self) -> None:
        """Listen, and catch up with what was read before."""
        await super().async_added_to_hass()
        self._shown = self._current()
        self._show(self._shown[1])

    def _current(self) -> tuple[bool, Any]:
        """Return what is to be seen now: whether it is available, and the value."""
        vehicle = self.coordinator.data
        return self.available, None if vehicle is None else self._value_fn(vehicle)

    @abstractmethod
    def _show(self, value: Any) -> None:
        """Take over a value, or None for unknown."""

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state, but only where it differs from what was written."""
        if (current := self._current()) != self._shown:
            self._shown = current
            self._show(current[1])
            self.async_write_ha_state()
