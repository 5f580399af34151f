"""The preferences of a vehicle, and the validation of writes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any


@dataclass(slots=True)
class Preferences:
    """The writable fields of a vehicle."""

    is_smart_optimization_active: bool = True
    is_charge_policy_enabled: bool = True
    charge_deadline_at: str | None = "06:30:00"
    minimum_charge_limit: int = 60
    is_over_charge_allowed: bool = False
    pause_power_until: datetime | None = None
    hems_min_export_to_start_w: int = 2000
    hems_max_import_before_stopping_w: int = 4000
    hems_min_production_to_start_w: int = 3000
    hems_min_production_before_stopping_w: int = 2000


POLICY_FIELDS = frozenset(
    {
        "is_charge_policy_enabled",
        "charge_deadline_at",
        "minimum_charge_limit",
        "is_over_charge_allowed",
    }
)


def parse_preferences(body: Any) -> dict[str, Any]:
    """Return the fields to change. Raises ValueError with the reason."""
    if not isinstance(body, dict):
        raise ValueError("Expected an object.")
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if (parse := _PARSERS.get(name)) is None:
            raise ValueError(f"{name}: not a writable field.")
        try:
            fields[name] = parse(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: not a valid value.") from error
    return fields


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(lowest: int, highest: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError
        if not lowest <= value <= highest:
            raise ValueError
        return value

    return parse


def parse_wall_clock(value: Any) -> str | None:
    """Return a time of day in the API's format. Raises ValueError or TypeError."""
    if value is None:
        return None
    parsed = time.fromisoformat(value)
    if parsed.tzinfo:
        raise ValueError
    return parsed.isoformat("seconds")


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    if not parsed.tzinfo:
        raise ValueError
    return parsed


_POWER = _integer(0, 100_000)
_PARSERS: dict[str, Callable[[Any], Any]] = {
    "is_smart_optimization_active": _boolean,
    "is_charge_policy_enabled": _boolean,
    "charge_deadline_at": parse_wall_clock,
    "minimum_charge_limit": _integer(0, 100),
    "is_over_charge_allowed": _boolean,
    "pause_power_until": _moment,
    "hems_min_export_to_start_w": _POWER,
    "hems_max_import_before_stopping_w": _POWER,
    "hems_min_production_to_start_w": _POWER,
    "hems_min_production_before_stopping_w": _POWER,
}
