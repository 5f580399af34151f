"""Read a vehicle's charging sessions and weekly policy, on a schedule of their own."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, NamedTuple

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .api import (
    PAGE_SIZE,
    ChargePolicy,
    ChargingSession,
    PoderoClient,
    PoderoError,
    RateLimitError,
    Vehicle,
)
from .charging.deadline import DeadlineWatch, NextDeadline
from .charging.hours import (
    CLOCK_TOLERANCE,
    Amounts,
    Fault,
    ends_of,
    hours_of,
    in_period,
    start_between,
    valid_sessions,
)
from .charging.schedule import DAY, Endpoint, Schedule
from .charging.statistics import PAST, REWRITTEN, VehicleStatistics
from .charging.watched import Watched, power_of
from .const import DOMAIN, LOGGER
from .helpers import NOT_OFFERED, statistics_source

FIRST_SESSION: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Sessions before it are not requested: there are none."""

MAX_POLICY_FAILURES: Final = 3
"""Failed requests after which a vehicle is assumed to have no weekly policy."""

NOT_OFFERED_KEYS: Final = frozenset(error.key for error in NOT_OFFERED)

REQUEST_PERIOD: Final = timedelta(days=183)
"""Days of sessions per request."""

MAX_UNLISTED: Final = DAY
"""How long a session that has ended is kept while the service does not list it."""

SAVE_DELAY: Final = 60.0
STORAGE_VERSION: Final = 1


class Month(NamedTuple):
    """What was charged at home in a month, in kWh and EUR; None for unknown money."""

    start: datetime
    energy: float
    cost: float | None
    savings: float | None


class Stored(NamedTuple):
    """What is kept across restarts."""

    watched: Watched
    deadlines: DeadlineWatch
    running: ChargingSession | None = None
    ended: ChargingSession | None = None


def _store(hass: HomeAssistant, subentry_id: str) -> Store[dict[str, Any]]:
    """Return the store of what is kept across restarts."""
    return Store(
        hass, STORAGE_VERSION, f"{DOMAIN}.{subentry_id}.charging", atomic_writes=True
    )


async def async_remove_store(hass: HomeAssistant, subentry_id: str) -> None:
    """Delete what is stored of a vehicle's charging."""
    await _store(hass, subentry_id).async_remove()


class ChargingSessions:
    """The sessions and the policy of one vehicle.

    They are read in the background after a poll, so that a failure does not affect it.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        subentry: ConfigSubentry,
        client: PoderoClient,
        update_listeners: CALLBACK_TYPE,
    ) -> None:
        """Read for the vehicle of a subentry, and call `update_listeners` after changes."""
        assert subentry.unique_id is not None
        self.policy: ChargePolicy | None = None
        self.running: ChargingSession | None = None
        self.recent: tuple[ChargingSession, ...] = ()
        """The valid sessions that were listed last and the running one, by start."""

        self.known_since: datetime | None = None
        """The hour from which on all sessions are known."""

        self.month: Month | None = None
        self.answers: dict[Endpoint, str] = {}
        """The last result of each endpoint: "ok", or the key of an error."""

        self._hass = hass
        self._entry = entry
        self._client = client
        self._vehicle_id = subentry.unique_id
        self._name = subentry.title
        self._update_listeners = update_listeners
        self._schedule = Schedule(self._vehicle_id)
        # A session may have ended shortly before.
        self._schedule.end_session(dt_util.utcnow())
        statistics_id, self._since = statistics_source(subentry)
        self._statistics = VehicleStatistics(
            hass, entry, statistics_id, self._name, self._since
        )
        self._store = _store(hass, subentry.subentry_id)
        self._next_deadline = NextDeadline()
        self._policy_zone: tzinfo | None = None
        self._policy_failures = 0
        # Both are None until the store is loaded.
        self._watched: Watched | None = None
        self._deadlines: DeadlineWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_plugged_in: bool | None = None
        """Whether the vehicle is plugged in, as far as is known."""

        self._is_clock_slow = False
        """Whether the last reading has an `updated_at` in the future."""

        self._listed: tuple[ChargingSession, ...] = ()
        self._listed_since = datetime.max.replace(tzinfo=UTC)
        """The end of the first day whose sessions were requested."""

        self._ended: ChargingSession | None = None
        """The session that ended last, until the service lists it."""

        self._is_list_doubted = False
        """Whether the last list lacked sessions that the one before had."""

        self._is_stale = False
        """Whether the results have to be calculated again."""

        self._logged: set[tuple[str, Fault]] = set()

    @property
    def faults(self) -> set[Fault]:
        """Return the faults of all sessions since the start of Home Assistant."""
        return {fault for _, fault in self._logged}

    @property
    def is_offered(self) -> bool:
        """Return whether this account may list sessions, as far as is known."""
        return self.answers.get(Endpoint.SESSIONS) not in NOT_OFFERED_KEYS

    @property
    def latest(self) -> ChargingSession | None:
        """Return the running session, or else the last one."""
        return self.recent[-1] if self.recent else None

    def next_deadline(self, vehicle: Vehicle) -> datetime | None:
        """Return the next deadline of the charge policy, or None."""
        now = dt_util.utcnow()
        deadline = self._next_deadline.after(now, vehicle, self.policy, self._zone)
        return deadline and deadline.at

    @property
    def _zone(self) -> tzinfo:
        """Return the time zone of deadlines."""
        return self._policy_zone or dt_util.get_default_time_zone()

    @callback
    def async_process(self, vehicle: Vehicle) -> bool:
        """Process the reading of a successful poll, and start to read what is due.

        Returns whether a deadline was missed since the last poll.
        """
        now = dt_util.utcnow()
        self._record_power(vehicle, now)
        if vehicle.is_plugged_in and self._is_plugged_in is False:
            self._schedule.begin_session()
        if vehicle.is_plugged_in is not None:
            self._is_plugged_in = vehicle.is_plugged_in
        self._is_clock_slow = (vehicle.updated_at or now) > now + CLOCK_TOLERANCE
        if vehicle.is_plugged_in is False:
            self._end_running(now)
        if self.month is not None and self._month_start(now) != self.month.start:
            self._is_stale = True
        self._async_start_reading(now)
        if self._deadlines is None or not self._is_policy_known:
            return False
        is_missed = self._deadlines.update(vehicle, self.policy, self._zone, now)
        if is_missed:
            self._store.async_delay_save(self._to_store)
        return is_missed

    @property
    def _is_policy_known(self) -> bool:
        """Return whether the policy is known, or that there is none.

        An endpoint that fails again and again counts as none.
        """
        return (
            self.policy is not None
            or self.answers.get(Endpoint.POLICY) in NOT_OFFERED_KEYS
            or self._policy_failures >= MAX_POLICY_FAILURES
        )

    @callback
    def _async_start_reading(self, now: datetime) -> None:
        """Read what is due in the background, unless a read is running."""
        if self._task is not None and not self._task.done():
            return
        due = self._schedule.due(now, is_plugged_in=bool(self._is_plugged_in))
        if due or self._is_stale:
            self._task = self._entry.async_create_background_task(
                self._hass, self._async_read(due, now), f"{self._name} sessions"
            )

    async def async_get_sessions(
        self, start: datetime, end: datetime
    ) -> list[ChargingSession]:
        """Request the completed sessions that overlap a period.

        Returns the valid ones, by start. Raises PoderoError.
        """
        now = dt_util.utcnow()
        if start > now or end < FIRST_SESSION:
            return []
        # Not documented: whether the days are those of the start or of the end.
        first = max(start, FIRST_SESSION) - REWRITTEN
        last = min(end + REWRITTEN, now)
        found = await self._client.get_sessions(
            self._vehicle_id, dt_util.as_utc(first).date(), dt_util.as_utc(last).date()
        )
        return in_period(valid_sessions(found, now).sessions, start, end)

    @callback
    def async_end_session(self) -> None:
        """Make the sessions due soon, as the car was unplugged or stopped charging."""
        self._schedule.end_session(dt_util.utcnow())

    @callback
    def async_change_plan(self) -> None:
        """Make the policy and the plan due soon, as something was set."""
        self._schedule.change_plan(dt_util.utcnow())

    async def async_close(self) -> None:
        """Save what is kept across restarts."""
        if self._watched is not None:
            await self._store.async_save(self._to_store())

    def _record_power(self, vehicle: Vehicle, now: datetime) -> None:
        """Record the charging power of a reading."""
        if self._watched is None:
            return
        known = len(self._watched.spans)
        self._watched.add(now, power_of(vehicle))
        if len(self._watched.spans) != known:
            self._store.async_delay_save(self._to_store, SAVE_DELAY)

    def _end_running(self, now: datetime) -> None:
        """Treat the running session as ended, and keep it until it is listed."""
        if self.running is not None:
            self._ended = replace(
                self.running, unplug_time=self.running.unplug_time or now
            )
            self.running = None
            self._is_stale = True

    async def _async_read(self, due: list[Endpoint], now: datetime) -> None:
        """Read what is due; retry later what fails, and never what is not offered."""
        if self._watched is None:
            await self._async_load()
        refused: list[Endpoint] = []
        for endpoint in due:
            self._schedule.start(endpoint, now)
            try:
                await self._async_read_endpoint(endpoint, now)
            except PoderoError as err:
                self.answers[endpoint] = err.key
                if endpoint is Endpoint.POLICY and not self._is_policy_known:
                    self._policy_failures += 1
                    self._schedule.retry(endpoint, now)
                if isinstance(err, NOT_OFFERED):
                    self._schedule.stop(endpoint)
                    self._forget(endpoint)
                    refused.append(endpoint)
                elif isinstance(err, RateLimitError):
                    self._schedule.wait(err.retry_after, now)
                    break
            else:
                self.answers[endpoint] = "ok"
                self._is_stale = True
        if refused:
            LOGGER.info(
                "%s: not offered to this account, and left out: %s",
                self._name,
                ", ".join(refused),
            )
        if self._is_stale:
            await self._async_calculate(now)

    def _forget(self, endpoint: Endpoint) -> None:
        """Forget what an endpoint returned before it was refused."""
        match endpoint:
            case Endpoint.POLICY:
                self.policy = self._policy_zone = None
            case Endpoint.RUNNING:
                self.running = None
            case Endpoint.SESSIONS:
                self._listed, self.known_since, self.month = (), None, None
        self._is_stale = True

    async def _async_load(self) -> None:
        """Load what is kept across restarts, nothing if the file is invalid."""
        try:
            stored = _parse(await self._store.async_load())
        except Exception as err:  # noqa: BLE001 - the file may contain anything
            LOGGER.debug("The stored polls are invalid: %s", type(err).__name__)
            stored = Stored(Watched(), DeadlineWatch())
        self._watched, self._deadlines, self.running, self._ended = stored

    def _to_store(self) -> dict[str, Any]:
        """Return what to keep across restarts."""
        missed = self._deadlines and self._deadlines.missed
        return {
            "spans": self._watched.as_json() if self._watched else [],
            "missed_deadline": missed and missed.isoformat(),
            "running": self.running and self.running.as_json(),
            "ended": self._ended and self._ended.as_json(),
        }

    async def _async_read_endpoint(self, endpoint: Endpoint, now: datetime) -> None:
        """Read an endpoint. Raises PoderoError."""
        if endpoint is Endpoint.SESSIONS:
            await self._async_read_sessions(now)
            return
        self._schedule.count(1, now)
        if endpoint is Endpoint.POLICY:
            policy = await self._client.get_charge_policy(self._vehicle_id)
            self.policy, self._policy_zone = policy, await _async_zone(policy.timezone)
            return
        session = await self._client.get_current_session(self._vehicle_id)
        running = self.running and self.running.key
        if running is not None and (session is None or session.key != running):
            self._end_running(now)
        # Polls are more recent: no session is running if the last one saw no plug.
        if self._is_plugged_in is not False:
            self.running = session

    async def _async_read_sessions(self, now: datetime) -> None:
        """Read the completed sessions: of two years at first, of half a year later.

        A list that lacks known sessions is believed if the next one lacks some, too.
        """
        start = await self._statistics.async_get_start(now)
        # A session that began before may reach into the first hour.
        first = max(min(start - REWRITTEN, now - REQUEST_PERIOD), now - PAST).date()
        listed = await self._async_list(first, now)
        known = {
            session.key
            for session in self._listed
            if session.plug_in_time and session.plug_in_time.date() >= first
        }
        is_any_lost = not known <= {session.key for session in listed}
        self._is_list_doubted = is_any_lost and not self._is_list_doubted
        if self._is_list_doubted:
            self._schedule.retry(Endpoint.SESSIONS, now)
            return
        if tuple(listed) != self._listed:
            # Otherwise the same objects stay, which entities hold as well.
            self._listed = tuple(listed)
        self.known_since = start
        self._listed_since = datetime.combine(first + DAY, time(), UTC)
        self._schedule.read_sessions(now)
        if self.running is not None and _is_completed(self.running, listed):
            self.running = None
        if self._ended is not None and (
            _is_completed(self._ended, listed)
            or max(ends_of(self._ended)) < now - MAX_UNLISTED
        ):
            self._ended = None

    async def _async_list(self, first: date, now: datetime) -> list[ChargingSession]:
        """Request the completed sessions from a day on. Raises PoderoError."""
        is_past = first < (now - REQUEST_PERIOD).date()
        listed: list[ChargingSession] = []
        while first <= now.date():
            last = min(first + REQUEST_PERIOD, now.date())
            self._schedule.count(1, now)
            found = await self._client.get_sessions(self._vehicle_id, first, last)
            # Each further page is a request.
            self._schedule.count(len(found) // PAGE_SIZE, now)
            keys = {session.key for session in listed}
            listed += (session for session in found if session.key not in keys)
            if is_past:
                LOGGER.info(
                    "%s: read %s charging sessions up to %s",
                    self._name,
                    len(listed),
                    last,
                )
            first = last + DAY
        return listed

    async def _async_calculate(self, now: datetime) -> None:
        """Calculate the results, update the entities, and write the statistics."""
        self._is_stale = False
        completed = self._listed
        if self._ended is not None:
            completed = (*completed, self._ended)
        valid, faults = valid_sessions(completed, now, self.running)
        for key, fault in faults.items():
            if fault is Fault.IN_THE_FUTURE and self._is_clock_slow:
                continue
            if (key, fault) not in self._logged:
                self._logged.add((key, fault))
                LOGGER.warning(
                    "%s: a charging session is faulty: %s", self._name, fault
                )
        self.recent = tuple(valid)
        if self.known_since is not None:
            spans = tuple(self._watched.spans) if self._watched else ()
            hours = await self._hass.async_add_executor_job(hours_of, valid, spans, now)
            self.month = _month(valid, hours, self._month_start(now), now)
            # A part of a session is never written: its hours may be distributed anew.
            start = start_between(valid, self.known_since, now, self._listed_since)
            self._statistics.async_write(hours, start)
        self._update_listeners()

    def _month_start(self, now: datetime) -> datetime:
        """Return the start of the month, or of the data if a vehicle was replaced later."""
        start = _month_start(now)
        return start if self._since is None else max(start, self._since)


def _parse(stored: dict[str, Any] | None) -> Stored:
    """Parse the content of a file. Raises an arbitrary exception if it is invalid."""
    if stored is None:
        return Stored(Watched(), DeadlineWatch())
    watched = Watched.from_json(stored["spans"])
    last_poll = watched.spans and dt_util.utc_from_timestamp(watched.spans[-1].end)
    missed = dt_util.parse_datetime(str(stored["missed_deadline"]))
    running, ended = map(_parse_session, (stored.get("running"), stored.get("ended")))
    if ended is not None and not ends_of(ended):
        raise ValueError("no end")
    return Stored(watched, DeadlineWatch(last_poll or None, missed), running, ended)


def _parse_session(stored: Any) -> ChargingSession | None:
    """Parse a stored session. Raises InvalidResponseError if it is invalid."""
    return None if stored is None else ChargingSession.from_json(stored)


def _is_completed(
    session: ChargingSession, listed: Collection[ChargingSession]
) -> bool:
    """Return whether a session, which may have got another id, is listed with an end."""
    return any(
        ends_of(other)
        and (other.key == session.key or other.plug_in_time == session.plug_in_time)
        for other in listed
    )


async def _async_zone(name: str | None) -> tzinfo | None:
    """Return the time zone with a name, or None without a valid one."""
    if not name:
        return None
    try:
        return await dt_util.async_get_time_zone(name)
    except OSError, ValueError:
        # The name is used as a path in the database of time zones.
        return None


def _month(
    sessions: Collection[ChargingSession],
    hours: Mapping[datetime, Amounts],
    start: datetime,
    now: datetime,
) -> Month:
    """Return the totals from the start of a month on."""
    total = Amounts()
    for hour, amounts in hours.items():
        if hour >= start:
            total = total.plus(amounts)
    at_home = [
        session
        for session in sessions
        if session.counts_as_home and min([*ends_of(session), now]) > start
    ]
    costs = {session.actual_cost_eur for session in at_home}
    savings = {session.actual_savings_eur for session in at_home}
    return Month(
        start=start,
        energy=round(total.energy, 3),
        cost=None if costs == {None} else round(total.cost, 2),
        savings=None if savings == {None} else round(total.savings, 2),
    )


def _month_start(now: datetime) -> datetime:
    """Return the start of the month in local time."""
    return dt_util.start_of_local_day(dt_util.as_local(now).date().replace(day=1))
