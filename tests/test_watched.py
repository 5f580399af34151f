"""What consecutive polls saw of a car's charging."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any

import pytest

from custom_components.podero.api import Vehicle
from custom_components.podero.charging.watched import MIN_SPANS, Span, Watched, power_of

START = datetime(2026, 11, 10, 22, 0, tzinfo=UTC)
HOUR = START.timestamp()


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Do without Home Assistant."""


def watch(*polls: tuple[float, float | None]) -> Watched:
    """Return what polls saw, each so many minutes after the start."""
    watched = Watched()
    for minutes, power in polls:
        watched.add(START + timedelta(minutes=minutes), power)
    return watched


def spans(*parts: tuple[float, float, float]) -> list[Span]:
    """Return spans, in minutes after the start."""
    return [
        Span(HOUR + 60 * start, HOUR + 60 * end, pytest.approx(energy))
        for start, end, energy in parts
    ]


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        ([], []),
        ([(0, 6)], []),
        ([(0, 6), (1, 6)], [(0, 1, 0.1)]),
        ([(0, 6), (1, 6), (2, 12)], [(0, 2, 0.25)]),
        ([(0, 0), (1, 0), (2, 6), (3, 6)], [(0, 1, 0), (1, 3, 0.15)]),
        # A full hour parts what is seen.
        ([(58, 6), (60, 6), (62, 6)], [(58, 60, 0.2), (60, 62, 0.2)]),
        ([(59, 6), (61, 6)], [(59, 60, 0.1), (60, 61, 0.1)]),
        # Nobody looked for too long, or what was seen is not known.
        ([(0, 6), (30, 6)], [(0, 30, 3)]),
        ([(0, 6), (30.1, 6), (31.1, 6)], [(30.1, 31.1, 0.1)]),
        ([(0, 6), (1, None), (2, 6), (3, 6)], [(2, 3, 0.1)]),
        # The clock was set back: no time counts twice.
        ([(0, 6), (2, 6), (1, 6), (1.5, 6), (2.5, 6), (3.5, 6)], [(0, 2, 0.2), (2.5, 3.5, 0.1)]),
        ([(0, 6), (0, 6)], []),
        # It was ahead for some polls.
        ([(0, 6), (1, 6), (600, 6), (601, 6), (2, 6), (3, 6), (4, 6)], [(0, 1, 0.1), (2, 4, 0.2)]),
    ],
)  # fmt: skip
def test_energy_is_power_over_time(
    polls: list[tuple[float, float | None]],
    expected: list[tuple[float, float, float]],
) -> None:
    assert watch(*polls).spans == spans(*expected)


@pytest.mark.parametrize(
    ("is_plugged_in", "is_charging", "watts", "expected"),
    [
        (True, True, 7200, 7.2),
        (True, True, None, 11),
        (True, True, 0, 11),
        (True, False, 7200, 0),
        (True, None, 7200, None),
        (False, True, 7200, None),
        (None, True, 7200, None),
        (True, True, -7200, None),
        # In mW.
        (True, True, 7_200_000, None),
    ],
)
def test_the_power_that_a_reading_shows(
    is_plugged_in: bool | None,
    is_charging: bool | None,
    watts: int | None,
    expected: float | None,
) -> None:
    vehicle = Vehicle(
        is_plugged_in=is_plugged_in, is_charging=is_charging, charge_rate_w=watts
    )
    assert power_of(vehicle) == expected


def test_an_hour_is_a_span_or_two() -> None:
    """A night of polls takes little room."""
    watched = watch(*((minute, 0 if minute < 330 else 11) for minute in range(601)))
    assert len(watched.spans) == 11
    assert sum(span.energy for span in watched.spans) == pytest.approx(270.5 / 60 * 11)


def test_a_car_that_was_away_forgets_nothing_until_there_is_much() -> None:
    watched = watch((0, 6), (1, 6))
    for hour in range(MIN_SPANS):
        for minute in (0, 1):
            later = timedelta(days=100, hours=hour, minutes=minute)
            assert watched.spans[0].start == HOUR
            watched.add(START + later, 0)
    assert len(watched.spans) == MIN_SPANS
    assert watched.spans[0].start == HOUR + 100 * 86400


def test_what_is_not_old_is_not_forgotten() -> None:
    """A car that charges with solar power can start and stop every few minutes."""
    toggles = [(2 * minute, 6 * (minute % 4 // 2)) for minute in range(5000)]
    watched = watch(*toggles)
    assert len(watched.spans) > MIN_SPANS
    assert watched.spans[0].start == HOUR


def test_what_was_seen_outlives_a_restart() -> None:
    watched = watch((0, 6), (1, 6), (2, 0), (3, 0))
    stored = json.loads(json.dumps(watched.as_json()))
    restored = Watched.from_json(stored)
    assert restored.spans == watched.spans
    restored.add(START + timedelta(minutes=4), 0)
    restored.add(START + timedelta(minutes=35), 0)
    restored.add(START + timedelta(minutes=36), 0)
    assert restored.spans == spans((0, 2, 0.15), (2, 4, 0), (35, 36, 0))


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "spans",
        {"spans": []},
        [None],
        [[1, 2]],
        [["1", 2, 3]],
        [[10, 5, 1]],
        [[10, 20, -1]],
        [[3500, 3700, 1]],
    ],
)
def test_a_broken_file_tells_nothing(stored: Any) -> None:
    assert Watched.from_json(stored).spans == []


def test_spans_out_of_order_are_left_out() -> None:
    stored = [[10, 20, 1], [15, 30, 1], [30, 40, 1]]
    assert Watched.from_json(stored).spans == [Span(10, 20, 1), Span(30, 40, 1)]
