"""What is believed of a reading."""

from typing import Any

import pytest

from custom_components.podero.api import Vehicle
from custom_components.podero.charging.readings import Reading, sanitize

# Any vehicle has these.
BASE = {"connection_status": "ok"}
PLUGGED = {"is_plugged_in": True, "is_charging": False}
CHARGING = {"is_plugged_in": True, "is_charging": True, "charge_rate_w": 7000}
DRIVING = {"is_plugged_in": False, "is_charging": False}
NO_CABLE = {"is_plugged_in": False, "is_charging": True, "charge_rate_w": 7000}


def _at(clock: str, **fields: Any) -> dict[str, Any]:
    return {"updated_at": f"2026-11-02T{clock}:00Z", **fields}


def _judged(*readings: dict[str, Any]) -> list[Reading]:
    judged: list[Reading] = []
    for fields in readings:
        raw = Vehicle.from_json(BASE | fields)
        judged.append(sanitize(raw, judged[-1] if judged else None))
    return judged


def _shown(name: str, *readings: dict[str, Any]) -> list[Any]:
    return [getattr(reading.vehicle, name) for reading in _judged(*readings)]


OLD, NEW = _at("10:00", battery_level=40), _at("10:10", battery_level=41)
NEWER = _at("10:20", battery_level=42)


@pytest.mark.parametrize(
    ("field", "readings", "expected"),
    [
        # An older document is no news.
        ("battery_level", [OLD, NEW, OLD, NEW, OLD], [40, 41, 41, 41, 41]),
        ("battery_level", [NEW, OLD, OLD, NEWER, OLD], [41, 41, 41, 42, 42]),
        # Three in a row: it is the clock that moved.
        ("battery_level", [NEW, OLD, OLD, OLD, OLD], [41, 41, 41, 40, 40]),
        # Another document of the same time, or one that does not tell its time, is news.
        ("battery_level", [NEW, _at("10:10", battery_level=43)], [41, 43]),
        ("battery_level", [NEW, {"battery_level": 43}, OLD], [41, 43, 40]),
        # Nothing charges without a cable.
        ("is_plugged_in", [CHARGING, NO_CABLE, CHARGING], [True, True, True]),
        ("is_charging", [CHARGING, NO_CABLE, CHARGING], [True, True, True]),
        ("is_plugged_in", [CHARGING, NO_CABLE, NO_CABLE], [True, True, False]),
        ("is_charging", [CHARGING, NO_CABLE, NO_CABLE], [True, True, False]),
        ("charge_rate_w", [CHARGING, NO_CABLE, NO_CABLE], [7000, 7000, 0]),
        ("is_charging", [DRIVING, NO_CABLE, CHARGING], [False, False, True]),
        ("charge_rate_w", [DRIVING, NO_CABLE, CHARGING], [0, 0, 7000]),
        ("is_plugged_in", [NO_CABLE, CHARGING], [False, True]),
        ("is_charging", [NO_CABLE, CHARGING], [False, True]),
        ("is_charging", [{"is_charging": True}], [True]),
        # No power where nothing charges.
        ("charge_rate_w", [PLUGGED | {"charge_rate_w": 6300}], [0]),
        ("charge_rate_w", [PLUGGED | {"charge_rate_w": -6300}], [0]),
        ("charge_rate_w", [PLUGGED], [0]),
        ("charge_rate_w", [{"charge_rate_w": 6300}], [6300]),
        ("charge_time_remaining", [PLUGGED | {"charge_time_remaining": 60}], [0]),
        ("charge_time_remaining", [PLUGGED], [None]),
        # Without a position, the car is where it was.
        *[
            ("latitude", [{"latitude": 48.0, "longitude": 16.0}, nowhere], [48.0] * 2)
            for nowhere in (
                {},
                {"latitude": 0.0, "longitude": 0.0},
                {"latitude": 0, "longitude": 0},
                {"latitude": None, "longitude": 16.5},
                {"latitude": 47.0, "longitude": None},
                {"latitude": 47.0, "longitude": 181},
            )
        ],
        (
            "latitude",
            [{"latitude": 48.0, "longitude": 16.0}, {"latitude": 0, "longitude": 16.0}],
            [48.0, 0.0],
        ),
        ("latitude", [{"latitude": 0, "longitude": 0}], [None]),
        ("longitude", [{"latitude": 0, "longitude": 0}], [None]),
        ("longitude", [{"latitude": 48.0}], [None]),
    ],
)
def test_judge(field: str, readings: list[dict[str, Any]], expected: list[Any]) -> None:
    """Each reading is believed for what it is."""
    assert _shown(field, *readings) == expected


def test_the_same_reading_is_judged_once() -> None:
    """What is nothing new is the same object."""
    raw = Vehicle.from_json(BASE | PLUGGED)
    first = sanitize(raw, None)
    assert sanitize(raw, first) is first
    stale = sanitize(
        Vehicle.from_json(BASE | OLD), sanitize(Vehicle.from_json(NEW), None)
    )
    assert stale.stale_count == 1
    assert stale.raw.battery_level == 41


def test_a_contradiction_is_told() -> None:
    """Whoever derives events passes it over for as long as it lasts."""
    readings = _judged(CHARGING, NO_CABLE, NO_CABLE, CHARGING)
    assert [reading.is_contradictory for reading in readings] == [
        False,
        True,
        True,
        False,
    ]
