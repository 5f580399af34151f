"""The integration's entities, which the alternatives have to show as well."""

from dataclasses import dataclass, fields
from typing import Any, Final

from homeassistant.const import Platform
from scripts.entities import descriptions, fields_of

from custom_components.podero.api import Vehicle

_TO_READ: Final = {
    Platform.BINARY_SENSOR: Platform.BINARY_SENSOR,
    Platform.BUTTON: Platform.SENSOR,
    Platform.CALENDAR: Platform.SENSOR,
    Platform.DEVICE_TRACKER: Platform.DEVICE_TRACKER,
    Platform.EVENT: Platform.SENSOR,
    Platform.NUMBER: Platform.SENSOR,
    Platform.SENSOR: Platform.SENSOR,
    Platform.SWITCH: Platform.BINARY_SENSOR,
    Platform.TIME: Platform.SENSOR,
}
"""The read-only platform of the entity that stands for one of each platform."""

CHARGING_STATE: Final = "sensor_charging_state"
CHARGING_FINISHES_AT: Final = "sensor_charging_finishes_at"
CHARGE_DEADLINE: Final = "sensor_charge_deadline"
LOCATION: Final = "device_tracker_location"
COMPUTED: Final = {CHARGING_STATE, CHARGING_FINISHES_AT, CHARGE_DEADLINE, LOCATION}
"""Entities that show something other than a field as it is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One entity."""

    platform: Platform
    key: str
    field: str
    device_class: Any
    unit: str | None
    state_class: Any
    is_default: bool
    """Whether it is enabled by default."""


def _shown(platform: str, description: Any) -> Shown:
    return Shown(
        _TO_READ[Platform(platform)],
        f"{platform}_{description.key}",
        next(iter(fields_of(platform, description)), description.key),
        getattr(description, "device_class", None),
        getattr(description, "native_unit_of_measurement", None),
        getattr(description, "state_class", None),
        description.entity_registry_enabled_default,
    )


ALL: Final = [_shown(platform, description) for platform, description in descriptions()]
"""All entities, including several of the same field and those that show none."""

_FIELDS: Final = {field.name for field in fields(Vehicle)}
_OF_A_VEHICLE: Final = [
    shown for shown in ALL if shown.key in COMPUTED or shown.field in _FIELDS
]
"""The entities of a reading, without those of sessions."""

DEFAULT: Final = [shown for shown in _OF_A_VEHICLE if shown.is_default]
"""Those of them that are enabled by default."""

_ONCE: Final = {
    shown.field: shown
    for shown in sorted(_OF_A_VEHICLE, key=lambda shown: shown.is_default)
    if shown.key not in COMPUTED
}
EVERY_FIELD: Final = [
    shown
    for shown in _OF_A_VEHICLE
    if shown.is_default or shown is _ONCE.get(shown.field)
]
"""One entity for each field, preferably one that is enabled by default."""
