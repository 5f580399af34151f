"""Show thousands of random documents."""

from collections.abc import Callable

import pytest

from ..home import Home
from .viewer import Viewer, examine


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_any_document_can_be_shown(
    home: Home,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """Nothing raises or logs an error, and what is not broken is shown as before."""
    await home.set_up()
    pairs = pytestconfig.getoption("documents") // 2
    viewer = Viewer(home.hass, home.car, home.entry)
    await home.hass.async_add_executor_job(examine, viewer, home.hass.loop, pairs)
    record_property("documents", dict(viewer.seen))
    assert viewer.seen["broken documents"] >= pairs
