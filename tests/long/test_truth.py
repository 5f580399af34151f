"""The measure of the long tests: what is false or missed would be noticed."""

from collections.abc import Mapping
from typing import Any

import pytest

from .truth import MISSED, Watch

CAR = {
    "is_plugged_in": False,
    "is_charging": False,
    "is_fully_charged": False,
    "is_pause_power_active": False,
    "is_smart_optimization_active": True,
    "boost_state": "available",
    "battery_at_plug_in": 50.0,
}


def _readings(*changes: dict[str, Any]) -> list[tuple[float, Mapping[str, Any]]]:
    """Return readings, one a second, each with what has changed since the one before."""
    document: dict[str, Any] = dict(CAR)
    readings: list[tuple[float, Mapping[str, Any]]] = []
    for second, change in enumerate(changes):
        document |= change | {"current_state_last_updated_at": f"{second:03}"}
        readings.append((float(second), dict(document)))
    return readings


PLUGGED, CHARGING = {"is_plugged_in": True}, {"is_charging": True}
STOPPED = {"is_charging": False}
FULL = {"is_charging": False, "is_fully_charged": True}
UNPLUGGED = {"is_plugged_in": False, "is_fully_charged": False}
NOT_SMART = {"is_smart_optimization_active": False}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ([{}, PLUGGED, {}], ["plugged_in"]),
        (
            [{}, PLUGGED, CHARGING, FULL, UNPLUGGED],
            [
                *("plugged_in", "charging_started", "charging_stopped"),
                *("fully_charged", "unplugged"),
            ],
        ),
        # Full once at the plug, however often it is charged again.
        (
            [{"is_fully_charged": True} | PLUGGED, {"is_fully_charged": False}, FULL],
            [],
        ),
        (
            [
                PLUGGED,
                FULL,
                {"is_fully_charged": False},
                FULL,
                UNPLUGGED,
                PLUGGED,
                FULL,
            ],
            ["fully_charged", "unplugged", "plugged_in", "fully_charged"],
        ),
        # Podero stops charging as it sees fit, unless it may not.
        ([PLUGGED | CHARGING, STOPPED], ["charging_stopped"]),
        (
            [PLUGGED | CHARGING | NOT_SMART, STOPPED],
            ["charging_stopped", "charging_interrupted"],
        ),
        (
            [PLUGGED | CHARGING | {"boost_state": "ongoing"}, STOPPED],
            ["charging_stopped", "charging_interrupted"],
        ),
        ([{}, {"is_plugged_in": None}, PLUGGED], ["plugged_in"]),
        ([{}, {"is_charging": True}], []),
    ],
)
def test_what_readings_show(changes: list[dict[str, Any]], shown: list[str]) -> None:
    watch = Watch()
    watch.readings = _readings(*changes)
    watch.fired = list(shown)
    assert watch.close(float("inf")).errors == 0
    for fired in (shown[1:], [*shown, "unplugged"], shown[::-1]):
        if fired != shown:
            watch = Watch()
            watch.readings = _readings(*changes)
            watch.fired = list(fired)
            comparison = watch.close(float("inf"))
            assert comparison.errors
            assert comparison.counts["events"] == len(shown)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, PLUGGED, ["plugged_in"]),
        (PLUGGED, UNPLUGGED, ["unplugged"]),
        (PLUGGED, FULL, ["fully_charged"]),
        (PLUGGED, PLUGGED | FULL | {"battery_at_plug_in": 20.0}, ["fully_charged"]),
        (PLUGGED | FULL, FULL | {"battery_at_plug_in": 20.0}, []),
        (PLUGGED, CHARGING, []),
        (PLUGGED | CHARGING | NOT_SMART, STOPPED, []),
        ({"is_plugged_in": None}, PLUGGED, []),
    ],
)
@pytest.mark.parametrize("is_too_long", [False, True])
def test_what_is_told_afterwards(
    before: dict[str, Any], after: dict[str, Any], told: list[str], *, is_too_long: bool
) -> None:
    first, second = _readings(before, after)
    watch = Watch()
    watch.readings = [first]
    watch.close(float("inf"), is_too_long=is_too_long)
    watch.readings = [second]
    watch.fired = [] if is_too_long else [event + MISSED for event in told]
    assert watch.close(float("inf")).errors == 0


def test_an_event_at_the_stop_is_told_once() -> None:
    """Before it or afterwards, and neither never nor twice."""
    for before, after, errors in (
        (["plugged_in"], [], 0),
        ([], ["plugged_in" + MISSED], 0),
        ([], [], 1),
        (["plugged_in"], ["plugged_in" + MISSED], 1),
    ):
        watch = Watch()
        readings = _readings({}, PLUGGED, {})
        watch.readings = readings[:2]
        watch.fired = before
        assert watch.close(0.5).errors == 0
        watch.readings = readings[2:]
        watch.fired = after
        assert watch.close(float("inf")).errors == errors
