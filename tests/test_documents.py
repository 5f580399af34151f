"""Show random documents. The longer run is tests/long/test_documents.py."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from .conftest import SetUp
from .long.viewer import Viewer, examine
from simulator import Simulator


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_any_document_can_be_shown(
    hass: HomeAssistant, simulator: Simulator, entry: MockConfigEntry, set_up: SetUp
) -> None:
    """Nothing raises or logs an error, and what is not broken is shown as before."""
    await set_up(entry)
    viewer = Viewer(hass, simulator.vehicles[0], entry)
    await hass.async_add_executor_job(examine, viewer, hass.loop, 40)
    assert viewer.seen["broken documents"] >= 40
    assert viewer.seen["states kept"] > 40
