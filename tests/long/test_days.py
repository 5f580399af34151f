"""Weeks of two cars' lives within one process: each change is told once."""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from aiohttp import ClientTimeout
import pytest

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..home import Home, account_entry
from .cloud import Cloud
from .downtime import Downtime
from .mishaps import MINUTES_A_DAY
from .truth import EVENTS, MISSED, Watch


async def test_days(
    hass: HomeAssistant,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    """Through outages, slow answers, unknown values, and hours without the account."""
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)
    monkeypatch.setattr(
        "custom_components.podero.api.transport.REQUEST_TIMEOUT", ClientTimeout(0.4)
    )
    days = pytestconfig.getoption("days") or 30
    random = Random(seed)
    counts: Counter[str] = Counter()
    wrong = []

    def read(car_id: str, document: Mapping[str, Any], at: float) -> None:
        watches[car_id].readings.append((at, document))

    cloud = Cloud(seed, read, minutes_per_reading=5)
    watches = {car_id: Watch() for car_id in cloud.car_ids}
    monkeypatch.setattr(dt_util, "utcnow", cloud.now)

    def close(*, is_too_long: bool = False) -> None:
        for watch in watches.values():
            comparison = watch.close(float("inf"), is_too_long=is_too_long)
            counts.update(comparison.counts)
            if comparison.errors:
                wrong.append(comparison)

    async with cloud.server:
        home = Home(hass, cloud.server, account_entry(cloud.server, 0, 1))
        await home.set_up()
        watch_of = {
            device.id: watches[car_id]
            for device in home.devices()
            for _, car_id in device.identifiers
        }

        @callback
        def fire(event: Event) -> None:
            watch_of[event.data["device"]].fired.append(event.data["event"])

        hass.bus.async_listen("test_fired", fire)
        await home.automate(
            triggers=[
                {"trigger": f"podero.{name}", "target": {"device_id": [*watch_of]}}
                for name in EVENTS
            ],
            actions={
                "event": "test_fired",
                "event_data": {
                    "event": "{{ trigger.event }}"
                    f"{{{{ '{MISSED}' if trigger.missed else '' }}}}",
                    "device": "{{ trigger.device_id }}",
                },
            },
            mode="parallel",
        )
        cloud.run()
        while cloud.minutes < days * MINUTES_A_DAY:
            await home.refresh()
            if random.random() < 1 / 60:
                downtime = Downtime.choose(random)
                await home.unload()
                close(is_too_long=downtime.is_too_long)
                cloud.live(downtime.minutes)
                cloud.simulator.clear_faults()
                cloud.stop()
                await hass.config_entries.async_setup(home.entry.entry_id)
                while home.entry.state is not ConfigEntryState.LOADED:
                    await hass.config_entries.async_reload(home.entry.entry_id)
                cloud.run()
                counts["downtimes"] += 1
        close()

    record_property("events", dict(counts))
    assert not wrong
    assert counts["fired"] == counts["events"] > 4 * days
    assert counts["told afterwards"]
    assert counts["downtimes"] > days
