"""What the tests stand on: a real Home Assistant core and the simulator, over real HTTP."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .home import Home, account_entry
from simulator import Server, Simulator

type SetUp = Callable[[MockConfigEntry], Coroutine[Any, Any, None]]
type Refresh = Callable[[MockConfigEntry], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def _use_custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Enable every entity, those included that are off by default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default",
        new_callable=PropertyMock(return_value=True),
    ):
        yield


@pytest.fixture
async def server(socket_enabled: None) -> AsyncGenerator[Server]:
    """Serve a Podero cloud whose cars stand still."""
    async with Server(Simulator(speed=0, now=dt_util.utcnow)) as server:
        yield server


@pytest.fixture
def simulator(server: Server) -> Simulator:
    """Return the Podero cloud that the server serves."""
    return server.simulator


@pytest.fixture
def entry(server: Server) -> MockConfigEntry:
    """Return the simulator's account with its first vehicle, not yet set up."""
    return account_entry(server, 0)


@pytest.fixture
def home(hass: HomeAssistant, server: Server, entry: MockConfigEntry) -> Home:
    """Return a Home Assistant core with an account, not yet set up."""
    return Home(hass, server, entry)


@pytest.fixture
def set_up(hass: HomeAssistant) -> SetUp:
    """Set up an entry."""

    async def _set_up(entry: MockConfigEntry) -> None:
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        # Until the charging sessions are read, too.
        await hass.async_block_till_done(wait_background_tasks=True)
        assert entry.state is ConfigEntryState.LOADED

    return _set_up


@pytest.fixture
def refresh(hass: HomeAssistant) -> Refresh:
    """Poll every vehicle of an entry now."""

    async def _refresh(entry: MockConfigEntry) -> None:
        for coordinator in entry.runtime_data.coordinators.values():
            await coordinator.async_refresh()
        await hass.async_block_till_done()

    return _refresh
