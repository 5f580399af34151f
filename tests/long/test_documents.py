"""Show thousands of random documents."""

from collections.abc import Callable

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from ..conftest import SetUp
from .viewer import Viewer, examine
from simulator import Simulator


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_any_document_can_be_shown(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """Nothing raises or logs an error, and what is not broken is shown as before."""
    await set_up(entry)
    pairs = pytestconfig.getoption("documents") // 2
    viewer = Viewer(hass, simulator.vehicles[0], entry)
    await hass.async_add_executor_job(examine, viewer, hass.loop, pairs)
    record_property("documents", dict(viewer.seen))
    assert viewer.seen["broken documents"] >= pairs
