"""Any document, shown by a Home Assistant. The longer run is benchmarks/documents.py."""

import logging

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from benchmarks.documents import Viewer, examine
from homeassistant.core import HomeAssistant

from .conftest import SetUp
from simulator import Simulator


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_any_document_can_be_shown(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is raised or complained of, and what is not broken is shown as before."""
    await set_up(entry)
    caplog.set_level(logging.ERROR, "custom_components.podero")
    viewer = Viewer(hass, simulator.vehicles[0], entry)
    await hass.async_add_executor_job(examine, viewer, hass.loop, 40)
    assert viewer.seen["broken documents"] >= 40
    assert viewer.seen["states kept"] > 40
