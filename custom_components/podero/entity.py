"""Base classes of the entities."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, override

from homeassistant.core import callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .coordinator import PoderoCoordinator


@dataclass(frozen=True, kw_only=True)
class PoderoEntityDescription(EntityDescription):
    """Describe an entity that shows a field of the vehicle or a computed value."""

    field: str | None = None
    """The API's name of the field, if it is not the key."""

    value_fn: Callable[[PoderoCoordinator], Any] | None = None
    """Computes the value, if it is not the field itself."""

    @property
    def source(self) -> str:
        """Return the API's name of the field that is shown."""
        return self.field or self.key

    @cached_property
    def read(self) -> Callable[[PoderoCoordinator], Any]:
        """Return the function that computes the value."""
        return self.value_fn or attrgetter(f"data.{self.source}")


class PoderoEntity[T](CoordinatorEntity[PoderoCoordinator]):
    """An entity of a vehicle, which writes its state only when it has changed."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: PoderoCoordinator, description: EntityDescription
    ) -> None:
        """Initialize the entity of a description."""
        super().__init__(coordinator)
        self.entity_description = description
        self._value: T | None = None
        self._was_available = False
        self._attr_device_info = coordinator.device_info
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{coordinator.vehicle_id}_{description.key}"

    def _compute(self) -> T | None:
        """Return the current value, None for unknown or none."""
        return None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._value, self._was_available = self._compute(), self.available

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if it has changed."""
        value, is_available = self._compute(), self.available
        if value != self._value or is_available is not self._was_available:
            self._value, self._was_available = value, is_available
            super()._handle_coordinator_update()


class PoderoFieldEntity[T](PoderoEntity[T]):
    """An entity that shows what its description reads."""

    entity_description: PoderoEntityDescription

    @override
    def _compute(self) -> T | None:
        value: T | None = self.entity_description.read(self.coordinator)
        return value
