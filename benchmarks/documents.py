"""Show thousands of documents to a Home Assistant: those of the contract, and broken ones.

Every document travels the whole way: served over HTTP, decoded, read, shown by all
entities. For each, checked is what must hold: no exception and no complaint, what is
not broken is shown as before, and what is shown is what a fresh look would show.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
import logging
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.components.event import EventEntity
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import async_get_platforms
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .home import run_home
from custom_components.podero.const import DOMAIN
from custom_components.podero.coordinator import PoderoCoordinator
from custom_components.podero.entity import PoderoEntity
from custom_components.podero.sensor import FINISH_TOLERANCE
from simulator import Car, Server, Simulator
from tests.conftest import account_entry
from tests.documents import Document, breakages, broken, documents, junk, lost

# Without them a document is another vehicle's, or no vehicle's any more.
KEPT = {"id", "deleted_at"}

FRESH_LOOK_EVERY = 20

A_WHILE = timedelta(seconds=30)
"""What may pass until somebody looks afresh."""


class Viewer:
    """A Home Assistant that looks at one car."""

    def __init__(self, hass: HomeAssistant, car: Car, entry: MockConfigEntry) -> None:
        """Look at a car through an account that is set up."""
        self._hass = hass
        self._car = car
        self._entry = entry
        self.seen: Counter[str] = Counter()

    async def look(self, document: Document, news: Document, gone: set[str]) -> None:
        """Look at a document, and at the same one broken."""
        kept: Document = {"id": self._car.id, "deleted_at": None}
        whole = document | kept
        news = {key: value for key, value in news.items() if key not in KEPT}
        gone = gone - KEPT
        shown = await self._show(whole, "whole")
        shown_broken = await self._show(broken(whole, news, gone), "broken")
        for entity in _entities(self._hass):
            fields = entity.entity_description.interest.fields
            if not {*fields} & {*news, *gone}:
                name = entity.entity_id
                assert shown[name] == shown_broken[name], name
                self.seen["states kept"] += 1
        if self.seen["broken documents"] % FRESH_LOOK_EVERY == 0:
            await self._look_afresh()

    async def _show(self, document: Document, kind: str) -> Mapping[str, Any]:
        """Serve a document, poll, and return what is shown."""
        coordinator: PoderoCoordinator = next(iter(self._entry.runtime_data.values()))
        self._car.replace_document(document)
        await coordinator.async_refresh()
        self.seen[f"{kind} documents"] += 1
        assert coordinator.last_update_success
        shown = self._states()
        # As coordinators do that tell everyone: nobody has anything new to show.
        DataUpdateCoordinator.async_update_listeners(coordinator)
        assert self._states() == shown
        return shown

    def _states(self) -> Mapping[str, Any]:
        """Return what is shown."""
        shown = {}
        for entity in _entities(self._hass):
            state = self._hass.states.get(entity.entity_id)
            assert state is not None, entity.entity_id
            shown[entity.entity_id] = (state.state, dict(state.attributes))
            self.seen["states"] += 1
        return shown

    async def _look_afresh(self) -> None:
        """Set up anew: what came out of many changes is what comes out of none."""
        before = self._states()
        await self._hass.config_entries.async_reload(self._entry.entry_id)
        await self._hass.async_block_till_done()
        after = self._states()
        for name, (state, attributes) in after.items():
            state_before, attributes_before = before[name]
            assert attributes == attributes_before, name
            if name.endswith("_charging_finishes"):
                # It depends on when something was seen, too.
                assert _are_close(state, state_before), name
            else:
                assert state == state_before, name
        self.seen["fresh looks"] += 1


def _are_close(one: str, other: str) -> bool:
    """Tell whether two states are the same, or moments between which little time is."""
    moment, other_moment = dt_util.parse_datetime(one), dt_util.parse_datetime(other)
    if moment is None or other_moment is None:
        return one == other
    return abs(moment - other_moment) <= FINISH_TOLERANCE + A_WHILE


def _entities(hass: HomeAssistant) -> list[PoderoEntity[Any]]:
    """Return all entities of the integration but those that show what happened."""
    return [
        entity
        for platform in async_get_platforms(hass, DOMAIN)
        for entity in platform.entities.values()
        if isinstance(entity, PoderoEntity) and not isinstance(entity, EventEntity)
    ]


class Complaints(logging.Handler):
    """Collect what is logged as an error, or warned of by Home Assistant."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note a complaint."""
        self.lines.append(f"{record.name}: {record.getMessage()}")


@contextmanager
def no_complaints() -> Iterator[None]:
    """Fail if anything is logged as an error."""
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    assert not handler.lines, handler.lines[:5]


def examine(viewer: Viewer, loop: asyncio.AbstractEventLoop, count: int) -> None:
    """Show pairs of documents; to be run beside the loop that Home Assistant runs in."""

    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(documents, breakages(junk), lost)
    def check(document: Document, news: Document, gone: set[str]) -> None:
        with no_complaints():
            look = viewer.look(document, news, gone)
            asyncio.run_coroutine_threadsafe(look, loop).result()

    check()


@contextmanager
def all_entities() -> Iterator[None]:
    """Enable every entity, those included that are off by default."""
    name = "entity_registry_enabled_default"
    default = getattr(Entity, name)
    setattr(Entity, name, property(lambda _: True))
    try:
        yield
    finally:
        setattr(Entity, name, default)


async def _run(count: int) -> None:
    began = time.perf_counter()
    async with Server(Simulator()) as server, run_home() as hass:
        entry = account_entry(server, 0)
        entry.add_to_hass(hass)
        with all_entities():
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
        # What is wrong with a field is warned of once, which is not what is looked for.
        logging.getLogger("custom_components.podero").setLevel(logging.ERROR)
        viewer = Viewer(hass, server.simulator.vehicles[0], entry)
        await asyncio.get_running_loop().run_in_executor(
            None, examine, viewer, hass.loop, (count + 1) // 2
        )
    total = viewer.seen["whole documents"] + viewer.seen["broken documents"]
    print(f"Home Assistant {__version__}: {total} documents")
    for name, number in viewer.seen.items():
        print(f"  {name}: {number}")
    print(f"  seconds: {time.perf_counter() - began:.0f}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    asyncio.run(_run(parser.parse_args().count))


if __name__ == "__main__":
    main()
