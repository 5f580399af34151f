"""Build the document of a car as the API serves it: all 69 properties."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from .actions import INFORMATION
from .clock import iso
from .living import LivingCar

_NEVER = "0001-01-01T00:00:00Z"


def build_document(car: LivingCar, now: datetime) -> dict[str, Any]:
    """Return the detail document of a vehicle, with freshly signed action links."""
    life, model, owner = car.life, car.model, car.owner
    preferences, boost, reading = life.preferences, life.boost, life.reading
    assert reading is not None  # a car reports when it is created
    is_linked = life.is_authenticated
    is_paused = car.is_paused(now)
    reported_at = iso(reading.at)
    maker = model.manufacturer.lower()

    def decimal(value: float, digits: int = 2) -> float | str:
        return f"{value:.{digits}f}" if model.decimals_as_strings else value

    return {
        "id": car.id,
        "external_device_id": f"{maker[:3].upper()}-{car.id[:8].upper()}",
        "device_model": {
            "device_type": {"short_name": "EV", "long_name": "Electric vehicle"},
            "cloud_service_instructions": None,
            "cloud_service_signup_link": f"https://{maker}.example/sign-up",
            "manufacturer": model.manufacturer,
            "model": model.model,
            "year": model.year,
            "cloud_service": str(uuid5(NAMESPACE_URL, maker)),
        },
        "owner": {
            "id": owner.user_id,
            "email": owner.username,
            "first_name": owner.first_name,
            "last_name": owner.last_name,
            "external_id": None,
        },
        "price_zone": "AT",
        "created_at": iso(life.created_at),
        "updated_at": iso(life.updated_at),
        "deleted_at": iso(life.deleted_at),
        "comment": None,
        # The connection to the car maker, and its health
        "connection_status": "ok" if is_linked else "error",
        "monitoring_status": "ok" if is_linked else "warning",
        "steering_status": "ok" if is_linked else "unknown",
        "lifecycle_state": "authenticated" if is_linked else "unauthenticated",
        "lifecycle_error": None
        if is_linked
        else "The car maker asks for a new sign-in.",
        "is_authenticated": is_linked,
        "embeddable_url": f"https://embed.example/vehicles/{car.id}?token=demo-embed-token",
        "authorization_url": (
            None if is_linked else f"https://{maker}.example/authorize?state=demo-state"
        ),
        "current_state_last_updated_at": reported_at,
        "charge_state_last_updated_at": reported_at,
        "last_monitoring_executed_at": iso(life.monitored_at),
        # The car itself
        "battery_level": reading.battery_level,
        "driving_range": reading.driving_range,
        "battery_capacity_kwh": decimal(model.capacity_kwh, 1),
        "is_plugged_in": reading.is_plugged_in,
        "is_charging": reading.is_charging,
        "is_fully_charged": reading.is_fully_charged,
        "charge_rate_w": reading.charge_rate_w,
        "charge_time_remaining": reading.charge_time_remaining,
        "battery_at_plug_in": reading.battery_at_plug_in,
        "expected_max_charge_power": model.ac_power_w,
        "latitude": reading.latitude,
        "longitude": reading.longitude,
        "coordinates_last_updated_at": reported_at,
        "geo_fence_distance_m": 100.0,
        "consumption_last_day_kwh": decimal(reading.consumption_last_day_kwh),
        "consumption_last_week_kwh": decimal(reading.consumption_last_week_kwh),
        "consumption_last_month_kwh": decimal(reading.consumption_last_month_kwh),
        "consumption_last_updated_at": reported_at,
        # Steering
        "is_smart_optimization_active": preferences.is_smart_optimization_active,
        "optimization_score": 0.87,
        "current_mode": None,
        "actual_steering_state": _steering_state(car, is_paused=is_paused),
        "is_trading_enabled": False,
        "pause_power_until": iso(preferences.pause_power_until),
        "is_pause_power_active": is_paused,
        "charge_target_min": 50,
        "charge_target_max": model.charge_target_max,
        "is_charge_policy_enabled": preferences.is_charge_policy_enabled,
        "charge_policy_last_updated_at": iso(life.policy_updated_at or life.created_at),
        "minimum_charge_limit": preferences.minimum_charge_limit,
        "charge_deadline_at": preferences.charge_deadline_at,
        "is_over_charge_allowed": preferences.is_over_charge_allowed,
        "is_inverter_forced_mode_enabled": False,
        "is_inverter_forced_mode_active": False,
        "inverter_forced_mode_since": _NEVER,
        "minimum_solar_coverage": 1.0,
        "hems_min_export_to_start_w": preferences.hems_min_export_to_start_w,
        "hems_max_import_before_stopping_w": preferences.hems_max_import_before_stopping_w,
        "hems_min_production_to_start_w": preferences.hems_min_production_to_start_w,
        "hems_min_production_before_stopping_w": preferences.hems_min_production_before_stopping_w,
        # Charge now
        "boost_state": life.boost_state,
        "boost_feature_enabled": True,
        "boost_for_next_session": boost.is_armed,
        "last_boost_triggered_at": iso(boost.triggered_at),
        "last_boost_ended_at": iso(boost.ended_at),
        "last_boost_end_reason": boost.end_reason,
        # What the user has to do
        "action_needed": any(action.code != INFORMATION for action in life.actions),
        "has_notification": any(action.code == INFORMATION for action in life.actions),
        "actions": [action.document(car.world.signer.sign) for action in life.actions],
    }


def _steering_state(car: LivingCar, *, is_paused: bool) -> str:
    if not car.life.is_authenticated:
        return "unknown"
    if is_paused:
        return "paused"
    return "charging" if car.life.is_charging else "idle"
