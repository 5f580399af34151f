"""Show random documents. The longer run is tests/long/test_documents.py."""

import pytest

from .home import Home
from .long.viewer import Viewer, examine


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_any_document_can_be_shown(home: Home) -> None:
    """Nothing raises or logs an error, and what is not broken is shown as before."""
    await home.set_up()
    viewer = Viewer(home.hass, home.car, home.entry)
    await home.hass.async_add_executor_job(examine, viewer, home.hass.loop, 40)
    assert viewer.seen["broken documents"] >= 40
    assert viewer.seen["states kept"] > 40
