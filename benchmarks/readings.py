"""The readings of vehicles: the simulator's document, and its changes between polls."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from .server import Readings
from simulator import Simulator
from simulator.cloud import FIRST_CAR_ID

type Document = dict[str, Any]
type Change = Callable[[Document, int], Document]

POLLS = 24
"""Readings in a scenario, which is then repeated; the first differs from the last."""

READINGS_A_DAY = 288

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)

CHECKED_AT = (
    "updated_at",
    "current_state_last_updated_at",
    "last_monitoring_executed_at",
)
"""Timestamps that change at every check of a car."""

CHARGED_AT = ("charge_state_last_updated_at", "consumption_last_updated_at")
"""Timestamps that change as well while it charges."""

WORDS: dict[str, tuple[str, ...]] = {
    "boost_state": ("available", "ongoing"),
    "connection_status": ("ok", "warning"),
    "monitoring_status": ("ok", "warning"),
    "steering_status": ("ok", "warning"),
    "price_zone": ("AT", "DE_LU"),
}
CONSTANT = {"id", "device_model", "external_device_id", "owner", "deleted_at"}
"""Fields that never change."""


def charging_car() -> Document:
    """Return a car that charges and reports every field."""
    car = Simulator(now=lambda: NOON).vehicles[0]
    car.start_charging()
    document: Document = car.document()
    return document | {
        # RESTful logs an error for each null.
        "current_mode": "smart",
        "pause_power_until": "2026-11-02T18:00:00Z",
        "comment": "Parked in the garage",
        "lifecycle_error": "None so far",
        "last_boost_end_reason": "stopped",
        "last_boost_triggered_at": "2026-11-01T18:00:00Z",
        "last_boost_ended_at": "2026-11-01T19:00:00Z",
        "inverter_forced_mode_since": "2026-11-01T18:00:00Z",
        "is_charge_policy_enabled": True,
        "charge_deadline_at": "07:00:00",
        "charge_time_remaining": 7200,
        "charge_rate_w": 10800,
        "battery_level": 40,
    }


def parked_car() -> Document:
    """Return the same car fully charged."""
    return charging_car() | {
        "is_charging": False,
        "is_fully_charged": True,
        "battery_level": 80,
        "charge_rate_w": 0,
        "charge_time_remaining": 0,
    }


def unchanged(document: Document, poll: int) -> Document:
    """Report the same values."""
    return document


def update_timestamps(document: Document, poll: int) -> Document:
    """Report new timestamps only."""
    return document | dict.fromkeys(CHECKED_AT, _moment(poll))


def charge(document: Document, poll: int) -> Document:
    """Report what changes while a car charges."""
    return (
        update_timestamps(document, poll)
        | dict.fromkeys(CHARGED_AT, _moment(poll))
        | {
            "battery_level": 40 + poll,
            "charge_rate_w": 10800 + 37 * poll,
            "charge_time_remaining": 7200 - 60 * poll,
        }
    )


def change_all(document: Document, poll: int) -> Document:
    """Report another value in every field."""
    return {
        name: value if name in CONSTANT else _another(name, value, poll)
        for name, value in document.items()
    }


def _another(name: str, value: Any, poll: int) -> Any:
    """Return a value that no other poll has."""
    match value:
        case bool():
            return bool(poll % 2)
        case int():
            # Decremented if it may be a percentage.
            return value - poll if value >= POLLS else value + poll
        case float():
            return value + poll / 100
        case list() | None:
            return value
    assert isinstance(value, str)
    if name in WORDS:
        return WORDS[name][poll % 2]
    if name == "charge_deadline_at":
        return f"07:{poll:02}:00"
    if name.endswith(("_at", "_until", "_since")):
        moment = datetime.fromisoformat(value) + timedelta(minutes=poll)
        return moment.isoformat().replace("+00:00", "Z")
    try:
        return f"{float(value) + poll / 100:.2f}"
    except ValueError:
        return f"{value} {poll}"


def parked_day() -> list[Document]:
    """Return a day of readings of a parked car."""
    car = parked_car()
    return [update_timestamps(car, 5 * reading) for reading in range(READINGS_A_DAY)]


def charging_day() -> list[Document]:
    """Return the same day with four hours of charging."""
    random, day = Random(1), parked_day()
    for number, reading in enumerate(range(96, 144)):
        day[reading] |= dict.fromkeys(CHARGED_AT, _moment(5 * reading)) | {
            "is_charging": True,
            "is_fully_charged": False,
            "battery_level": 30 + int(number * 1.05),
            "driving_range": 130 + int(number * 4.5),
            "charge_rate_w": 11000 + random.randint(-5, 5) * 20,
            "charge_time_remaining": (48 - number) * 300 + random.randint(-120, 120),
            "consumption_last_day_kwh": f"{number * 0.91:.2f}",
        }
    return day


def _moment(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


SCENARIOS: dict[str, Change] = {
    "unchanged": unchanged,
    "timestamps": update_timestamps,
    "typical": charge,
    "every field": change_all,
}


def vehicle_ids(count: int) -> list[str]:
    """Return the ids of some vehicles."""
    return [f"{FIRST_CAR_ID[:-4]}{number:04x}" for number in range(count)]


def scenario(name: str, vehicles: Iterable[str]) -> Readings:
    """Return the readings of each vehicle."""
    car = charging_car()
    return copies([SCENARIOS[name](car, poll) for poll in range(POLLS)], vehicles)


def copies(documents: Iterable[Document], vehicles: Iterable[str]) -> Readings:
    """Return the same readings for each vehicle, with its own id."""
    bodies = [orjson.dumps(document) for document in documents]
    return {
        vehicle_id: [
            body.replace(FIRST_CAR_ID.encode(), vehicle_id.encode()) for body in bodies
        ]
        for vehicle_id in vehicles
    }
