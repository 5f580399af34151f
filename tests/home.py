"""A Home Assistant core with an account of a simulated cloud, for most tests."""

import asyncio
from dataclasses import dataclass, replace
import time
from types import MappingProxyType
from typing import Any

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryDataWithId,
)
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNAVAILABLE
from homeassistant.core import (
    CoreState,
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .controls import Control
from .support import VehicleFault
from custom_components.podero.const import DOMAIN, SUBENTRY_VEHICLE
from custom_components.podero.coordinator import PoderoCoordinator
from simulator import Account, Car, RecordedRequest, Server, Simulator

SETTLING = 0.1
"""Seconds in which a pending answer arrives."""


def vehicle_subentry(vehicle_id: str, title: str) -> ConfigSubentryDataWithId:
    """Return a vehicle of an account, as the config flow stores it."""
    return ConfigSubentryDataWithId(
        data={},
        subentry_id=f"subentry-{vehicle_id[:8]}",
        subentry_type=SUBENTRY_VEHICLE,
        title=title,
        unique_id=vehicle_id,
    )


def credentials(account: Account, grant: str) -> dict[str, str]:
    """Return the credentials of an account for a grant."""
    names = {
        "password": ("username", "password"),
        "client_credentials": ("client_id", "client_secret"),
    }
    return {name: getattr(account, name) for name in names[grant]}


def account_entry(
    server: Server,
    *vehicles: int,
    base_url: str | None = None,
    grant: str = "password",
) -> MockConfigEntry:
    """Return the simulator's account at a server, with some of its vehicles."""
    account = server.simulator.account
    return MockConfigEntry(
        domain=DOMAIN,
        title="Podero",
        unique_id=f"{account.organization_id}_{account.user_id}",
        data={
            "base_url": base_url or server.url,
            "grant": grant,
            **credentials(account, grant),
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

    def with_vehicles(self, *numbers: int, **options: str) -> Home:
        """Return the same with an account of these vehicles, counted from 0."""
        return replace(self, entry=account_entry(self.server, *numbers, **options))

    async def set_up(self) -> None:
        """Add the account and set it up."""
        self.entry.add_to_hass(self.hass)
        await self.load()
        # Wait for the charging sessions too.
        await self.settle()
        assert self.entry.state is ConfigEntryState.LOADED

    async def fail_to_set_up(self) -> None:
        """Add the account, and assert that its setup fails."""
        self.entry.add_to_hass(self.hass)
        assert not await self.hass.config_entries.async_setup(self.entry.entry_id)

    async def load(self) -> None:
        """Set up the account that was added."""
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)

    async def unload(self) -> None:
        """Unload the account."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def reload(self) -> None:
        """Reload the account."""
        assert await self.hass.config_entries.async_reload(self.entry.entry_id)

    async def finish_start(self) -> None:
        """Let Home Assistant finish its start."""
        self.hass.set_state(CoreState.running)
        self.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await self.settle()

    async def remove(self) -> None:
        """Remove the account."""
        await self.hass.config_entries.async_remove(self.entry.entry_id)

    def add_vehicle(self, number: int) -> None:
        """Add a vehicle to the account."""
        vehicle_id = self.simulator.vehicles[number].id
        data: dict[str, Any] = {
            **vehicle_subentry(vehicle_id, f"Car {number + 1}"),
            "data": MappingProxyType({}),
        }
        self.hass.config_entries.async_add_subentry(self.entry, ConfigSubentry(**data))

    def remove_vehicle(self, number: int) -> None:
        """Remove a vehicle from the account."""
        subentry_id = list(self.entry.subentries)[number]
        self.hass.config_entries.async_remove_subentry(self.entry, subentry_id)

    def coordinator(self, number: int = 0) -> PoderoCoordinator:
        """Return the coordinator of a vehicle of the account."""
        coordinators: list[PoderoCoordinator] = list(
            self.entry.runtime_data.coordinators.values()
        )
        return coordinators[number]

    async def refresh(self) -> None:
        """Poll every vehicle of the account now."""
        for coordinator in self.entry.runtime_data.coordinators.values():
            await coordinator.async_refresh()
        await self.hass.async_block_till_done()

    async def call(self, action: str, **data: Any) -> None:
        """Call an action of Home Assistant, and wait for its end."""
        domain, service = action.split(".")
        await self.hass.services.async_call(domain, service, data, blocking=True)

    async def act(self, control: Control) -> None:
        """Call the action of a control."""
        await self.call(control.action, entity_id=control.entity_id, **control.data)

    async def automate(self, **automation: Any) -> None:
        """Set up an automation."""
        assert await async_setup_component(
            self.hass, AUTOMATION, {AUTOMATION: automation}
        )
        await self.hass.async_block_till_done()

    async def use_blueprint(self, name: str, **inputs: Any) -> None:
        """Set up an automation from a blueprint."""
        blueprint = {"path": f"podero/{name}.yaml", "input": inputs}
        await self.automate(use_blueprint=blueprint)
        assert self.hass.states.async_all(AUTOMATION)[0].state == "on"

    def entity(self, entity_id: str) -> er.RegistryEntry:
        """Return an entity's entry in the registry."""
        entity = er.async_get(self.hass).async_get(entity_id)
        assert entity is not None, entity_id
        return entity

    def get_state(self, entity_id: str) -> State:
        """Return the state of an entity with its attributes."""
        state = self.hass.states.get(entity_id)
        assert state is not None, entity_id
        return state

    def state(self, entity_id: str) -> str:
        """Return the state of an entity."""
        return self.get_state(entity_id).state

    def history(self, entity_id: str) -> list[str]:
        """Return a list that collects the later states of an entity."""
        states: list[str] = []

        @callback
        def add(event: Event[EventStateChangedData]) -> None:
            assert event.data["new_state"] is not None
            states.append(event.data["new_state"].state)

        async_track_state_change_event(self.hass, entity_id, add)
        return states

    def shown(self, number: int = 0) -> dict[str, str]:
        """Return the states of a car's entities by entity id."""
        prefix = self.simulator.vehicles[number].id
        return {
            entity.entity_id: state.state
            for entity in er.async_get(self.hass).entities.values()
            if entity.unique_id.startswith(prefix)
            and (state := self.hass.states.get(entity.entity_id)) is not None
        }

    def is_available(self, number: int = 0) -> bool:
        """Return whether a car's entities are available: all of them or none."""
        states = self.shown(number).values()
        (is_unavailable,) = {state == STATE_UNAVAILABLE for state in states}
        return not is_unavailable

    def device(self, number: int = 0) -> dr.DeviceEntry:
        """Return the device of a car."""
        device = dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, self.simulator.vehicles[number].id), self.entry.entry_id
        )
        assert device is not None
        return device

    def devices(self) -> list[dr.DeviceEntry]:
        """Return the devices of the account."""
        return dr.async_entries_for_config_entry(
            dr.async_get(self.hass), self.entry.entry_id
        )

    def entities(self) -> list[er.RegistryEntry]:
        """Return the entities of the account, including disabled ones."""
        return er.async_entries_for_config_entry(
            er.async_get(self.hass), self.entry.entry_id
        )

    def reauth_flows(self) -> list[ConfigFlowResult]:
        """Return the flows that ask for new credentials."""
        return [
            flow
            for flow in self.hass.config_entries.flow.async_progress()
            if flow["context"]["source"] == SOURCE_REAUTH
        ]

    async def settle(self) -> None:
        """Wait until all tasks, background tasks included, are done."""
        await self.hass.async_block_till_done(wait_background_tasks=True)

    def begin(self, seconds: float = 61) -> None:
        """Fire the timers that are due within some seconds."""
        # With the real clock: tests may replace `dt_util.utcnow`.
        async_fire_time_changed(
            self.hass, dt_util.utc_from_timestamp(time.time() + seconds)
        )

    async def later(self, seconds: float = 61) -> None:
        """Fire the timers that are due within some seconds, and wait for what they start."""
        self.begin(seconds)
        await self.settle()

    async def skip(self, seconds: float) -> None:
        """Fire the timers that are due within some seconds, and let what they start begin."""
        self.begin(seconds)
        # Do not wait for all tasks: an action may wait for more time to pass.
        await asyncio.sleep(SETTLING)

    def written(self) -> list[tuple[str, Any]]:
        """Return the method and the body of each write to a vehicle."""
        return [
            (request.method, request.json)
            for request in self.simulator.requests
            if request.method != "GET" and "/electric-vehicles/" in request.path
        ]

    def break_vehicle(self, number: int = 0, **options: Any) -> None:
        """Make the requests for a vehicle fail."""
        vehicle_id = self.simulator.vehicles[number].id
        self.simulator.add_fault(
            VehicleFault(kind="vehicle", vehicle_id=vehicle_id, **options)
        )

    def poll_requests(self) -> list[RecordedRequest]:
        """Return all requests except those for sessions and policies."""
        return [
            request
            for request in self.simulator.requests
            if "/sessions" not in request.path
            and not request.path.endswith("/charge-policy")
        ]

    def vehicle_requests(self, number: int = 0) -> list[RecordedRequest]:
        """Return the requests for a vehicle except those for its sessions and policy."""
        vehicle_id = self.simulator.vehicles[number].id
        return [
            request for request in self.poll_requests() if vehicle_id in request.path
        ]

    def readings(self) -> int:
        """Return the number of readings so far."""
        return sum(
            request.method == "GET" and "/electric-vehicles/" in request.path
            for request in self.poll_requests()
        )

    async def read(self, times: int) -> None:
        """Wait for a number of readings, and until the last answer has arrived."""
        async with asyncio.timeout(10):
            while self.readings() < times:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(SETTLING)
