"""What may be shown to somebody who helps: an allow-list, so nothing personal slips in."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from enum import Enum
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .api import Action, Vehicle, is_word
from .const import CONF_BASE_URL, CONF_GRANT, DOMAIN
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .helpers import observations_of
from .sessions import ChargingSessions

# Texts of the service that say how a vehicle does; all others are withheld.
SHOWN_TEXTS = {
    "actual_steering_state",
    "current_mode",
    "last_boost_end_reason",
    "lifecycle_state",
}
WITHHELD = "withheld"
"""What is shown of all that is not to be shown."""

# Numbers that say where somebody is.
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
            _vehicle_diagnostics(coordinator) for coordinator in _coordinators(entry)
        ],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: PoderoConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of a vehicle."""
    return next(
        (
            _vehicle_diagnostics(coordinator)
            for coordinator in _coordinators(entry)
            if (DOMAIN, coordinator.vehicle_id) in device.identifiers
        ),
        {},
    )


def _coordinators(entry: PoderoConfigEntry) -> Iterable[PoderoCoordinator]:
    """Return the coordinators of an account, none before it is set up."""
    if not hasattr(entry, "runtime_data"):
        return ()
    return entry.runtime_data.coordinators.values()


def _vehicle_diagnostics(coordinator: PoderoCoordinator) -> dict[str, Any]:
    """Return how the polling goes and what the last reading said."""
    return {
        "last_update_success": coordinator.last_update_success,
        "last_exception": coordinator.last_exception
        and type(
            coordinator.last_exception.__cause__ or coordinator.last_exception
        ).__name__,
        "update_interval": coordinator.update_interval
        and coordinator.update_interval.total_seconds(),
        "is_missing": coordinator.is_missing,
        "vehicle": coordinator.reading and _describe(coordinator.reading),
        "sessions": _describe_sessions(coordinator.sessions),
    }


def _describe(vehicle: Vehicle) -> dict[str, Any]:
    """Return a reading without what is personal or secret."""
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
    """Return how the endpoints beyond the vehicle answered, and how much they told."""
    return {
        "answers": dict(sessions.answers),
        "sessions": len(sessions.sessions),
        "is_running": sessions.running is not None,
        "has_policy": sessions.policy is not None,
        "faults": sorted(sessions.faults),
    }


def _describe_action(action: Action) -> dict[str, Any]:
    """Return the kind of an action and what it asks for, but not its link."""
    link = action.resolution_link
    return {
        "kind": type(action).__name__,
        "has_link": link is not None and link.url is not None,
        "required_parameters": link and len(link.required_parameters or ()),
    }


def _shown(name: str, value: Any) -> Any:
    """Return a value as JSON knows it, or only that there is one."""
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
    """Return the types behind keys, a few of those that are words."""
    words = sorted(filter(is_word, unrecognized))
    return {word: unrecognized[word] for word in words[:50]}


def _shown_name(text: str | None) -> str | None:
    """Return what looks like a maker's or a model's name: no address."""
    if text is None or (
        len(text) <= 64
        and sum(map(str.isdigit, text)) <= 6
        and re.fullmatch(r"[^\s@:]{1,24}( [^\s@:]{1,24})*", text)
    ):
        return text
    return WITHHELD
