"""The preferences that can be set, and how each is set in Home Assistant."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Control:
    """An action on an entity, and its effect on the state."""

    action: str
    entity_id: str
    before: str
    after: str
    sent: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)


PREFERENCES = {
    "smart optimization": Control(
        "switch.turn_off",
        "switch.car_1_smart_optimization",
        "on",
        "off",
        {"is_smart_optimization_active": False},
    ),
    "charge policy": Control(
        "switch.turn_off",
        "switch.car_1_charge_policy",
        "on",
        "off",
        {"is_charge_policy_enabled": False},
    ),
    "over charge": Control(
        "switch.turn_on",
        "switch.car_1_charge_above_the_limit",
        "off",
        "on",
        {"is_over_charge_allowed": True},
    ),
    "charge level": Control(
        "number.set_value",
        "number.car_1_minimum_level_by_deadline",
        "60",
        "85",
        {"minimum_charge_limit": 85},
        {"value": 85},
    ),
    "deadline": Control(
        "time.set_value",
        "time.car_1_charge_by",
        "06:30:00",
        "07:15:00",
        {"charge_deadline_at": "07:15:00"},
        {"time": "07:15:00"},
    ),
    "pause": Control(
        "podero.pause_charging",
        "switch.car_1_pause_charging",
        "off",
        "on",
        {"pause_power_until": "2999-01-01T12:00:00+00:00"},
        {"until": "2999-01-01T12:00:00+00:00"},
    ),
}
