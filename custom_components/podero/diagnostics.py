"""Diagnostics, made from an allow-list so that they contain no personal data."""

from collections.abc import Mapping
from datetime import datetime, time
from enum import Enum
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .api import Action, Vehicle, is_word
from .const import CONF_BASE_URL, CONF_GRANT
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .helpers import observations_of
from .sessions import ChargingSessions

# Text fields that describe the state of a vehicle; all others are withheld.
SHOWN_TEXTS = {
    "actual_steering_state",
    "current_mode",
    "last_boost_end_reason",
    "lifecycle_state",
}
WITHHELD = "withheld"
"""Replaces every value that is not in the allow-list."""

# Numbers that reveal a location.
WITHHELD_NUMBERS = {"latitude", "longitude"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PoderoConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of an account."""
    return {
        "account": {
            CONF_BASE_URL: entry.data[CONF_BASE_URL],
            CONF_GRANT: entry.data[CONF_GRANT],
        },
        "service": observations_of(hass, entry.data[CONF_BASE_URL]).as_json(),
        "vehicles": [
            _vehicle_diagnostics(coordinator)
            for coordinator in _coordinators(entry).values()
        ],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: PoderoConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of a vehicle."""
    coordinator = _coordinators(entry).get(str(device.config_subentry_id))
    return {} if coordinator is None else _vehicle_diagnostics(coordinator)


def _coordinators(entry: PoderoConfigEntry) -> Mapping[str, PoderoCoordinator]:
    """Return the coordinators of an account, none before it is set up."""
    return entry.runtime_data.coordinators if hasattr(entry, "runtime_data") else {}


def _vehicle_diagnostics(coordinator: PoderoCoordinator) -> dict[str, Any]:
    """Return the state of polling and the last reading."""
    return {
        "last_update_success": coordinator.last_update_success,
        "last_exception": coordinator.last_exception
        and type(
            coordinator.last_exception.__cause__ or coordinator.last_exception
        ).__name__,
        "update_interval": coordinator.update_interval
        and coordinator.update_interval.total_seconds(),
        "is_missing": coordinator.is_missing,
        "vehicle": coordinator.raw and describe_vehicle(coordinator.raw),
        "sessions": _describe_sessions(coordinator.sessions),
    }


def describe_vehicle(vehicle: Vehicle) -> dict[str, Any]:
    """Return a reading without personal or secret values."""
    model = vehicle.device_model
    return {
        **{name: _shown(name, getattr(vehicle, name)) for name in vehicle.readers()},
        "device_model": model
        and {
            "manufacturer": _shown_name(model.manufacturer),
            "model": _shown_name(model.model),
            "year": model.year,
            "device_type": model.device_type
            and _shown_name(model.device_type.short_name),
        },
        "actions": [_describe_action(action) for action in vehicle.actions or ()],
        "invalid": sorted(vehicle.invalid),
        "unrecognized": _types(vehicle.unrecognized),
    }


def _describe_sessions(sessions: ChargingSessions) -> dict[str, Any]:
    """Return the results of the endpoints for sessions and policy, without content."""
    return {
        "answers": dict(sessions.answers),
        "sessions": len(sessions.recent),
        "is_running": sessions.running is not None,
        "has_policy": sessions.policy is not None,
        "faults": sorted(sessions.faults),
    }


def _describe_action(action: Action) -> dict[str, Any]:
    """Return the kind of an action, and whether it has a link, but not the link."""
    link = action.resolution_link
    return {
        "kind": type(action).__name__,
        "has_link": link is not None and link.url is not None,
        "required_parameters": link and len(link.required_parameters or ()),
    }


def _shown(name: str, value: Any) -> Any:
    """Return a value as JSON, or WITHHELD if it is not in the allow-list."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | time):
        return value.isoformat()
    if (
        value is None
        or (isinstance(value, int | float) and name not in WITHHELD_NUMBERS)
        or (name in SHOWN_TEXTS and is_word(value))
    ):
        return value
    return WITHHELD


def _types(unrecognized: Mapping[str, str]) -> dict[str, str]:
    """Return the JSON types of up to 50 unrecognized keys that look like words."""
    words = sorted(filter(is_word, unrecognized))
    return {word: unrecognized[word] for word in words[:50]}


def _shown_name(text: str | None) -> str | None:
    """Return the name of a maker or a model, WITHHELD if it may be something else."""
    if text is None or (
        len(text) <= 64
        and sum(map(str.isdigit, text)) <= 6
        and re.fullmatch(r"[^\s@:]{1,24}( [^\s@:]{1,24})*", text)
    ):
        return text
    return WITHHELD
