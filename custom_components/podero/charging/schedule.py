"""When to read the charging sessions of a vehicle and its weekly policy."""

from collections import deque
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.util import dt as dt_util

DAY: Final = timedelta(days=1)
AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)

FIRST_READ, SECOND_READ = timedelta(minutes=10), timedelta(minutes=70)
"""When the sessions are read after the car was unplugged, full, or stopped charging."""

NIGHT_START, NIGHT_MINUTES = timedelta(hours=1), 240
"""When they are read once a night: each vehicle's in a minute of its own."""

REQUESTS_A_DAY: Final = 144
"""A tenth of what polling takes."""

MIN_WAIT, MAX_WAIT = timedelta(minutes=1), DAY
"""Bounds of the time for which the service's Retry-After is obeyed."""


class Endpoint(StrEnum):
    """What is read, by the end of its address."""

    POLICY = "charge-policy"
    RUNNING = "sessions/current"
    SESSIONS = "sessions"


INTERVALS: Final = {
    Endpoint.POLICY: timedelta(hours=1),
    Endpoint.RUNNING: timedelta(minutes=15),
    # After a failure only: sessions are read when one has ended, and at night.
    Endpoint.SESSIONS: timedelta(hours=1),
}


class Schedule:
    """Say what is due, of which everything is at first."""

    def __init__(self, vehicle_id: str) -> None:
        """Spread the nightly reading of many vehicles."""
        self._night_minute = int(vehicle_id[-4:], 16) % NIGHT_MINUTES
        self._due = dict.fromkeys(Endpoint, AT_ONCE)
        self._second_read = AT_ONCE
        self._wait_until = AT_ONCE
        self._requests: deque[datetime] = deque(maxlen=REQUESTS_A_DAY)

    def due(self, now: datetime, *, is_plugged_in: bool) -> list[Endpoint]:
        """Return what has to be read now: the running session only while plugged in."""
        is_spent = len(self._requests) == REQUESTS_A_DAY and _is_ahead(
            self._requests[0] + DAY, now
        )
        if is_spent or _is_ahead(self._wait_until, now):
            return []
        return [
            endpoint
            for endpoint, moment in self._due.items()
            if not _is_ahead(moment, now)
            and (is_plugged_in or endpoint is not Endpoint.RUNNING or moment == AT_ONCE)
        ]

    def start(self, endpoint: Endpoint, now: datetime) -> None:
        """Note that something is read now: again after its interval if that fails."""
        self._due[endpoint] = now + INTERVALS[endpoint]

    def count(self, requests: int, now: datetime) -> None:
        """Note how many requests were made."""
        self._requests.extend([now] * requests)

    def read_sessions(self, now: datetime) -> None:
        """Note that the sessions were read: again at night, or where one has ended."""
        night = _next_night(now, self._night_minute)
        is_second_ahead = _is_ahead(self._second_read, now)
        self._due[Endpoint.SESSIONS] = (
            min(self._second_read, night) if is_second_ahead else night
        )

    def begin_session(self) -> None:
        """Note that the car was plugged in."""
        if Endpoint.RUNNING in self._due:
            self._due[Endpoint.RUNNING] = AT_ONCE

    def end_session(self, now: datetime) -> None:
        """Note that the car was unplugged, is full, or stopped charging."""
        self._second_read = now + SECOND_READ
        if Endpoint.SESSIONS in self._due:
            self._due[Endpoint.SESSIONS] = min(
                self._due[Endpoint.SESSIONS], now + FIRST_READ
            )

    def change_policy(self) -> None:
        """Note that a preference was set, and with it maybe the policy."""
        if Endpoint.POLICY in self._due:
            self._due[Endpoint.POLICY] = AT_ONCE

    def stop(self, endpoint: Endpoint) -> None:
        """Read something never again."""
        self._due.pop(endpoint, None)

    def wait(self, seconds: float | None, now: datetime) -> None:
        """Read nothing for as long as the service wishes."""
        wish = INTERVALS[Endpoint.RUNNING] if seconds is None else _duration(seconds)
        self._wait_until = now + wish


def _duration(seconds: float) -> timedelta:
    """Return a time to wait, within bounds."""
    return min(max(timedelta(seconds=min(seconds, 1e6)), MIN_WAIT), MAX_WAIT)


def _is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether a moment is still to come.

    What is far ahead was meant before the clock was set back.
    """
    return now < moment <= now + 2 * DAY


def _next_night(now: datetime, minute: int) -> datetime:
    """Return when the sessions are read next at night."""
    offset = NIGHT_START + timedelta(minutes=minute)
    today = dt_util.as_local(now).date()
    nights = (
        dt_util.as_utc(dt_util.start_of_local_day(day)) + offset
        for day in (today, today + DAY)
    )
    return next(night for night in nights if night > now)
