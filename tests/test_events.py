"""Events derived from consecutive readings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.podero.api import BoostState, Vehicle
from custom_components.podero.charging.events import ChargingEvents, Known, resume

UNOPTIMIZED = {"is_smart_optimization_active": False}
OFF: dict[str, Any] = {
    "is_plugged_in": False,
    "is_charging": False,
    "is_fully_charged": False,
}
PLUGGED = OFF | {"is_plugged_in": True}
CHARGING = PLUGGED | {"is_charging": True}
FULL = PLUGGED | {"is_fully_charged": True}
BOOSTING = CHARGING | {"boost_state": BoostState.ONGOING}
PAUSED = PLUGGED | {"is_pause_power_active": True}
AWAY_FULL = OFF | {"is_fully_charged": True}
NOTHING: dict[str, Any] = {}


def _derive(*readings: dict[str, Any]) -> list[str]:
    events = ChargingEvents()
    return [event for fields in readings for event in events.derive(Vehicle(**fields))]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([CHARGING], []),
        ([NOTHING, CHARGING], []),
        ([OFF, PLUGGED], ["plugged_in"]),
        ([OFF, NOTHING, PLUGGED], ["plugged_in"]),
        ([PLUGGED, NOTHING, PLUGGED], []),
        ([PLUGGED, CHARGING], ["charging_started"]),
        ([OFF, CHARGING], ["plugged_in", "charging_started"]),
        ([CHARGING, FULL], ["charging_stopped", "fully_charged"]),
        ([CHARGING, OFF], ["charging_stopped", "unplugged"]),
        ([FULL, OFF], ["unplugged"]),
        ([CHARGING, NOTHING, NOTHING, OFF], ["charging_stopped", "unplugged"]),
        # Fully charged: once until the car is unplugged.
        ([PLUGGED, FULL, PLUGGED, FULL, PLUGGED, FULL], ["fully_charged"]),
        ([FULL, PLUGGED, FULL], []),
        (
            [PLUGGED, FULL, OFF, PLUGGED, FULL],
            ["fully_charged", "unplugged", "plugged_in", "fully_charged"],
        ),
        ([OFF, FULL, PLUGGED, FULL], ["plugged_in", "fully_charged"]),
        ([PLUGGED, FULL, AWAY_FULL, OFF, AWAY_FULL], ["fully_charged", "unplugged"]),
        (
            [
                FULL | {"battery_at_plug_in": 40.0},
                PLUGGED | {"battery_at_plug_in": 25.0},
                FULL | {"battery_at_plug_in": 25.0},
            ],
            ["fully_charged"],
        ),
        (
            [PLUGGED, FULL, PLUGGED | {"battery_at_plug_in": 25.0}, FULL],
            ["fully_charged"],
        ),
        (
            [
                {"is_fully_charged": False},
                {"is_fully_charged": True},
                {"is_fully_charged": False},
                {"is_fully_charged": True},
            ],
            ["fully_charged", "fully_charged"],
        ),
        # Interrupted: unless Podero may have caused it.
        ([CHARGING, PLUGGED], ["charging_stopped"]),
        (
            [CHARGING | UNOPTIMIZED, PLUGGED | UNOPTIMIZED],
            ["charging_stopped", "charging_interrupted"],
        ),
        ([BOOSTING, PLUGGED], ["charging_stopped", "charging_interrupted"]),
        ([BOOSTING, FULL], ["charging_stopped", "fully_charged"]),
        ([BOOSTING, PAUSED], ["charging_stopped"]),
        ([BOOSTING, OFF], ["charging_stopped", "unplugged"]),
        ([BOOSTING, CHARGING, PLUGGED], ["charging_stopped"]),
        (
            [
                CHARGING | UNOPTIMIZED,
                PLUGGED | {"is_smart_optimization_active": True},
            ],
            ["charging_stopped"],
        ),
        ([CHARGING, PLUGGED | UNOPTIMIZED], ["charging_stopped"]),
        (
            [CHARGING | UNOPTIMIZED, FULL | {"is_fully_charged": None}, PLUGGED],
            ["charging_stopped", "charging_interrupted"],
        ),
        (
            [
                BOOSTING | {"is_pause_power_active": False},
                PLUGGED,
                PLUGGED | {"is_pause_power_active": False},
            ],
            ["charging_stopped", "charging_interrupted"],
        ),
        (
            [BOOSTING | {"is_pause_power_active": False}, PLUGGED, PAUSED],
            ["charging_stopped"],
        ),
    ],
)
def test_derive(readings: list[dict[str, Any]], expected: list[str]) -> None:
    """An event follows from two known values."""
    assert _derive(*readings) == expected


NOW = datetime(2026, 11, 2, 7, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=8)


def _known(reading: dict[str, Any], **others: Any) -> Known:
    return Known().update(
        Vehicle(current_state_last_updated_at=BEFORE, **reading, **others)
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OFF, PLUGGED, ["plugged_in"]),
        (PLUGGED, OFF, ["unplugged"]),
        (PLUGGED, FULL, ["fully_charged"]),
        (OFF, FULL, ["plugged_in", "fully_charged"]),
        (PLUGGED, AWAY_FULL, ["fully_charged", "unplugged"]),
        (CHARGING, PLUGGED, []),
        (PLUGGED, CHARGING, []),
        (BOOSTING, PLUGGED, []),
        (PLUGGED, PLUGGED, []),
        (FULL, FULL, []),
        (NOTHING, PLUGGED, []),
        (OFF, NOTHING, []),
    ],
)
def test_resume(
    before: dict[str, Any], after: dict[str, Any], expected: list[str]
) -> None:
    """Missed events of the plug are derived from the first reading."""
    reading = Vehicle(current_state_last_updated_at=NOW, **after)
    _, missed = resume(_known(before), NOW - timedelta(hours=6), reading, NOW)
    assert missed == expected


@pytest.mark.parametrize(
    ("reported", "absence"),
    [
        (BEFORE, timedelta(hours=1)),
        (BEFORE - timedelta(minutes=1), timedelta(hours=1)),
        (None, timedelta(hours=1)),
        (NOW, timedelta(hours=12, minutes=1)),
        (NOW, timedelta(days=300)),
        (NOW, timedelta(minutes=-1)),
    ],
)
def test_resume_in_silence(reported: datetime | None, absence: timedelta) -> None:
    """No event is missed if the car has not reported since, or after too long."""
    reading = Vehicle(current_state_last_updated_at=reported, **PLUGGED)
    events, missed = resume(_known(OFF), NOW - absence, reading, NOW)
    assert missed == []
    assert events.derive(Vehicle(**OFF)) == ["unplugged"]


@pytest.mark.parametrize("absence", [timedelta(hours=1), timedelta(days=3)])
def test_full_is_told_once_across_a_restart(absence: timedelta) -> None:
    """A car that was full before a restart fires no event when it is again."""
    known = _known(FULL, battery_at_plug_in=40.0)
    reading = Vehicle(
        current_state_last_updated_at=NOW, battery_at_plug_in=40.0, **PLUGGED
    )
    events, missed = resume(known, NOW - absence, reading, NOW)
    assert missed == []
    assert events.derive(Vehicle(battery_at_plug_in=40.0, **FULL)) == []
