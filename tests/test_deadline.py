"""The deadline that is in force, and whether it was missed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.podero.api import ChargePolicy, DayPolicy, Vehicle
from custom_components.podero.charging.deadline import (
    Deadline,
    DeadlineWatch,
    NextDeadline,
    next_deadline,
)

BERLIN = ZoneInfo("Europe/Berlin")
CAR = Vehicle(
    is_charge_policy_enabled=True,
    charge_deadline_at=time(6),
    minimum_charge_limit=70,
    is_plugged_in=True,
    battery_level=50,
)
# A Wednesday.
DEADLINE = datetime(2026, 11, 11, 5, tzinfo=UTC)
BEFORE, AFTER = DEADLINE - timedelta(seconds=30), DEADLINE + timedelta(seconds=30)
WEEKEND = ChargePolicy(
    sat=DayPolicy(charge_percentage=90, charge_deadline=time(9, 30)),
    sun=DayPolicy(charge_percentage=100),
    timezone="Europe/Berlin",
)


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Do without Home Assistant."""


@pytest.mark.parametrize(
    ("now", "policy", "values", "expected"),
    [
        (BEFORE, None, {}, ("2026-11-11T05:00", 70)),
        (DEADLINE, None, {}, ("2026-11-12T05:00", 70)),
        (BEFORE, None, {"is_charge_policy_enabled": False}, None),
        (BEFORE, None, {"is_charge_policy_enabled": None}, None),
        (BEFORE, None, {"charge_deadline_at": None}, None),
        (BEFORE, None, {"minimum_charge_limit": None}, ("2026-11-11T05:00", None)),
        (BEFORE, WEEKEND, {}, ("2026-11-11T05:00", 70)),
        (DEADLINE + timedelta(days=2), WEEKEND, {}, ("2026-11-14T08:30", 90)),
        (DEADLINE + timedelta(days=3, hours=4), WEEKEND, {}, ("2026-11-15T05:00", 100)),
        # Only a weekday that is passed today: in a week again.
        (
            DEADLINE + timedelta(days=3, hours=4),
            WEEKEND,
            {"charge_deadline_at": None},
            ("2026-11-21T08:30", 90),
        ),
        # The clock goes back in the night to 25 October, and forward in that to 29 March.
        (datetime(2026, 10, 24, 20, tzinfo=UTC), None, {}, ("2026-10-25T05:00", 70)),
        (datetime(2026, 3, 28, 20, tzinfo=UTC), None, {}, ("2026-03-29T04:00", 70)),
    ],
)
def test_next_deadline(
    now: datetime,
    policy: ChargePolicy | None,
    values: dict[str, Any],
    expected: tuple[str, float | None] | None,
) -> None:
    deadline = next_deadline(replace(CAR, **values), policy, BERLIN, now)
    assert (deadline and (f"{deadline.at:%Y-%m-%dT%H:%M}", deadline.level)) == expected


def test_a_time_that_comes_twice_is_a_deadline_twice() -> None:
    car = replace(CAR, charge_deadline_at=time(2, 30))
    start = datetime(2026, 10, 25, tzinfo=UTC)
    first = next_deadline(car, None, BERLIN, start)
    wall_clock = datetime(2026, 10, 25, 2, 30)
    assert first == Deadline(start + timedelta(minutes=30), 70, wall_clock)
    second = next_deadline(car, None, BERLIN, first.at)
    assert second == Deadline(start + timedelta(minutes=90), 70, wall_clock)
    watch = DeadlineWatch(start)
    assert watch.update(car, None, BERLIN, start + timedelta(minutes=10)) is False
    told = [
        watch.update(car, None, BERLIN, start + timedelta(minutes=minute))
        for minute in range(11, 180)
    ]
    assert told.count(True) == 1


def test_a_kept_deadline_is_the_one_that_is_calculated() -> None:
    """It is kept while nothing changes, and not a moment longer."""
    policies = None, WEEKEND, replace(WEEKEND, sat=None)
    zones = BERLIN, ZoneInfo("America/New_York")
    cars = (
        CAR,
        replace(CAR, minimum_charge_limit=80),
        replace(CAR, charge_deadline_at=time(2, 30)),
        replace(CAR, charge_deadline_at=None),
        replace(CAR, is_charge_policy_enabled=False),
    )
    kept, random = NextDeadline(), Random(1)  # noqa: S311
    car, policy, zone, now = CAR, None, BERLIN, BEFORE
    known = 0
    for _ in range(2000):
        match random.randrange(30):
            case 0:
                car = random.choice(cars)
            case 1:
                policy = random.choice(policies)
            case 2:
                zone = random.choice(zones)
            case 3:
                # The clock is set back.
                now -= timedelta(days=1)
            case _:
                now += timedelta(minutes=random.choice((1, 60, 600)))
        expected = next_deadline(car, policy, zone, now)
        assert kept.after(now, car, policy, zone) == expected
        known += expected is not None
    assert 500 < known < 2000


def look(
    *looks: tuple[datetime, dict[str, Any]], watch: DeadlineWatch | None = None
) -> list[bool]:
    """Return what each reading tells."""
    watch = watch or DeadlineWatch()
    return [
        watch.update(replace(CAR, **values), None, BERLIN, now) for now, values in looks
    ]


@pytest.mark.parametrize(
    ("values", "is_missed"),
    [
        ({}, True),
        ({"battery_level": 69.9}, True),
        ({"battery_level": 70}, False),
        ({"is_fully_charged": True}, False),
        ({"is_plugged_in": False}, False),
        ({"is_charge_policy_enabled": False}, False),
        # What was not asked for before the deadline is not missed, and the other way round.
        ({"minimum_charge_limit": 40}, True),
        ({"minimum_charge_limit": 90, "battery_level": 75}, False),
        ({"battery_level": None}, False),
        ({"is_plugged_in": None}, False),
    ],
)
def test_a_deadline_is_missed_below_the_level(
    values: dict[str, Any], is_missed: bool
) -> None:
    later = AFTER + timedelta(minutes=1)
    assert look((BEFORE, {}), (AFTER, values)) == [False, is_missed]
    assert look((BEFORE, {}), (AFTER, values), (later, values))[2] is False


def test_a_reading_that_does_not_tell_leaves_it_to_the_next() -> None:
    minute = timedelta(minutes=1)
    unknown = {"battery_level": None}
    readings = [
        (BEFORE, {}),
        (AFTER, unknown),
        (AFTER + minute, {}),
        (AFTER + 2 * minute, {}),
    ]
    assert look(*readings) == [False, False, True, False]
    late = [(DEADLINE + minute * count, unknown) for count in range(16)]
    assert not any(look((BEFORE, {}), *late, (DEADLINE + 16 * minute, {})))


def test_a_policy_that_is_unknown_for_a_moment_changes_nothing() -> None:
    unknown = {"is_charge_policy_enabled": None}
    later = AFTER + timedelta(minutes=1)
    assert look((BEFORE, {}), (AFTER, unknown), (later, {})) == [False, False, True]
    earlier = BEFORE - timedelta(minutes=1)
    assert look((earlier, {}), (BEFORE, unknown), (AFTER, {})) == [False, False, True]


@pytest.mark.parametrize(
    ("before", "after", "is_missed"),
    [
        # Moved to the evening, or to another time that has passed as well.
        ({}, {"charge_deadline_at": time(18)}, False),
        ({}, {"charge_deadline_at": time(5, 59, 45)}, True),
        # Set, or switched on, when it had passed.
        ({"charge_deadline_at": time(18)}, {}, False),
        ({"charge_deadline_at": None}, {}, False),
        ({"is_charge_policy_enabled": False}, {}, False),
    ],
)
def test_a_deadline_that_is_moved_as_it_passes(
    before: dict[str, Any], after: dict[str, Any], is_missed: bool
) -> None:
    assert look((BEFORE, before), (AFTER, after)) == [False, is_missed]


@pytest.mark.parametrize(("minutes", "is_missed"), [(14, True), (16, False)])
def test_nobody_looked_for_a_while(minutes: int, is_missed: bool) -> None:
    end = BEFORE + timedelta(minutes=minutes)
    assert look((BEFORE, {}), (end, {})) == [False, is_missed]
    # Likewise across a restart.
    assert look((end, {}), watch=DeadlineWatch(BEFORE)) == [is_missed]


def test_it_is_told_once_across_restarts() -> None:
    watch = DeadlineWatch(BEFORE)
    assert look((AFTER, {}), watch=watch) == [True]
    assert look((AFTER, {}), watch=DeadlineWatch(BEFORE, watch.missed)) == [False]
    assert look((AFTER, {})) == [False]
