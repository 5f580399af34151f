"""Binary sensors of a vehicle."""

from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PoderoConfigEntry
from .entity import PoderoEntityDescription, PoderoFieldEntity

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PoderoBinarySensorDescription(
    PoderoEntityDescription, BinarySensorEntityDescription
):
    """Describe a binary sensor."""


def _diagnostic(key: str) -> PoderoBinarySensorDescription:
    return PoderoBinarySensorDescription(
        key=key,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )


# Disabled by default: the switch shows it too.
def _twin_of_switch(
    key: str, field: str | None = None
) -> PoderoBinarySensorDescription:
    return PoderoBinarySensorDescription(
        key=key, field=field, entity_registry_enabled_default=False
    )


BINARY_SENSORS: tuple[PoderoBinarySensorDescription, ...] = (
    PoderoBinarySensorDescription(
        key="plugged_in",
        field="is_plugged_in",
        device_class=BinarySensorDeviceClass.PLUG,
    ),
    PoderoBinarySensorDescription(
        key="charging",
        field="is_charging",
        device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
    ),
    PoderoBinarySensorDescription(key="fully_charged", field="is_fully_charged"),
    _twin_of_switch("pause_active", "is_pause_power_active"),
    PoderoBinarySensorDescription(key="boost_armed", field="boost_for_next_session"),
    PoderoBinarySensorDescription(
        key="action_needed", device_class=BinarySensorDeviceClass.PROBLEM
    ),
    PoderoBinarySensorDescription(key="has_notification"),
    _twin_of_switch("is_smart_optimization_active"),
    _twin_of_switch("is_charge_policy_enabled"),
    _twin_of_switch("is_over_charge_allowed"),
    PoderoBinarySensorDescription(
        key="authenticated",
        field="is_authenticated",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    _diagnostic("is_trading_enabled"),
    _diagnostic("boost_feature_enabled"),
    _diagnostic("is_inverter_forced_mode_enabled"),
    _diagnostic("is_inverter_forced_mode_active"),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            (
                PoderoBinarySensor(coordinator, description)
                for description in BINARY_SENSORS
            ),
            config_subentry_id=subentry_id,
        )


class PoderoBinarySensor(PoderoFieldEntity[bool], BinarySensorEntity):
    """A binary sensor that shows a field of the vehicle."""

    entity_description: PoderoBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self._value
