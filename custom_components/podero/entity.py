"""The base of all entities: one vehicle's, told when what it shows moves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import Vehicle
from .coordinator import Interest, PoderoCoordinator


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PoderoEntityDescription(EntityDescription):
    """Say which field of the vehicle an entity shows: the one named like its key, or else."""

    field: str | None = None
    value_fn: Callable[[Vehicle], Any] | None = None
    also: tuple[str, ...] = ()
    """Other fields that what is shown is computed from."""

    @property
    def source(self) -> str:
        """Return the API's name of the field that is shown."""
        return self.field or self.key

    @cached_property
    def read(self) -> Callable[[Vehicle], Any]:
        """Return what takes the value from a reading, or None for unknown."""
        return self.value_fn or attrgetter(self.source)

    @cached_property
    def interest(self) -> Interest:
        """Return what moves where the value does."""
        fields = tuple(
            field for field in (self.source, *self.also) if field in Vehicle.readers()
        )
        return Interest(fields, self.value_fn)


class PoderoEntity[T](CoordinatorEntity[PoderoCoordinator]):
    """An entity that shows a value of a vehicle's reading."""

    _attr_has_entity_name = True
    entity_description: PoderoEntityDescription

    def __init__(
        self, coordinator: PoderoCoordinator, description: PoderoEntityDescription
    ) -> None:
        """Show what a description names."""
        super().__init__(coordinator, description.interest)
        self.entity_description = description

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

    @property
    def _value(self) -> T | None:
        """Return the value to be shown."""
        value: T | None = self.entity_description.read(self.coordinator.data)
        return value
