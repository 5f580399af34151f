"""Fixtures: a real Home Assistant core and the simulator, over real HTTP."""

from collections.abc import AsyncGenerator, Generator
import logging
from pathlib import Path
import shutil
from unittest.mock import PropertyMock, patch

from aiohttp import ClientSession
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .dialogs import Person
from .home import Home, account_entry
from .repository import BLUEPRINTS
from custom_components.podero import external_step
from custom_components.podero.api import PasswordAuth, PoderoClient, Transport
from custom_components.podero.const import DOMAIN
from custom_components.podero.http import DATA_TICKETS
from simulator import Server, Simulator


@pytest.fixture(autouse=True)
def _use_custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture(autouse=True)
def _no_deprecated_use() -> Generator[None]:
    """Home Assistant reports no deprecated use of its API."""
    reported: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        # Only the text: a record keeps objects alive.
        reported.append(record.getMessage())
        return True

    logger = logging.getLogger("homeassistant.helpers.frame")
    logger.addFilter(note)
    yield
    logger.removeFilter(note)
    assert not reported


@pytest.fixture
def entity_registry_enabled_by_default() -> Generator[None]:
    """Enable all entities, including those that are disabled by default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default",
        new_callable=PropertyMock(return_value=True),
    ):
        yield


@pytest.fixture
async def server(socket_enabled: None) -> AsyncGenerator[Server]:
    """Serve a Podero cloud whose cars only follow commands."""
    async with Server(Simulator(speed=0, now=dt_util.utcnow)) as server:
        yield server


@pytest.fixture
def without_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry a failed connection at once."""
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
def seldom_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not poll during an external step."""
    monkeypatch.setattr(external_step, "POLL_INTERVAL", 60.0)


@pytest.fixture
def often_polls(seldom_polls: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll frequently during an external step."""
    monkeypatch.setattr(external_step, "POLL_INTERVAL", 0.02)


@pytest.fixture
def simulator(server: Server) -> Simulator:
    """Return the Podero cloud that the server serves."""
    return server.simulator


@pytest.fixture
def home(hass: HomeAssistant, server: Server) -> Home:
    """Return a home with one vehicle, not yet set up."""
    return Home(hass, server, account_entry(server, 0))


@pytest.fixture
async def session() -> AsyncGenerator[ClientSession]:
    """Return an HTTP session without Home Assistant."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
def transport(server: Server, session: ClientSession) -> Transport:
    """Return a transport to the simulator."""
    return Transport(session, server.url)


@pytest.fixture
def client(simulator: Simulator, transport: Transport) -> PoderoClient:
    """Return a client of the resident's account."""
    account = simulator.account
    auth = PasswordAuth(transport, account.username, account.password)
    return PoderoClient(transport, auth, account.organization_id, account.user_id)


@pytest.fixture
def runs(hass: HomeAssistant) -> list[ServiceCall]:
    """Collect the calls of `test.run`, the action of the tests' automations."""
    calls: list[ServiceCall] = async_mock_service(hass, "test", "run")
    return calls


@pytest.fixture
def blueprints(hass: HomeAssistant, tmp_path: Path) -> None:
    """Use a configuration folder with our blueprints."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints/automation/podero")


@pytest.fixture
async def person(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> AsyncGenerator[Person]:
    """Return an administrator; no ticket may be left when the dialogs are closed."""
    for domain in ("repairs", DOMAIN):
        assert await async_setup_component(hass, domain, {})
    yield Person(hass, await hass_client())
    manager = repairs_flow_manager(hass)
    assert manager is not None
    for flow in manager.async_progress(include_uninitialized=True):
        manager.async_abort(flow["flow_id"])
    assert not hass.data.get(DATA_TICKETS)
