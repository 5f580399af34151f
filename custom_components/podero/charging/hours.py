"""Distribute the energy and money of charging sessions over hours."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from ..api import ChargingSession
from .watched import HOUR, MAX_POWER, Span

MINUTE = 60.0

MAX_ENERGY = 500.0
"""kWh above which the energy of a session is invalid."""

MAX_MONEY = 1000.0
"""EUR above which the money of a session is invalid."""

POWER_TOLERANCE = 1.1
"""Factor by which the power in a planned window may exceed the session's peak."""

HOME_POWER = 22.0
"""Assumed peak in kW of a session without one: the usual maximum of a wall box."""

MAX_DURATION = timedelta(days=366)
"""Duration above which a session is invalid."""

CLOCK_TOLERANCE = timedelta(minutes=10)
"""By how much the service's clock may be ahead of ours."""


class Amounts(NamedTuple):
    """Energy in kWh, costs and savings in EUR."""

    energy: float = 0.0
    cost: float = 0.0
    savings: float = 0.0

    def plus(self, other: Amounts, share: float = 1.0) -> Amounts:
        """Return the sum with a share of other amounts."""
        return Amounts(
            self.energy + other.energy * share,
            self.cost + other.cost * share,
            self.savings + other.savings * share,
        )


class Fault(StrEnum):
    """What is wrong with a session."""

    NO_START = "it has no start"
    IN_THE_FUTURE = "it starts in the future"
    NO_END = "it has no end"
    ENDS_BEFORE_START = "it ends before it starts"
    TOO_LONG = "it lasts too long"
    NEGATIVE_ENERGY = "its energy is negative"
    IMPOSSIBLE_AMOUNT = "its energy or money is out of range"
    LISTED_TWICE = "it is listed twice, and counted once"
    OVERLAPPING = "it overlaps another one, and both are counted"


class Validated(NamedTuple):
    """The sessions that are counted, by start, and the faults of others by key."""

    sessions: list[ChargingSession]
    faults: dict[str, Fault]


def valid_sessions(
    sessions: Sequence[ChargingSession],
    now: datetime,
    running: ChargingSession | None = None,
) -> Validated:
    """Validate completed sessions and the running one.

    The running one replaces a completed one with the same id. Of several sessions with
    the same start, the running one or else the first by id is counted.
    """
    # The service does not guarantee an order.
    by_key = {
        session.key: session for session in sorted(sessions, key=attrgetter("key"))
    }
    repeated = Counter(session.key for session in sessions) - Counter(by_key.keys())
    faults = dict.fromkeys(repeated, Fault.LISTED_TWICE)
    if running is not None:
        # Last, so that it replaces a completed one with the same start.
        by_key.pop(running.key, None)
        by_key[running.key] = running
    by_start: dict[datetime, ChargingSession] = {}
    for key, session in by_key.items():
        is_running = session is running
        if (fault := _fault(session, now, is_running=is_running)) is not None:
            faults[key] = fault
        elif session.plug_in_time in by_start and not is_running:
            faults[key] = Fault.LISTED_TWICE
        elif session.plug_in_time is not None:
            by_start[session.plug_in_time] = session
    valid = [by_start[start] for start in sorted(by_start)]
    end_before = 0.0
    for session in valid:
        start, end = _window(session, now)
        if start < end_before:
            faults[session.key] = Fault.OVERLAPPING
        end_before = max(end_before, end)
    return Validated(valid, faults)


def hours_of(
    sessions: Sequence[ChargingSession], spans: Sequence[Span], now: datetime
) -> dict[datetime, Amounts]:
    """Return what valid sessions charged at home in each UTC hour."""
    hours: defaultdict[float, Amounts] = defaultdict(Amounts)
    for session in sessions:
        if session.counts_as_home:
            amounts = amounts_of(session)
            start, end = _window(session, now)
            for hour, share in _shares(session, start, end, spans).items():
                hours[hour] = hours[hour].plus(amounts, share)
    return {datetime.fromtimestamp(hour, UTC): hours[hour] for hour in sorted(hours)}


def start_between(
    sessions: Sequence[ChargingSession],
    hour: datetime,
    now: datetime,
    earliest: datetime,
) -> datetime:
    """Return the latest hour, up to a given one, that begins in none of valid sessions.

    It is the given one if no other is late enough.
    """
    found = hour
    for session in reversed(sessions):
        start, end = _window(session, now)
        if start < found.timestamp() < end:
            found = datetime.fromtimestamp(start // HOUR * HOUR, UTC)
    return found if found >= earliest else hour


def in_period(
    sessions: Iterable[ChargingSession], start: datetime, end: datetime
) -> list[ChargingSession]:
    """Return those of valid sessions that are completed and overlap a period."""
    return [
        session
        for session in sessions
        if session.plug_in_time is not None
        and (ends := ends_of(session))
        and session.plug_in_time < end
        and min(ends) > start
    ]


def amounts_of(session: ChargingSession) -> Amounts:
    """Return the amounts of a session, 0 if unknown."""
    return Amounts(
        session.energy_charged_kwh or 0.0,
        session.actual_cost_eur or 0.0,
        session.actual_savings_eur or 0.0,
    )


def _fault(
    session: ChargingSession, now: datetime, *, is_running: bool
) -> Fault | None:
    """Return why a session is invalid, or None if it is valid."""
    if session.plug_in_time is None:
        return Fault.NO_START
    if session.plug_in_time > now + CLOCK_TOLERANCE:
        return Fault.IN_THE_FUTURE
    ends = ends_of(session)
    if not ends and not is_running:
        return Fault.NO_END
    if ends and min(ends) < session.plug_in_time:
        return Fault.ENDS_BEFORE_START
    if min([*ends, now]) - session.plug_in_time > MAX_DURATION:
        return Fault.TOO_LONG
    amounts = amounts_of(session)
    if amounts.energy < 0:
        return Fault.NEGATIVE_ENERGY
    start, end = _window(session, now)
    if (
        amounts.energy > min(MAX_ENERGY, MAX_POWER * (end - start) / HOUR)
        or max(abs(amounts.cost), abs(amounts.savings)) > MAX_MONEY
    ):
        return Fault.IMPOSSIBLE_AMOUNT
    return None


def ends_of(session: ChargingSession) -> list[datetime]:
    """Return the known end times of a session: the inferred one and the unplugging."""
    ends = session.inferred_session_end, session.unplug_time
    return [end for end in ends if end is not None]


def _window(session: ChargingSession, now: datetime) -> tuple[float, float]:
    """Return the period of a session as POSIX timestamps, at least a minute."""
    assert session.plug_in_time is not None
    end = min([*ends_of(session), now]).timestamp()
    return min(session.plug_in_time.timestamp(), end - MINUTE), end


def _shares(
    session: ChargingSession, start: float, end: float, spans: Sequence[Span]
) -> dict[float, float]:
    """Return the share of a session in each hour; they add up to 1.

    Energy that polls saw belongs to the hours in which they saw it. The rest is spread
    evenly over the unwatched time: of the planned window if it fits there, or else of
    the whole session.
    """
    first, last = (bisect_left(spans, (moment,)) for moment in (start - HOUR, end))
    watched = spans[first:last]
    weights = _seen(start, end, watched)
    missing = max((session.energy_charged_kwh or 0.0) - sum(weights.values()), 0.0)
    peak = session.peak_charge_power_kw
    max_power = POWER_TOLERANCE * (peak if peak and peak > 0 else HOME_POWER)
    unwatched = _unwatched(*_planned(session, start, end), watched)
    if missing * HOUR > max_power * sum(unwatched.values()):
        unwatched = _unwatched(start, end, watched)
    if seconds := sum(unwatched.values()):
        power = min(missing * HOUR / seconds, max_power)
        for hour, part in unwatched.items():
            weights[hour] = weights.get(hour, 0.0) + power * part / HOUR
    if not any(weights.values()):
        weights = _parts(start, end)
    total = sum(weights.values())
    return {hour: weight / total for hour, weight in weights.items() if weight}


def _planned(session: ChargingSession, start: float, end: float) -> tuple[float, float]:
    """Return the part of a period for which charging was planned."""
    planned_start = session.desired_charging_start_time
    planned_end = session.desired_charging_end_time
    return (
        max(start, planned_start.timestamp()) if planned_start else start,
        min(end, planned_end.timestamp()) if planned_end else end,
    )


def _parts(start: float, end: float) -> dict[float, float]:
    """Return the seconds of a period in each hour."""
    parts = {}
    hour = start // HOUR * HOUR
    while hour < end:
        parts[hour] = min(end, hour + HOUR) - max(start, hour)
        hour += HOUR
    return parts


def _seen(start: float, end: float, watched: Sequence[Span]) -> dict[float, float]:
    """Return the energy in kWh that polls saw in each hour of a period."""
    seen: dict[float, float] = {}
    for span in watched:
        part = min(end, span.end) - max(start, span.start)
        if part > 0 and span.energy > 0:
            energy = span.energy * part / (span.end - span.start)
            seen[span.hour] = seen.get(span.hour, 0.0) + energy
    return seen


def _unwatched(start: float, end: float, watched: Sequence[Span]) -> dict[float, float]:
    """Return the unwatched seconds in each hour of a period."""
    parts = _parts(start, end)
    for span in watched:
        if span.hour in parts:
            part = min(end, span.end) - max(start, span.start)
            parts[span.hour] = max(parts[span.hour] - max(part, 0.0), 0.0)
    return parts
