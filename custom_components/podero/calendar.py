"""Calendar of a vehicle's past charging sessions and the planned one."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from .api import ChargingSession, PoderoError
from .charging.hours import ends_of, in_period
from .const import DOMAIN, MAX_RANGE
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .entity import PoderoEntity
from .helpers import to_read_error

PARALLEL_UPDATES = 0

type Window = tuple[datetime, datetime, str | None]
"""Start and end of a planned charging window, and the id of its session."""

MAX_AGE: Final = timedelta(minutes=15)
"""How long a response of the service is cached."""

CHARGING = CalendarEntityDescription(key="charging")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PoderoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendar of each vehicle."""
    for subentry_id, coordinator in entry.runtime_data.vehicles:
        async_add_entities(
            [PoderoCalendar(coordinator, CHARGING)], config_subentry_id=subentry_id
        )


class PoderoCalendar(
    PoderoEntity[tuple[Window | None, tuple[ChargingSession, ...]]], CalendarEntity
):
    """A calendar with the planned window of the running session, and past sessions.

    Past ones are part of its value: views of the calendar are updated with its state.
    """

    _texts: Mapping[str, str]

    def __init__(
        self, coordinator: PoderoCoordinator, description: CalendarEntityDescription
    ) -> None:
        """Start with an empty cache."""
        super().__init__(coordinator, description)
        self._cache: dict[
            tuple[datetime, datetime], tuple[datetime, list[ChargingSession]]
        ] = {}

    @override
    async def async_added_to_hass(self) -> None:
        translations = await async_get_translations(
            self.hass, self.hass.config.language, "common", [DOMAIN]
        )
        self._texts = {
            key.rpartition(".")[2]: text for key, text in translations.items()
        }
        await super().async_added_to_hass()

    @override
    def _compute(self) -> tuple[Window | None, tuple[ChargingSession, ...]]:
        sessions = self.coordinator.sessions
        return _window(sessions.running), sessions.recent

    @property
    def _planned(self) -> CalendarEvent | None:
        """Return the planned charging window as an event."""
        window = self._value and self._value[0]
        if window is None:
            return None
        start, end, session_id = window
        return _event(start, end, self._texts["calendar_planned"], session_id)

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the planned charging window until it ends."""
        planned = self._planned
        return planned if planned and planned.end > dt_util.utcnow() else None

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the sessions and the planned window that overlap a period."""
        events = [
            _past_event(session, self._texts["calendar_session"])
            for session in await self._async_get_sessions(start_date, end_date)
        ]
        planned = self._planned
        if planned and planned.start < end_date and planned.end > start_date:
            events.append(planned)
        return events

    async def _async_get_sessions(
        self, start: datetime, end: datetime
    ) -> list[ChargingSession]:
        """Return the completed sessions of a period, from memory if they are known."""
        ours, now = self.coordinator.sessions, dt_util.utcnow()
        if not ours.is_offered or start > now:
            return []
        if ours.known_since is not None and start >= ours.known_since:
            return in_period(ours.recent, start, end)
        if end - start > MAX_RANGE:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="range_too_long"
            )
        listed = await self._async_get_cached(start, end, now)
        # The service does not list one that has just ended.
        keys = {session.key for session in listed}
        recent = in_period(ours.recent, start, end)
        return [*listed, *(one for one in recent if one.key not in keys)]

    async def _async_get_cached(
        self, start: datetime, end: datetime, now: datetime
    ) -> list[ChargingSession]:
        """Return the sessions of a period from the service, cached for MAX_AGE."""
        for key, (asked_at, _) in tuple(self._cache.items()):
            if not timedelta() <= now - asked_at < MAX_AGE:
                del self._cache[key]
        if (start, end) not in self._cache:
            try:
                found = await self.coordinator.sessions.async_get_sessions(start, end)
            except PoderoError as err:
                raise to_read_error(err) from err
            self._cache[start, end] = now, found
        return self._cache[start, end][1]


def _window(running: ChargingSession | None) -> Window | None:
    """Return the planned window of the running session, or None without one."""
    if running is None:
        return None
    start = running.desired_charging_start_time
    end = running.desired_charging_end_time
    if start is None or end is None or start >= end:
        return None
    return start, end, running.id


def _event(
    start: datetime, end: datetime, summary: str, uid: str | None
) -> CalendarEvent:
    """Return an event, of at least a minute."""
    first = dt_util.as_local(start)
    # Home Assistant compares wall-clock times, by which a session in the night when the
    # clock is set back can seem to end before it starts.
    last = max(dt_util.as_local(end), first + timedelta(minutes=1))
    return CalendarEvent(start=first, end=last, summary=summary, uid=uid)


def _past_event(session: ChargingSession, name: str) -> CalendarEvent:
    """Convert a completed session to a calendar event."""
    assert session.plug_in_time is not None
    summary = ", ".join(_amounts(session)) or name
    return _event(session.plug_in_time, min(ends_of(session)), summary, session.id)


def _amounts(session: ChargingSession) -> Iterator[str]:
    """Yield the known amounts of a session: "23.4 kWh", "4.10 €", "62 % → 80 %"."""
    if session.energy_charged_kwh is not None:
        yield f"{session.energy_charged_kwh:.1f} kWh"
    if session.actual_cost_eur is not None:
        yield f"{session.actual_cost_eur:.2f} €"
    first, last = session.initial_soc_pct, session.final_soc_pct
    if first is not None and last is not None:
        yield f"{first:.0f} % → {last:.0f} %"
