"""The configuration of Home Assistant's RESTful integration for the same entities."""

from collections.abc import Sequence
from typing import Any, Final

from homeassistant.const import Platform

from .shown import (
    CHARGE_DEADLINE,
    CHARGING_FINISHES_AT,
    CHARGING_STATE,
    LOCATION,
    Shown,
)

_TEMPLATES: Final = {
    CHARGING_STATE: (
        "{% if value_json.is_charging %}charging"
        "{% elif not value_json.is_plugged_in %}disconnected"
        "{% elif value_json.is_fully_charged %}complete"
        "{% else %}connected{% endif %}"
    ),
    CHARGING_FINISHES_AT: (
        "{{ as_datetime(value_json.current_state_last_updated_at)"
        " + timedelta(seconds=value_json.charge_time_remaining) }}"
    ),
    CHARGE_DEADLINE: "{{ today_at(value_json.charge_deadline_at) }}",
    # RESTful has no device tracker: a sensor instead.
    LOCATION: "{{ value_json.latitude }}, {{ value_json.longitude }}",
}
_AVAILABLE: Final = {CHARGING_FINISHES_AT: "{{ value_json.is_charging }}"}


def resource(
    name: str, vehicle_id: str, url: str, things: Sequence[Shown]
) -> dict[str, Any]:
    """Return the configuration of a vehicle."""
    entities: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for shown in things:
        is_binary = shown.platform is Platform.BINARY_SENSOR
        entities[is_binary].append(_entity(f"{name} {vehicle_id[-4:]}", shown))
    return {
        "resource": url,
        "headers": {"Authorization": "Bearer token"},
        "scan_interval": 60,
        "binary_sensor": entities[True],
        "sensor": entities[False],
    }


def _entity(name: str, shown: Shown) -> dict[str, Any]:
    entity = {
        "name": f"{name} {shown.key}",
        "unique_id": f"{name} {shown.key}",
        "value_template": _TEMPLATES.get(
            shown.key, f"{{{{ value_json.{shown.field} }}}}"
        ),
        "availability": _AVAILABLE.get(shown.key),
        "unit_of_measurement": shown.unit,
        "state_class": shown.state_class,
        # RESTful has no options for an enum.
        "device_class": None if shown.device_class == "enum" else shown.device_class,
    }
    return {key: value for key, value in entity.items() if value is not None}
