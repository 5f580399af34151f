"""Two hours of faults at random. The longer run is benchmarks/soak.py."""

from dataclasses import replace

import pytest

from benchmarks.soak import grown, soak


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Do without the Home Assistant of the other tests: this one brings its own."""


@pytest.mark.usefixtures("socket_enabled")
async def test_nothing_grows() -> None:
    """Memory, tasks, timers, listeners, sockets and the log are as large as before."""
    days = await soak(days=2, seed=3, minutes=60)
    assert all(day.polls > 60 and day.faults for day in days)
    assert not grown(days)
    # And it would be noticed.
    for name, count in vars(days[0]).items():
        much = replace(days[1], **{name: count * 3 + 99})
        assert grown([days[0], much]) == [name] * (name not in {"polls", "faults"})
