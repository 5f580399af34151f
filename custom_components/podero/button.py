"""Buttons of a vehicle."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .entity import PoderoEntity

# The coordinator sends the writes of each vehicle one after the other.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PoderoButtonDescription(ButtonEntityDescription):
    """Describe a button."""

    press_fn: Callable[[PoderoCoordinator], Coroutine[Any, Any, None]]


BUTTONS: tuple[PoderoButtonDescription, ...] = (
    PoderoButtonDescription(
        key="charge_now",
        press_fn=lambda coordinator: coordinator.async_start_boost(),
    ),
    PoderoButtonDescription(
        key="cancel_charge_now",
        press_fn=lambda coordinator: coordinator.async_cancel_boost(),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            (PoderoButton(coordinator, description) for description in BUTTONS),
            config_subentry_id=subentry_id,
        )


class PoderoButton(PoderoEntity[None], ButtonEntity):
    """A button of a vehicle."""

    entity_description: PoderoButtonDescription

    @override
    async def async_press(self) -> None:
        """Press the button."""
        await self.entity_description.press_fn(self.coordinator)
