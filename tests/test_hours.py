"""Sessions as energy and money per hour: a table of cases, and what holds for any."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.podero.api import ChargingSession
from custom_components.podero.charging.hours import (
    Amounts,
    Fault,
    amounts_of,
    hours_of,
    start_between,
    valid_sessions,
)
from custom_components.podero.charging.watched import Span, Watched

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Hypothesis complains of how it hands its own random numbers to itself.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")
MANY = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Do without Home Assistant."""


def at(text: str) -> datetime:
    """Return a time of November 2026, written as `day hour:minute`, in UTC."""
    return datetime.strptime(f"2026 11 {text}", "%Y %m %d %H:%M").replace(tzinfo=UTC)


def session(
    start: str, end: str | None, energy: float | None, **values: Any
) -> ChargingSession:
    """Return a session at home."""
    defaults = {"id": f"id-{start}", "is_at_home": True}
    return ChargingSession(
        plug_in_time=at(start),
        unplug_time=end and at(end),
        energy_charged_kwh=energy,
        **defaults | values,
    )


def plan(start: str, end: str, peak: float | None = None) -> dict[str, Any]:
    """Return the planned window of a session."""
    return {
        "desired_charging_start_time": at(start),
        "desired_charging_end_time": at(end),
        "peak_charge_power_kw": peak,
    }


def seen(*spans: tuple[str, str, float]) -> list[Span]:
    """Return what polls saw: the car charging with so many kW, or 0."""
    watched = Watched()
    for start, end, power in spans:
        moment, last = at(start), at(end)
        while moment <= last:
            watched.add(moment, power)
            moment += timedelta(minutes=1)
        watched.add(last, None)
    return watched.spans


def count(
    sessions: list[ChargingSession],
    spans: list[Span],
    now: datetime = NOW,
    running: ChargingSession | None = None,
) -> tuple[dict[datetime, Amounts], dict[str, Fault]]:
    """Return the hours of those sessions that are sound, and what is wrong with which."""
    sound, faults = valid_sessions(sessions, now, running)
    return hours_of(sound, spans, now), faults


class Case(NamedTuple):
    """Sessions, what polls saw, and the kWh that each hour must show."""

    sessions: list[ChargingSession]
    hours: dict[str, float]
    faults: dict[str, Fault] = {}  # noqa: RUF012 - never changed
    spans: list[Span] = []  # noqa: RUF012
    running: ChargingSession | None = None


CASES = {
    "nothing": Case([], {}),
    "evenly where nobody watched": Case(
        [session("10 22:00", "11 02:00", 8)],
        {"10 22:00": 2, "10 23:00": 2, "11 00:00": 2, "11 01:00": 2},
    ),
    "parts of hours": Case(
        [session("10 22:30", "11 00:15", 7)],
        {"10 22:00": 2, "10 23:00": 4, "11 00:00": 1},
    ),
    "the inferred end comes first": Case(
        [session("10 22:00", "11 08:00", 6, inferred_session_end=at("10 23:00"))],
        {"10 22:00": 6},
    ),
    "the inferred end alone": Case(
        [session("10 22:00", None, 6, inferred_session_end=at("10 23:00"))],
        {"10 22:00": 6},
    ),
    "within the planned window": Case(
        [session("10 18:00", "11 08:00", 20, **plan("11 01:00", "11 03:00", 11))],
        {"11 01:00": 10, "11 02:00": 10},
    ),
    "the planned window where it overlaps": Case(
        [session("10 18:00", "11 02:00", 9, **plan("11 01:00", "11 05:00", 11))],
        {"11 01:00": 9},
    ),
    "with one tenth more than the peak": Case(
        [session("10 22:00", "11 02:00", 12.1, **plan("11 01:00", "11 02:00", 11))],
        {"11 01:00": 12.1},
    ),
    "not with more than that": Case(
        [session("10 22:00", "11 02:00", 12.2, **plan("11 01:00", "11 02:00", 11))],
        dict.fromkeys(("10 22:00", "10 23:00", "11 00:00", "11 01:00"), 3.05),
    ),
    "a plan that lies elsewhere": Case(
        [session("10 22:00", "11 00:00", 8, **plan("11 01:00", "11 02:00", 11))],
        {"10 22:00": 4, "10 23:00": 4},
    ),
    "a plan that ends before it starts": Case(
        [session("10 22:00", "11 00:00", 8, **plan("10 23:00", "10 22:00", 11))],
        {"10 22:00": 4, "10 23:00": 4},
    ),
    "a plan without a peak": Case(
        [session("10 18:00", "11 08:00", 20, **plan("11 01:00", "11 02:00"))],
        {"11 01:00": 20},
    ),
    "a plan without an end": Case(
        [
            session(
                "10 18:00", "10 23:00", 8, desired_charging_start_time=at("10 21:00")
            )
        ],
        {"10 21:00": 4, "10 22:00": 4},
    ),
    "where it was seen, with a pause, and not as planned": Case(
        [session("10 18:00", "11 07:00", 20, **plan("11 02:00", "11 05:00", 11))],
        {"10 23:00": 8, "11 00:00": 6, "11 01:00": 6},
        spans=seen(
            ("10 18:00", "10 23:10", 0),
            # 8, 6 and 6 of 20 kWh, at another scale.
            ("10 23:10", "10 23:50", 6),
            ("10 23:50", "11 00:30", 0),
            ("11 00:30", "11 01:00", 6),
            ("11 01:00", "11 01:40", 4.5),
            ("11 01:40", "11 07:00", 0),
        ),
    ),
    "the rest where nobody watched": Case(
        [session("10 22:00", "11 02:00", 10, peak_charge_power_kw=5)],
        {"10 22:00": 4, "11 00:00": 3, "11 01:00": 3},
        spans=seen(("10 22:00", "10 23:00", 4), ("10 23:00", "11 00:00", 0)),
    ),
    "the rest where nobody watched, as planned": Case(
        [session("10 22:00", "11 04:00", 10, **plan("11 02:00", "11 03:00", 11))],
        {"10 22:00": 4, "11 02:00": 6},
        spans=seen(("10 22:00", "10 23:00", 4), ("10 23:00", "11 00:00", 0)),
    ),
    "no more than its peak where nobody watched": Case(
        # 5.5 kWh at the most in the second hour: all of it is scaled.
        [session("10 22:00", "11 00:00", 19, peak_charge_power_kw=5)],
        {"10 22:00": 8, "10 23:00": 11},
        spans=seen(("10 22:00", "10 23:00", 4)),
    ),
    "less than was seen": Case(
        [session("10 22:00", "11 02:00", 6)],
        {"10 22:00": 4, "10 23:00": 2},
        spans=seen(("10 22:00", "10 23:00", 8), ("10 23:00", "11 00:00", 4)),
    ),
    "watched all the time, and never seen charging": Case(
        [session("10 22:00", "11 00:00", 6)],
        {"10 22:00": 3, "10 23:00": 3},
        spans=seen(("10 22:00", "11 00:00", 0)),
    ),
    "what was seen of other sessions": Case(
        [session("10 22:00", "11 00:00", 6), session("11 05:00", "11 06:00", 2)],
        {"10 22:00": 6, "11 05:00": 2},
        spans=seen(
            ("10 20:00", "10 21:59", 9),
            ("10 22:00", "10 23:00", 7),
            ("10 23:00", "11 00:00", 0),
            ("11 01:00", "11 03:00", 9),
        ),
    ),
    "two sessions in one hour": Case(
        [session("10 22:00", "10 22:20", 1), session("10 22:30", "10 22:50", 2)],
        {"10 22:00": 3},
    ),
    "away from home": Case([session("10 22:00", "11 02:00", 8, is_at_home=False)], {}),
    "where it is not known": Case(
        [session("10 22:00", "10 23:00", 8, is_at_home=None)], {"10 22:00": 8}
    ),
    "energy that is not known": Case([session("10 22:00", "11 02:00", None)], {}),
    "no energy": Case([session("10 22:00", "11 02:00", 0)], {}),
    "hardly plugged in": Case(
        [session("10 22:00", "10 22:00", 0.1)], {"10 21:00": 0.1}
    ),
    "running, up to now": Case(
        [],
        {"20 10:00": 5, "20 11:00": 5},
        running=session("20 10:00", None, 10, **plan("20 09:00", "20 15:00", 11)),
    ),
    "running, before its plan begins": Case(
        [],
        {"20 11:00": 0.1},
        running=session("20 11:00", None, 0.1, **plan("20 13:00", "20 15:00", 11)),
    ),
    "running, and listed": Case(
        [session("20 10:00", None, 4)],
        {"20 10:00": 5, "20 11:00": 5},
        running=session("20 10:00", None, 10),
    ),
    "running, and listed under another id": Case(
        [session("20 10:00", "20 11:00", 4, id="other")],
        {"20 10:00": 5, "20 11:00": 5},
        running=session("20 10:00", None, 10),
    ),
    "no id": Case(
        [
            session("10 22:00", "10 23:00", 8, id=None),
            session("10 23:00", "11 00:00", 7, id=None),
        ],
        {"10 22:00": 8, "10 23:00": 7},
    ),
    # Each of these costs itself at most.
    "no start": Case(
        [
            ChargingSession(id="x", unplug_time=at("10 23:00"), energy_charged_kwh=8),
            session("11 22:00", "11 23:00", 8),
        ],
        {"11 22:00": 8},
        {"x": Fault.NO_START},
    ),
    "no end": Case(
        [session("10 22:00", None, 8, id="x"), session("11 22:00", "11 23:00", 8)],
        {"11 22:00": 8},
        {"x": Fault.NO_END},
    ),
    "an end before its start": Case(
        [
            session("10 22:00", "10 21:00", 8, id="x"),
            session("11 22:00", "11 23:00", 8),
        ],
        {"11 22:00": 8},
        {"x": Fault.ENDS_BEFORE_START},
    ),
    "an inferred end before its start": Case(
        [
            session(
                "10 22:00", "11 08:00", 8, id="x", inferred_session_end=at("9 22:00")
            )
        ],
        {},
        {"x": Fault.ENDS_BEFORE_START},
    ),
    "negative energy": Case(
        [
            session("10 22:00", "10 23:00", -8, id="x"),
            session("11 22:00", "11 23:00", 8),
        ],
        {"11 22:00": 8},
        {"x": Fault.NEGATIVE_ENERGY},
    ),
    "more energy than any car takes": Case(
        [session("10 22:00", "11 08:00", 501, id="x")],
        {},
        {"x": Fault.IMPOSSIBLE_AMOUNT},
    ),
    "more power than any car takes": Case(
        [session("10 22:00", "10 22:06", 41, id="x")],
        {},
        {"x": Fault.IMPOSSIBLE_AMOUNT},
    ),
    "more money than any charge costs": Case(
        [session("10 22:00", "10 23:00", 8, id="x", actual_cost_eur=-1e9)],
        {},
        {"x": Fault.IMPOSSIBLE_AMOUNT},
    ),
    "longer than a year": Case(
        [
            ChargingSession(
                id="x",
                plug_in_time=datetime(1, 1, 1, tzinfo=UTC),
                unplug_time=at("10 22:00"),
                energy_charged_kwh=1,
            ),
            session("11 22:00", "11 23:00", 8),
        ],
        {"11 22:00": 8},
        {"x": Fault.TOO_LONG},
    ),
    "in the future": Case(
        [session("20 12:11", "20 13:00", 8, id="x")],
        {},
        {"x": Fault.IN_THE_FUTURE},
    ),
    "a clock that is ahead": Case(
        [session("20 12:09", "20 13:00", 2)], {"20 11:00": 2}
    ),
    "an end in the future": Case(
        [session("20 10:00", "20 18:00", 8)], {"20 10:00": 4, "20 11:00": 4}
    ),
    "twice in a list": Case(
        [
            session("10 22:00", "10 23:00", 8, id="x"),
            session("11 22:00", "11 23:00", 8),
            session("10 22:00", "10 23:00", 8, id="x"),
        ],
        {"10 22:00": 8, "11 22:00": 8},
        {"x": Fault.LISTED_TWICE},
    ),
    "twice under different ids": Case(
        [
            session("10 22:00", "10 23:00", 8),
            session("10 22:00", "10 23:00", 8, id="x"),
        ],
        {"10 22:00": 8},
        {"x": Fault.LISTED_TWICE},
    ),
    "overlapping": Case(
        [
            session("10 22:00", "11 00:00", 8),
            session("10 23:00", "11 00:00", 2, id="x"),
        ],
        {"10 22:00": 4, "10 23:00": 6},
        {"x": Fault.OVERLAPPING},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_energy_is_in_the_hours_in_which_it_flowed(case: Case) -> None:
    hours, faults = count(case.sessions, case.spans, running=case.running)
    energies = {hour: amounts.energy for hour, amounts in hours.items()}
    assert {
        hour: energy for hour, energy in energies.items() if energy
    } == pytest.approx({at(hour): energy for hour, energy in case.hours.items()})
    assert list(hours) == sorted(hours)
    assert faults == case.faults
    reordered, _ = count(case.sessions[::-1], case.spans, running=case.running)
    assert reordered == pytest.approx(hours)


def test_the_order_of_the_list_does_not_matter() -> None:
    """Of two sessions with the same start, the same one is counted."""
    listed = [
        session("10 18:00", "10 20:00", energy, id=name)
        for name, energy in (("b", 9), ("a", 5))
    ]
    for sessions in (listed, listed[::-1]):
        valid, faults = valid_sessions(sessions, NOW)
        assert [one.energy_charged_kwh for one in valid] == [5]
        assert faults == {"b": Fault.LISTED_TWICE}


def test_money_goes_with_the_energy() -> None:
    charged = session(
        "10 22:00", "11 00:00", 9, actual_cost_eur=3, actual_savings_eur=-1.5
    )
    spans = seen(("10 22:00", "10 23:00", 6), ("10 23:00", "11 00:00", 3))
    hours = hours_of([charged], spans, NOW)
    assert hours[at("10 22:00")] == pytest.approx(Amounts(6, 2, -1), rel=1e-3)
    assert hours[at("10 23:00")] == pytest.approx(Amounts(3, 1, -0.5), rel=1e-2)


def test_money_without_energy_is_not_lost() -> None:
    paid = session("10 22:00", "11 00:00", None, actual_cost_eur=3)
    hours = hours_of([paid], [], NOW)
    assert [amounts.cost for amounts in hours.values()] == pytest.approx([1.5, 1.5])


@pytest.mark.parametrize(
    ("sessions", "hour", "expected"),
    [
        ([], "10 12:00", "10 12:00"),
        ([("10 08:00", "10 12:00"), ("10 12:00", "10 13:00")], "10 12:00", "10 12:00"),
        ([("10 08:20", "10 12:01")], "10 12:00", "10 08:00"),
        ([("10 08:20", None)], "10 12:00", "10 08:00"),
        # Two sessions in the same hour.
        ([("10 06:30", "10 08:10"), ("10 08:20", "10 13:00")], "10 12:00", "10 06:00"),
        ([("10 06:30", "10 08:00"), ("10 08:20", "10 13:00")], "10 12:00", "10 08:00"),
        # Overlapping ones.
        ([("10 06:30", "10 13:00"), ("10 08:20", "10 09:00")], "10 12:00", "10 06:00"),
        ([("10 13:00", "10 14:00")], "10 12:00", "10 12:00"),
        # Earlier than what is known.
        ([("1 23:00", "10 13:00")], "10 12:00", "10 12:00"),
    ],
)
def test_an_hour_between_sessions(
    sessions: list[tuple[str, str | None]], hour: str, expected: str
) -> None:
    charged = [session(start, end, 5) for start, end in sessions]
    assert start_between(charged, at(hour), NOW, at("2 00:00")) == at(expected)


@pytest.mark.parametrize(
    ("zone", "night", "rows"),
    [
        ("Europe/Berlin", datetime(2026, 10, 24), 9),
        ("Europe/Berlin", datetime(2026, 3, 28), 7),
        ("Asia/Kolkata", datetime(2026, 10, 24), 9),
        ("Australia/Lord_Howe", datetime(2026, 4, 4), 9),
    ],
)
def test_each_hour_is_counted_once(zone: str, night: datetime, rows: int) -> None:
    """From 23:00 to 07:00 of local time: an hour comes twice, or not at all, or is a half."""
    local = night.replace(tzinfo=ZoneInfo(zone))
    start = local.replace(hour=23).astimezone(UTC)
    end = (local + timedelta(days=1)).replace(hour=7).astimezone(UTC)
    charged = ChargingSession(
        id="x", plug_in_time=start, unplug_time=end, energy_charged_kwh=18
    )
    hours, faults = count([charged], [], end)
    assert len(hours) == rows
    assert all(hour.minute == 0 for hour in hours)
    assert sum(amounts.energy for amounts in hours.values()) == pytest.approx(18)
    assert faults == {}


moments = st.datetimes(
    datetime(2026, 10, 1), datetime(2026, 12, 1), timezones=st.just(UTC)
)
maybe = {
    "unplug_time": moments,
    "inferred_session_end": moments,
    "desired_charging_start_time": moments,
    "desired_charging_end_time": moments,
    "energy_charged_kwh": st.floats(-1, 510),
    "peak_charge_power_kw": st.floats(-1, 50),
    "actual_cost_eur": st.floats(-10, 50),
    "actual_savings_eur": st.floats(-10, 10),
    "is_at_home": st.booleans(),
}
sessions_of_any_kind = st.builds(
    ChargingSession,
    id=st.none() | st.sampled_from("abcdefgh"),
    plug_in_time=st.none() | moments,
    **{name: st.none() | values for name, values in maybe.items()},
)


@st.composite
def polls(draw: st.DrawFn) -> list[Span]:
    """Return what was seen by polls from a moment on, with gaps."""
    watched, moment = Watched(), draw(moments)
    for minutes, power in draw(
        st.lists(st.tuples(st.integers(1, 9), st.none() | st.floats(0, 22)))
    ):
        moment += timedelta(minutes=minutes)
        watched.add(moment, power)
    return watched.spans


@MANY
@given(st.lists(sessions_of_any_kind, max_size=6), polls(), st.none() | moments)
def test_sums_are_the_sessions(
    sessions: list[ChargingSession], spans: list[Span], start: datetime | None
) -> None:
    """Whatever the sessions: what is counted adds up, and nothing is negative or to come."""
    running = start and ChargingSession(plug_in_time=start, energy_charged_kwh=7.5)
    hours, faults = count(sessions, spans, running=running)
    assert all(amounts.energy >= 0 for amounts in hours.values())
    assert all(hour <= NOW and hour.minute == 0 for hour in hours)
    all_sessions = [*sessions, running] if running else sessions
    assert set(faults) <= {session.key for session in all_sessions}
    if len({session.key for session in all_sessions}) < len(all_sessions) or len(
        {session.plug_in_time for session in all_sessions}
    ) < len(all_sessions):
        return
    counted = [
        amounts_of(session)
        for session in all_sessions
        if faults.get(session.key) in {None, Fault.OVERLAPPING}
        and session.counts_as_home
    ]
    for index in range(3):
        assert sum(amounts[index] for amounts in hours.values()) == pytest.approx(
            sum(amounts[index] for amounts in counted), abs=1e-6
        )


@MANY
@given(sessions_of_any_kind, polls())
def test_a_session_changes_nothing_of_another(
    faulty: ChargingSession, spans: list[Span]
) -> None:
    good = session("10 22:00", "11 02:00", 8, id="good", actual_cost_eur=2)
    alone = hours_of([good], spans, NOW)
    both, faults = count([good, faulty], spans)
    if faulty.plug_in_time == good.plug_in_time:
        return
    for hour, amounts in alone.items():
        assert both[hour].energy >= amounts.energy - 1e-9
    assert faults.get("good") in {None, Fault.OVERLAPPING}
