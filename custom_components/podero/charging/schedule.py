"""Schedule of the requests for a vehicle's charging sessions and weekly policy."""

from collections import deque
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.util import dt as dt_util

DAY: Final = timedelta(days=1)
AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)

FIRST_READ, SECOND_READ = timedelta(minutes=10), timedelta(minutes=70)
"""Delays of the two reads after a session may have ended, and after a start."""

RETRY: Final = timedelta(minutes=10)
"""Delay of a request that does not wait for its interval."""

PLAN_DELAY: Final = timedelta(minutes=1)
"""Delay of reading the plan after what may have changed it."""

NIGHT_START, NIGHT_MINUTES = timedelta(hours=1), 240
"""Start and length of the window for one read a night, each vehicle in its own minute."""

REQUESTS_A_DAY: Final = 144
"""Limit per vehicle: a tenth of the requests of polling."""

CHANGES_A_DAY: Final = 10
"""Limit of the changes that make something due: what is due anyway needs 122 requests."""

MIN_WAIT, MAX_WAIT = timedelta(minutes=1), DAY
"""Bounds of the service's Retry-After."""


class Endpoint(StrEnum):
    """An endpoint of a vehicle, by the end of its path."""

    POLICY = "charge-policy"
    RUNNING = "sessions/current"
    SESSIONS = "sessions"


INTERVALS: Final = {
    Endpoint.POLICY: timedelta(hours=1),
    Endpoint.RUNNING: timedelta(minutes=15),
    # Only after a failure: sessions are read when one has ended, and at night.
    Endpoint.SESSIONS: timedelta(hours=1),
}


class Schedule:
    """The times at which endpoints are due; at first all of them are."""

    def __init__(self, vehicle_id: str) -> None:
        """Choose the minute of the nightly read by the vehicle's id."""
        self._night_minute = int(vehicle_id[-4:], 16) % NIGHT_MINUTES
        self._due = dict.fromkeys(Endpoint, AT_ONCE)
        self._reads_after_end: tuple[datetime, ...] = ()
        self._wait_until = AT_ONCE
        self._requests: deque[datetime] = deque(maxlen=REQUESTS_A_DAY)
        self._changes: deque[datetime] = deque(maxlen=CHANGES_A_DAY)

    def due(self, now: datetime, *, is_plugged_in: bool) -> list[Endpoint]:
        """Return the endpoints to read now, the running session only while plugged in."""
        if _is_full(self._requests, now) or _is_ahead(self._wait_until, now):
            return []
        return [
            endpoint
            for endpoint, moment in self._due.items()
            if not _is_ahead(moment, now)
            and (is_plugged_in or endpoint is not Endpoint.RUNNING or moment == AT_ONCE)
        ]

    def start(self, endpoint: Endpoint, now: datetime) -> None:
        """Record that an endpoint is read now, and make it due after its interval."""
        self._due[endpoint] = now + INTERVALS[endpoint]

    def retry(self, endpoint: Endpoint, now: datetime) -> None:
        """Make an endpoint due soon, as a request has failed."""
        self._hasten(endpoint, now + RETRY)

    def count(self, requests: int, now: datetime) -> None:
        """Count requests for the daily limit."""
        self._requests.extend([now] * requests)

    def read_sessions(self, now: datetime) -> None:
        """Make the sessions due at night, or at the next read after a session."""
        night = _next_night(now, self._night_minute)
        ahead = [read for read in self._reads_after_end if _is_ahead(read, now)]
        self._due[Endpoint.SESSIONS] = min([night, *ahead])

    def begin_session(self) -> None:
        """Make the running session due, as the car was plugged in."""
        self._hasten(Endpoint.RUNNING, AT_ONCE)

    def end_session(self, now: datetime) -> None:
        """Make the sessions due soon, as one may have ended."""
        self._reads_after_end = now + FIRST_READ, now + SECOND_READ
        self._hasten(Endpoint.SESSIONS, now + FIRST_READ)

    def change_plan(self, now: datetime) -> None:
        """Make the policy due now and the plan soon, as something was set.

        After CHANGES_A_DAY, for example by an automation, both wait for their interval.
        """
        if _is_full(self._changes, now):
            return
        self._changes.append(now)
        self._hasten(Endpoint.POLICY, AT_ONCE)
        self._hasten(Endpoint.RUNNING, now + PLAN_DELAY)

    def _hasten(self, endpoint: Endpoint, moment: datetime) -> None:
        """Make an endpoint due at a moment, unless it is due earlier."""
        if endpoint in self._due:
            self._due[endpoint] = min(self._due[endpoint], moment)

    def stop(self, endpoint: Endpoint) -> None:
        """Remove an endpoint from the schedule."""
        self._due.pop(endpoint, None)

    def wait(self, seconds: float | None, now: datetime) -> None:
        """Make nothing due for the seconds of a Retry-After, or a default if None."""
        wish = INTERVALS[Endpoint.RUNNING] if seconds is None else _duration(seconds)
        self._wait_until = now + wish


def _duration(seconds: float) -> timedelta:
    """Return the seconds as a duration between MIN_WAIT and MAX_WAIT."""
    return min(max(timedelta(seconds=min(seconds, 1e6)), MIN_WAIT), MAX_WAIT)


def _is_full(moments: deque[datetime], now: datetime) -> bool:
    """Return whether as many moments as fit in a deque are of the last day."""
    return len(moments) == moments.maxlen and _is_ahead(moments[0] + DAY, now)


def _is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether a moment is in the future.

    More than two days ahead does not count: it was set before the clock was set back.
    """
    return now < moment <= now + 2 * DAY


def _next_night(now: datetime, minute: int) -> datetime:
    """Return the time of the next nightly read."""
    offset = NIGHT_START + timedelta(minutes=minute)
    today = dt_util.as_local(now).date()
    nights = (
        dt_util.as_utc(dt_util.start_of_local_day(day)) + offset
        for day in (today, today + DAY)
    )
    return next(night for night in nights if night > now)
