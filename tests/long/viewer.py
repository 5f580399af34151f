"""Serve random documents to a Home Assistant: valid ones, and broken variants.

Each is served over HTTP, decoded, parsed and shown by all entities. Nothing may raise or
log an error, fields that are not broken must be shown as before, and what is shown must
be what a fresh set-up shows.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from hypothesis import HealthCheck, given, settings
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.calendar import CalendarEntity
from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import async_get_platforms
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util
from scripts.entities import fields_of

from ..documents import Document, breakages, broken, documents, junk, lost
from ..support import until
from custom_components.podero.api import ChargingSession
from custom_components.podero.const import DOMAIN
from custom_components.podero.coordinator import PoderoCoordinator
from custom_components.podero.entity import PoderoEntity
from custom_components.podero.sensor import FINISH_TOLERANCE
from simulator import Car

# Not broken: the document would be another vehicle's, a deleted one's, or stale.
KEPT = {"id", "deleted_at", "updated_at"}

JUDGED_TOGETHER = (
    {"is_plugged_in", "is_charging", "charge_rate_w", "charge_time_remaining"},
    {"latitude", "longitude"},
)
"""Groups of fields that are validated together."""

START = datetime(2026, 11, 2, tzinfo=UTC)
DOCUMENTS_PER_SETUP = 20

SETUP_TIME = timedelta(seconds=30)
"""How long after a reading a fresh set-up may read the same document."""


class Viewer:
    """A Home Assistant that shows one car."""

    def __init__(self, hass: HomeAssistant, car: Car, entry: MockConfigEntry) -> None:
        """Show a car of an account that is set up."""
        self._hass = hass
        self._car = car
        self._entry = entry
        self.seen: Counter[str] = Counter()

    async def show(self, document: Document, news: Document, gone: set[str]) -> None:
        """Serve a document, then a broken variant, and check the states."""
        updated_at = START + self.seen["whole documents"] * timedelta(minutes=1)
        kept: Document = {
            "id": self._car.id,
            "deleted_at": None,
            "updated_at": updated_at.isoformat(),
        }
        whole = document | kept
        if whole.get("is_charging"):
            whole["is_plugged_in"] = True
        news = {key: value for key, value in news.items() if key not in KEPT}
        gone = gone - KEPT
        shown = await self._show(whole, "whole")
        shown_broken = await self._show(broken(whole, news, gone), "broken")
        touched = {*news, *gone}
        for fields in JUDGED_TOGETHER:
            if touched & fields:
                touched |= fields
        for entity in _entities(self._hass):
            if not touched & {*_fields(entity)}:
                name = entity.entity_id
                assert shown[name] == shown_broken[name], name
                self.seen["states kept"] += 1
        if self.seen["broken documents"] % DOCUMENTS_PER_SETUP == 0:
            await self._set_up_again()

    @property
    def _coordinator(self) -> PoderoCoordinator:
        """Return the coordinator of the car."""
        coordinator: PoderoCoordinator
        (coordinator,) = self._entry.runtime_data.coordinators.values()
        return coordinator

    async def _show(self, document: Document, kind: str) -> Mapping[str, Any]:
        """Serve a document, poll, and return the states."""
        coordinator = self._coordinator
        self._car.replace_document(document)
        await coordinator.async_refresh()
        self.seen[f"{kind} documents"] += 1
        assert coordinator.last_update_success
        shown = self._states()
        # Another update of all listeners must not write anything.
        DataUpdateCoordinator.async_update_listeners(coordinator)
        assert self._states() == shown
        return shown

    def _states(self) -> Mapping[str, Any]:
        """Return the states of all entities."""
        shown = {}
        for entity in _entities(self._hass):
            state = self._hass.states.get(entity.entity_id)
            assert state is not None, entity.entity_id
            shown[entity.entity_id] = (state.state, dict(state.attributes))
            self.seen["states"] += 1
        return shown

    async def _settled_states(self) -> Mapping[str, Any]:
        """Return the states once the sessions and the policy are read and shown."""
        await until(lambda: self._coordinator.sessions.month)
        # A contradictory reading counts the second time.
        await self._coordinator.async_refresh()
        return self._states()

    async def _set_up_again(self) -> None:
        """Reload: many updates must end where a fresh set-up starts."""
        before = await self._settled_states()
        await self._hass.config_entries.async_reload(self._entry.entry_id)
        await self._hass.async_block_till_done()
        after = await self._settled_states()
        for name, (state, attributes) in after.items():
            state_before, attributes_before = before[name]
            assert attributes == attributes_before, name
            if name.endswith("_charging_ends"):
                # It also depends on the time of the reading.
                assert _are_close(state, state_before), (name, state_before, state)
            else:
                assert _are_equal(state, state_before), (name, state_before, state)
        self.seen["fresh set-ups"] += 1


def _are_close(one: str, other: str) -> bool:
    """Return whether two states are equal, or timestamps close to each other."""
    moment, other_moment = dt_util.parse_datetime(one), dt_util.parse_datetime(other)
    if moment is None or other_moment is None:
        return one == other
    return abs(moment - other_moment) <= FINISH_TOLERANCE + SETUP_TIME


def _are_equal(one: str, other: str) -> bool:
    """Return whether two states are equal, also as numbers such as 5 and 5.0."""
    with suppress(ValueError):
        return float(one) == float(other)
    return one == other


def _entities(hass: HomeAssistant) -> list[PoderoEntity[Any]]:
    """Return the entities that show the vehicle's document: no events, no sessions."""
    return [
        entity
        for platform in async_get_platforms(hass, DOMAIN)
        for entity in platform.entities.values()
        if isinstance(entity, PoderoEntity)
        and not isinstance(entity, CalendarEntity | EventEntity)
        and ChargingSession.readers().keys().isdisjoint(_fields(entity))
    ]


def _fields(entity: PoderoEntity[Any]) -> tuple[str, ...]:
    """Return the fields of the API that an entity shows."""
    return fields_of(entity.platform.domain, entity.entity_description)


class Errors(logging.Handler):
    """Collect what is logged as an error."""

    def __init__(self) -> None:
        """Start without any."""
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record."""
        self.lines.append(f"{record.name}: {record.getMessage()}")


@contextmanager
def no_errors_logged() -> Iterator[None]:
    """Fail if anything is logged as an error."""
    handler = Errors()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    assert not handler.lines, handler.lines[:5]


def examine(viewer: Viewer, loop: asyncio.AbstractEventLoop, count: int) -> None:
    """Show pairs of documents; to be run in a thread beside Home Assistant's loop."""

    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(documents, breakages(junk), lost)
    def check(document: Document, news: Document, gone: set[str]) -> None:
        with no_errors_logged():
            showing = viewer.show(document, news, gone)
            asyncio.run_coroutine_threadsafe(showing, loop).result()

    check()
