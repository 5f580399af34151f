"""The states that entities must have, computed from the vehicle's document.

Independent of the integration: neither its code nor its descriptions are used.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .home_assistant import MISSING, Entity
from tests.oracle import charge_deadline, charging_finishes_at, charging_state

HOME = (48.2082, 16.3738)
ZONE = ZoneInfo("Europe/Vienna")

# The remaining time counts from the poll, which was at most this long ago.
POLLED_AGO = timedelta(minutes=3)

# Factors to the base units.
UNITS = {"%": 1, "kWh": 1, "km": 1000, "m": 1, "W": 1, "kW": 1000, None: 1}


class Quantity(NamedTuple):
    """A number with its unit."""

    value: float
    unit: str | None


class Moment(NamedTuple):
    """A time, and how far off it may be."""

    at: datetime
    tolerance: timedelta = timedelta(seconds=1)


class Position(NamedTuple):
    """A place on the map."""

    latitude: float
    longitude: float


type Value = str | Quantity | Moment | Position | None
type Vehicle = Mapping[str, Any]
type Expectation = Callable[[Vehicle], Value]


def matches(expected: Value, entity: Entity) -> bool:
    """Return whether an entity shows a value."""
    match expected:
        case None:
            return entity.state == "unknown"
        case str():
            return entity.state == expected
        case Position():
            shown = [entity.attributes.get(name) for name in Position._fields]
            at_home = "home" if expected == HOME else "not_home"
            return shown == [*expected] and entity.state == at_home
    if entity.state in ("unknown", "unavailable", MISSING):
        return False
    if isinstance(expected, Moment):
        shown_at = datetime.fromisoformat(entity.state)
        return abs(shown_at - expected.at) <= expected.tolerance
    factor = UNITS[entity.attributes.get("unit_of_measurement")]
    difference = float(entity.state) * factor - expected.value * UNITS[expected.unit]
    return abs(difference) < 1e-6


def _text(name: str) -> Expectation:
    return lambda vehicle: vehicle.get(name)


def _is(name: str) -> Expectation:
    return lambda vehicle: {True: "on", False: "off", None: None}[vehicle.get(name)]


def _number(name: str, unit: str | None = None) -> Expectation:
    def expect(vehicle: Vehicle) -> Value:
        value = vehicle.get(name)
        return None if value is None else Quantity(float(value), unit)

    return expect


def _moment(name: str) -> Expectation:
    def expect(vehicle: Vehicle) -> Value:
        value = vehicle.get(name)
        return None if value is None else Moment(datetime.fromisoformat(value))

    return expect


def _charging_finishes_at(vehicle: Vehicle) -> Value:
    finishes_at = charging_finishes_at(vehicle, datetime.now(UTC))
    return finishes_at if finishes_at is None else Moment(finishes_at, POLLED_AGO)


def _charge_deadline(vehicle: Vehicle) -> Value:
    deadline = charge_deadline(vehicle, datetime.now(ZONE))
    return deadline if deadline is None else Moment(deadline)


def _pause_power_until(vehicle: Vehicle) -> Value:
    return (
        _moment("pause_power_until")(vehicle)
        if vehicle.get("is_pause_power_active")
        else None
    )


def _location(vehicle: Vehicle) -> Value:
    latitude, longitude = vehicle.get("latitude"), vehicle.get("longitude")
    if latitude is None or longitude is None:
        return None
    return Position(latitude, longitude)


EXPECTED: dict[str, Expectation] = {
    "sensor.battery_level": _number("battery_level", "%"),
    "sensor.driving_range": _number("driving_range", "km"),
    "sensor.charging_state": charging_state,
    "sensor.charging_power": _number("charge_rate_w", "W"),
    "sensor.charging_finishes_at": _charging_finishes_at,
    "sensor.charge_deadline": _charge_deadline,
    "sensor.consumption_last_month": _number("consumption_last_month_kwh", "kWh"),
    "sensor.pause_power_until": _pause_power_until,
    "sensor.charge_target_max": _number("charge_target_max", "%"),
    "sensor.battery_capacity": _number("battery_capacity_kwh", "kWh"),
    "sensor.connection_status": _text("connection_status"),
    "sensor.last_reported": _moment("current_state_last_updated_at"),
    "binary_sensor.plugged_in": _is("is_plugged_in"),
    "binary_sensor.charging": _is("is_charging"),
    "binary_sensor.fully_charged": _is("is_fully_charged"),
    "binary_sensor.boost_armed": _is("boost_for_next_session"),
    "binary_sensor.action_needed": _is("action_needed"),
    "binary_sensor.has_notification": _is("has_notification"),
    "binary_sensor.authenticated": _is("is_authenticated"),
    "device_tracker.location": _location,
    "switch.pause": _is("is_pause_power_active"),
    "switch.smart_optimization": _is("is_smart_optimization_active"),
    "switch.charge_policy": _is("is_charge_policy_enabled"),
    "switch.over_charge": _is("is_over_charge_allowed"),
    "number.minimum_charge_limit": _number("minimum_charge_limit", "%"),
    "time.charge_deadline": _text("charge_deadline_at"),
}

# Entities whose values are not in the vehicle's document.
ELSEWHERE = {
    "button.cancel_charge_now",
    "button.charge_now",
    "calendar.charging",
    "event.charging",
    "sensor.month_cost",
    "sensor.month_energy",
    "sensor.month_savings",
    "sensor.planned_start",
    "sensor.session_energy",
}
