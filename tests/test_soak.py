"""An hour of faults leaves nothing behind. The longer run is tests/long/test_soak.py."""

from dataclasses import replace

from homeassistant.core import HomeAssistant

from .long.soak import grown, soak


async def test_nothing_grows(hass: HomeAssistant, socket_enabled: None) -> None:
    """Memory, tasks, timers, listeners, sockets and the log are as large as before."""
    days = await soak(hass, days=2, seed=3, minutes=60)
    assert all(day.polls > 60 and day.faults for day in days)
    assert not grown(days)
    # And it would be noticed.
    for name, count in vars(days[0]).items():
        much = replace(days[1], **{name: count * 3 + 99})
        assert grown([days[0], much]) == [name] * (name not in {"polls", "faults"})
