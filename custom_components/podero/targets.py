"""What a target, as people choose one, means to vehicles."""

from collections.abc import Iterable

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)


def targeted_devices(hass: HomeAssistant, target: TargetSelection) -> set[str]:
    """Return the devices that are in a target now, or that an entity in it belongs to."""
    selected = async_extract_referenced_entity_ids(
        hass, target, primary_entities_only=False
    )
    return selected.referenced_devices | devices_of(
        hass, selected.referenced | selected.indirectly_referenced
    )


def devices_of(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the devices that entities belong to."""
    registry = er.async_get(hass)
    return {
        entry.device_id
        for entity_id in entity_ids
        if (entry := registry.async_get(entity_id)) and entry.device_id
    }
