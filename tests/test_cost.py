"""What a poll costs, counted: requests, and writes to the state machine.

How long it takes is measured by `python -m benchmarks`, and asserted nowhere.
"""

import asyncio
from datetime import timedelta
from typing import Any, override

import pytest

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .home import Home
from .support import token_requests
from .test_fields import PLACES
from simulator import Fault

type Writes = list[tuple[str, bool]]
"""The entities that wrote a state, and whether it was a new one."""


@pytest.fixture
def writes(hass: HomeAssistant) -> Writes:
    """Collect what is written to the state machine."""
    written: Writes = []

    @callback
    def note_change(event: Event[Any]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        same = old is not None and (old.state, old.attributes) == (
            new.state,
            new.attributes,
        )
        written.append((new.entity_id, not same))

    @callback
    def note_report(event: Event[Any]) -> None:
        written.append((event.data["entity_id"], False))

    hass.bus.async_listen(EVENT_STATE_CHANGED, note_change)
    hass.bus.async_listen(
        EVENT_STATE_REPORTED, note_report, event_filter=callback(lambda _: True)
    )
    return written


async def test_a_poll_is_one_request(home: Home) -> None:
    """A poll requests no token while it is valid."""
    await home.set_up()
    for polls in range(1, 6):
        await home.refresh()
        assert len(home.vehicle_requests()) == 1 + polls
    assert len(token_requests(home.simulator)) == 1


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_nothing_new_is_nothing_written(home: Home, writes: Writes) -> None:
    """A reading that differs in order or fractions of a second writes nothing."""
    car = home.car
    document = car.document() | {"updated_at": "2026-11-02T12:00:00.1Z"}
    car.replace_document(document)
    await home.set_up()
    writes.clear()
    await home.refresh()
    car.replace_document(dict(reversed(document.items())))
    await home.refresh()
    car.replace_document(document | {"updated_at": "2026-11-02T12:00:00.2Z"})
    await home.refresh()
    assert not writes


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_what_moves_is_told_to_whom_it_concerns(
    home: Home, writes: Writes
) -> None:
    """Only entities that a change concerns write, and all of those do."""
    car = home.car
    # The car charges by a policy, so that all derived states are computed.
    values = {"charge_deadline_at": "07:00:00"} | {
        place.source: place.value for place in PLACES
    }
    car.override(**values)
    await home.set_up()
    coordinator = home.coordinator()
    for field, usual in values.items():
        # Some of these are equal in Python, but not shown alike.
        for value in (1, 1.0, True, 0, -0.0, None, usual):
            car.override(**{field: value})
            writes.clear()
            await home.refresh()
            assert all(is_new for _, is_new in writes), field
            writes.clear()
            # All entities are updated, as after an outage.
            DataUpdateCoordinator.async_update_listeners(coordinator)
            assert not any(is_new for _, is_new in writes), field


async def test_an_outage_is_told_to_everyone(home: Home) -> None:
    """An outage updates all entities, although the readings around it are equal."""
    car = home.car
    car.override(**car.document())
    await home.set_up()
    before = home.shown()
    home.simulator.add_fault(kind="vehicle", status=404)
    await home.refresh()
    assert set(home.shown().values()) == {"unavailable"}
    home.simulator.clear_faults()
    await home.refresh()
    assert home.shown() == before


async def test_a_parked_day(home: Home, writes: Writes) -> None:
    """A parked car writes one state per report."""
    car = home.car
    car.override(**car.document())
    await home.set_up()
    writes.clear()
    start = dt_util.utcnow().replace(microsecond=0)
    for reading in range(1, 288):
        moment = (start + reading * timedelta(minutes=5)).isoformat()
        car.override(
            updated_at=moment,
            current_state_last_updated_at=moment,
            last_monitoring_executed_at=moment,
        )
        await home.refresh()
    assert writes == [("sensor.car_1_last_reported", True)] * 287


class Crowd(Fault):
    """Hold requests, and count how many wait."""

    waiting = most_waiting = 0

    @override
    async def wait(self) -> None:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await asyncio.sleep(0.02)
        self.waiting -= 1


async def test_many_vehicles_do_not_answer_in_one_stall(home: Home) -> None:
    """The number of concurrent requests is limited."""
    for _ in range(10):
        home.simulator.add_vehicle()
    home = home.with_vehicles(*range(12))
    await home.set_up()
    crowd = Crowd(kind="vehicle")
    home.simulator.add_fault(crowd)
    await asyncio.gather(
        *(
            coordinator.async_refresh()
            for coordinator in home.entry.runtime_data.coordinators.values()
        )
    )
    assert crowd.most_waiting == 8
    assert all(len(home.vehicle_requests(number)) == 2 for number in range(12))
