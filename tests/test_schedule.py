"""When sessions and the policy are read: never too often, and soon after something happened."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from homeassistant.util import dt as dt_util

from custom_components.podero.charging.schedule import (
    REQUESTS_A_DAY,
    Endpoint,
    Schedule,
)

CAR = "1a2b3c4d-0000-4000-8000-00000000002a"
START = datetime(2026, 11, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLLS_A_DAY = 1440


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> Iterator[None]:
    """Do without Home Assistant, in London."""
    zone = dt_util.get_default_time_zone()
    dt_util.set_default_time_zone(ZoneInfo("Europe/London"))
    yield
    dt_util.set_default_time_zone(zone)


class Reader:
    """Read whatever is due, minute by minute."""

    def __init__(self) -> None:
        self.schedule = Schedule(CAR)
        self.now = START
        self.read: list[tuple[Endpoint, datetime]] = []
        self.failing: set[Endpoint] = set()
        self.is_plugged_in = False

    def live(self, minutes: int) -> None:
        for _ in range(minutes):
            due = self.schedule.due(self.now, is_plugged_in=self.is_plugged_in)
            for endpoint in due:
                self.read.append((endpoint, self.now))
                self.schedule.start(endpoint, self.now)
                self.schedule.count(1, self.now)
                if endpoint is Endpoint.SESSIONS and endpoint not in self.failing:
                    self.schedule.read_sessions(self.now)
            self.now += MINUTE

    def minutes(self, endpoint: Endpoint) -> list[int]:
        """Return when something was read, in minutes after the start."""
        return [
            int((at - START) / MINUTE) for read, at in self.read if read is endpoint
        ]

    @property
    def counts(self) -> Counter[Endpoint]:
        return Counter(endpoint for endpoint, _ in self.read)


def test_everything_is_read_at_first() -> None:
    reader = Reader()
    reader.live(1)
    assert [endpoint for endpoint, _ in reader.read] == list(Endpoint)


def test_a_day_without_the_car() -> None:
    reader = Reader()
    reader.live(POLLS_A_DAY)
    assert reader.counts == {
        Endpoint.POLICY: 24,
        Endpoint.RUNNING: 1,
        Endpoint.SESSIONS: 2,
    }
    # At 01:42 in the night.
    assert reader.minutes(Endpoint.SESSIONS) == [0, 13 * 60 + 42]


def test_a_day_with_the_car_takes_at_most_a_tenth_more() -> None:
    reader = Reader()
    reader.live(POLLS_A_DAY // 2)
    reader.is_plugged_in = True
    reader.live(POLLS_A_DAY)
    assert reader.counts[Endpoint.RUNNING] == 97
    last_day = [at for _, at in reader.read if at > reader.now - timedelta(days=1)]
    assert len(last_day) <= POLLS_A_DAY / 10


def test_sessions_are_read_twice_after_one_has_ended() -> None:
    reader = Reader()
    reader.live(100)
    reader.schedule.end_session(reader.now)
    reader.live(180)
    assert reader.minutes(Endpoint.SESSIONS) == [0, 110, 170]


def test_an_end_after_another_is_not_forgotten() -> None:
    reader = Reader()
    reader.live(100)
    reader.schedule.end_session(reader.now)
    reader.live(8)
    reader.schedule.end_session(reader.now)
    reader.live(180)
    assert reader.minutes(Endpoint.SESSIONS) == [0, 110, 118, 178]


def test_an_end_during_a_read_is_not_forgotten() -> None:
    reader = Reader()
    reader.schedule.start(Endpoint.SESSIONS, reader.now)
    reader.schedule.end_session(reader.now + MINUTE)
    reader.schedule.read_sessions(reader.now)
    reader.live(180)
    assert reader.minutes(Endpoint.SESSIONS) == [11, 71]


def test_policy_and_plan_are_read_after_something_was_set() -> None:
    reader = Reader()
    reader.is_plugged_in = True
    reader.live(10)
    reader.schedule.change_plan(reader.now)
    reader.live(120)
    assert reader.minutes(Endpoint.POLICY) == [0, 10, 70]
    assert reader.minutes(Endpoint.RUNNING)[:3] == [0, 11, 26]


def test_many_changes_do_not_starve_the_sessions() -> None:
    """An automation that sets something every five minutes leaves requests for them."""
    reader = Reader()
    reader.is_plugged_in = True
    for _ in range(POLLS_A_DAY // 5 - 20):
        reader.schedule.change_plan(reader.now)
        reader.live(5)
    reader.schedule.end_session(reader.now)
    ended_at = int((reader.now - START) / MINUTE)
    reader.live(100)
    assert reader.minutes(Endpoint.SESSIONS)[-2:] == [ended_at + 10, ended_at + 70]


@pytest.mark.parametrize("is_failing", [True, False])
def test_however_often_it_ends_a_tenth_more_is_not_exceeded(is_failing: bool) -> None:
    reader = Reader()
    reader.is_plugged_in = True
    reader.failing = set(Endpoint) if is_failing else set()
    for _ in range(3 * POLLS_A_DAY // 5):
        reader.schedule.end_session(reader.now)
        reader.schedule.change_plan(reader.now)
        reader.live(5)
    times = [at for _, at in reader.read]
    assert len(times) > 2.5 * REQUESTS_A_DAY
    assert (
        max(
            sum(start <= at < start + timedelta(days=1) for at in times)
            for start in times
        )
        <= REQUESTS_A_DAY + 2
    )


def test_what_failed_is_read_again() -> None:
    reader = Reader()
    reader.failing = {Endpoint.SESSIONS}
    reader.live(150)
    assert reader.minutes(Endpoint.SESSIONS) == [0, 60, 120]


def test_what_is_stopped_is_read_no_more() -> None:
    reader = Reader()
    reader.is_plugged_in = True
    for endpoint in Endpoint:
        reader.schedule.stop(endpoint)
    reader.schedule.end_session(reader.now)
    reader.schedule.change_plan(reader.now)
    reader.live(POLLS_A_DAY)
    assert reader.read == []


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(None, 15), (3600, 60), (1, 1), (-5, 1), (1e12, 1440)]
)
def test_nothing_is_read_before_the_service_wishes(
    seconds: float | None, minutes: int
) -> None:
    reader = Reader()
    reader.schedule.wait(seconds, reader.now)
    reader.live(minutes)
    assert reader.read == []
    reader.live(1)
    assert len(reader.read) == 3


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    reader = Reader()
    reader.is_plugged_in = True
    reader.live(30)
    reader.schedule.wait(86400, reader.now)
    reader.now -= timedelta(days=400)
    reader.read.clear()
    reader.live(1)
    assert [endpoint for endpoint, _ in reader.read] == list(Endpoint)
