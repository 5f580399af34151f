"""A week of faults: nothing grows from its first day to its last."""

from collections.abc import Callable

import pytest

from homeassistant.core import HomeAssistant

from .soak import as_table, grown, soak


async def test_nothing_grows(
    hass: HomeAssistant,
    socket_enabled: None,
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """Memory, tasks, timers, listeners, sockets and the log are as large as before."""
    days = await soak(hass, pytestconfig.getoption("days") or 7, seed)
    record_property("days", as_table(days))
    assert not grown(days)
