"""What the integration shows, as those that it is measured against have to show it."""

from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import Platform
from scripts.entities import descriptions

_TO_READ: Final = {
    Platform.BINARY_SENSOR: Platform.BINARY_SENSOR,
    Platform.DEVICE_TRACKER: Platform.DEVICE_TRACKER,
    Platform.NUMBER: Platform.SENSOR,
    Platform.SENSOR: Platform.SENSOR,
    Platform.SWITCH: Platform.BINARY_SENSOR,
    Platform.TIME: Platform.SENSOR,
}
"""What shows the value of an entity of each platform where it cannot be set."""

CHARGING_STATE: Final = "sensor_charging_state"
CHARGING_FINISHES_AT: Final = "sensor_charging_finishes_at"
CHARGE_DEADLINE: Final = "sensor_charge_deadline"
LOCATION: Final = "device_tracker_location"
COMPUTED: Final = {CHARGING_STATE, CHARGING_FINISHES_AT, CHARGE_DEADLINE, LOCATION}
"""What shows something else than a field as it is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that is shown."""

    platform: Platform
    key: str
    field: str
    device_class: Any
    unit: str | None
    state_class: Any
    is_default: bool
    """Whether it is shown without a person turning it on."""


def _shown(platform: str, description: Any) -> Shown:
    return Shown(
        _TO_READ[Platform(platform)],
        f"{platform}_{description.key}",
        description.source,
        getattr(description, "device_class", None),
        getattr(description, "native_unit_of_measurement", None),
        getattr(description, "state_class", None),
        description.entity_registry_enabled_default,
    )


_ALL: Final = [
    _shown(platform, description)
    for platform, description in descriptions()
    if platform in _TO_READ
]

DEFAULT: Final = [shown for shown in _ALL if shown.is_default]
"""What is shown unless a person turns it off."""

_ONCE: Final = {
    shown.field: shown
    for shown in sorted(_ALL, key=lambda shown: shown.is_default)
    if shown.key not in COMPUTED
}
EVERY_FIELD: Final = [
    shown for shown in _ALL if shown.is_default or shown is _ONCE.get(shown.field)
]
"""What is shown where a person turns everything on, each field once."""
