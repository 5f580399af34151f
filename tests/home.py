"""A Home Assistant core with an account of a simulated cloud: what most tests need."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from .controls import Control, call
from .support import poll_requests
from custom_components.podero.const import DOMAIN, SUBENTRY_VEHICLE
from simulator import Car, Server, Simulator

SETTLING = 0.1
"""Seconds in which an answer that is on its way arrives."""


def vehicle_subentry(vehicle_id: str, title: str) -> ConfigSubentryDataWithId:
    """Return a vehicle of an account, as the config flow stores it."""
    return ConfigSubentryDataWithId(
        data={},
        subentry_id=f"subentry-{vehicle_id[:8]}",
        subentry_type=SUBENTRY_VEHICLE,
        title=title,
        unique_id=vehicle_id,
    )


def account_entry(
    server: Server, *vehicles: int, base_url: str | None = None
) -> MockConfigEntry:
    """Return the simulator's account at a server, with some of its vehicles."""
    account = server.simulator.account
    return MockConfigEntry(
        domain=DOMAIN,
        title="Podero",
        unique_id=f"{account.organization_id}_{account.user_id}",
        data={
            "base_url": base_url or server.url,
            "grant": "password",
            "username": account.username,
            "password": account.password,
            "organization_id": account.organization_id,
            "user_id": account.user_id,
        },
        subentries_data=[
            vehicle_subentry(server.simulator.vehicles[number].id, f"Car {number + 1}")
            for number in vehicles
        ],
    )


@dataclass(frozen=True)
class Home:
    """A Home Assistant core, the server of a simulated cloud, and an account of it."""

    hass: HomeAssistant
    server: Server
    entry: MockConfigEntry

    @property
    def simulator(self) -> Simulator:
        """Return the simulated cloud."""
        return self.server.simulator

    @property
    def car(self) -> Car:
        """Return the first car."""
        return self.simulator.vehicles[0]

    def with_vehicles(self, *numbers: int) -> Home:
        """Return the same with these vehicles of the account, counted from 0."""
        return replace(self, entry=account_entry(self.server, *numbers))

    async def set_up(self) -> None:
        """Set up the account."""
        self.entry.add_to_hass(self.hass)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        # Until the charging sessions are read, too.
        await self.settle()
        assert self.entry.state is ConfigEntryState.LOADED

    async def refresh(self) -> None:
        """Poll every vehicle of the account now."""
        for coordinator in self.entry.runtime_data.coordinators.values():
            await coordinator.async_refresh()
        await self.hass.async_block_till_done()

    async def call(self, action: str, **data: Any) -> None:
        """Call an action of Home Assistant and wait for its end."""
        await call(self.hass, action, **data)

    async def act(self, control: Control) -> None:
        """Do what a control does."""
        await self.call(control.action, entity_id=control.entity_id, **control.data)

    def state(self, entity_id: str) -> str:
        """Return the state of an entity."""
        found = self.hass.states.get(entity_id)
        assert found is not None, entity_id
        return found.state

    def history(self, entity_id: str) -> list[str]:
        """Return a list to which every later state of an entity is added."""
        states: list[str] = []

        @callback
        def add(event: Event[EventStateChangedData]) -> None:
            assert event.data["new_state"] is not None
            states.append(event.data["new_state"].state)

        async_track_state_change_event(self.hass, entity_id, add)
        return states

    def device_id(self, number: int = 1) -> str:
        """Return the id of the device of a car, counted from 1."""
        entity = er.async_get(self.hass).async_get(f"sensor.car_{number}_battery")
        assert entity is not None
        assert entity.device_id is not None
        return entity.device_id

    async def settle(self) -> None:
        """Wait until everything that was started is done."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def skip(self, seconds: float) -> None:
        """Let the timers of some seconds fire, and what they start begin."""
        async_fire_time_changed(
            self.hass, dt_util.utcnow() + timedelta(seconds=seconds)
        )
        # Not until all is done: an action may wait for more time to pass.
        await asyncio.sleep(SETTLING)

    def written(self) -> list[tuple[str, Any]]:
        """Return the method and the body of each write to a vehicle."""
        return [
            (request.method, request.json)
            for request in self.simulator.requests
            if request.method != "GET" and "/electric-vehicles/" in request.path
        ]

    def readings(self) -> int:
        """Return how often vehicles were read, their sessions and policies aside."""
        return sum(
            request.method == "GET" and "/electric-vehicles/" in request.path
            for request in poll_requests(self.simulator)
        )

    async def read(self, times: int) -> None:
        """Wait until vehicles were read so often in all, and the last answer arrived."""
        async with asyncio.timeout(10):
            while self.readings() < times:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(SETTLING)
