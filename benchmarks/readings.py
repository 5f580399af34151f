"""What the vehicles report: the simulator's document, and how it moves from poll to poll."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from .server import Readings
from simulator import Simulator
from simulator.cloud import FIRST_CAR_ID

type Document = dict[str, Any]
type Move = Callable[[Document, int], Document]

POLLS = 24
"""After so many readings a scenario begins again; the first differs from the last."""

READINGS_A_DAY = 288

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)

LOOKED_AFTER = (
    "updated_at",
    "current_state_last_updated_at",
    "last_monitoring_executed_at",
)
"""What moves whenever Podero looks after a car, though nothing else may."""

CHARGED = ("charge_state_last_updated_at", "consumption_last_updated_at")
"""What moves as well while it charges."""

WORDS: dict[str, tuple[str, ...]] = {
    "boost_state": ("available", "ongoing"),
    "connection_status": ("ok", "warning"),
    "monitoring_status": ("ok", "warning"),
    "steering_status": ("ok", "warning"),
    "price_zone": ("AT", "DE_LU"),
}
STANDING = {"id", "device_model", "external_device_id", "owner", "deleted_at"}
"""Whose vehicle it is and which: what never moves."""


def charging_car() -> Document:
    """Return a car at the plug that charges, and of which everything is known."""
    car = Simulator(now=lambda: NOON).vehicles[0]
    car.start_charging()
    document: Document = car.document()
    return document | {
        # RESTful complains at length about null: kept out of its way.
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
    """Return the same car when it is full."""
    return charging_car() | {
        "is_charging": False,
        "is_fully_charged": True,
        "battery_level": 80,
        "charge_rate_w": 0,
        "charge_time_remaining": 0,
    }


def stand_still(document: Document, poll: int) -> Document:
    """Report the same again."""
    return document


def tick(document: Document, poll: int) -> Document:
    """Report again that nothing is new."""
    return document | dict.fromkeys(LOOKED_AFTER, _moment(poll))


def charge_on(document: Document, poll: int) -> Document:
    """Report what moves while a car charges."""
    return (
        tick(document, poll)
        | dict.fromkeys(CHARGED, _moment(poll))
        | {
            "battery_level": 40 + poll,
            "charge_rate_w": 10800 + 37 * poll,
            "charge_time_remaining": 7200 - 60 * poll,
        }
    )


def turn_over(document: Document, poll: int) -> Document:
    """Report something else in every field."""
    return {
        name: value if name in STANDING else _another(name, value, poll)
        for name, value in document.items()
    }


def _another(name: str, value: Any, poll: int) -> Any:
    """Return a value that a field has at no poll before or after."""
    match value:
        case bool():
            return bool(poll % 2)
        case int():
            # Downwards where it may be a percentage.
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
    """Return a day of readings of a car that nobody touches."""
    car = parked_car()
    return [tick(car, 5 * reading) for reading in range(READINGS_A_DAY)]


def charging_day() -> list[Document]:
    """Return the same day, of which it charges for four hours."""
    random, day = Random(1), parked_day()
    for number, reading in enumerate(range(96, 144)):
        day[reading] |= dict.fromkeys(CHARGED, _moment(5 * reading)) | {
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


SCENARIOS: dict[str, Move] = {
    "unchanged": stand_still,
    "timestamps": tick,
    "typical": charge_on,
    "every field": turn_over,
}


def vehicle_ids(count: int) -> list[str]:
    """Return the ids of some vehicles."""
    return [f"{FIRST_CAR_ID[:-4]}{number:04x}" for number in range(count)]


def scenario(name: str, vehicles: Iterable[str]) -> Readings:
    """Return what each vehicle answers in turn."""
    car = charging_car()
    return copies([SCENARIOS[name](car, poll) for poll in range(POLLS)], vehicles)


def copies(documents: Iterable[Document], vehicles: Iterable[str]) -> Readings:
    """Return the same readings for each vehicle, under its own id."""
    bodies = [orjson.dumps(document) for document in documents]
    return {
        vehicle_id: [
            body.replace(FIRST_CAR_ID.encode(), vehicle_id.encode()) for body in bodies
        ]
        for vehicle_id in vehicles
    }
