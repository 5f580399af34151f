"""Days of two cars' lives: every true change is told once, whatever goes wrong meanwhile."""

from collections import Counter
from random import Random
from typing import Any

from aiohttp import ClientTimeout
import pytest

from benchmarks.events.cloud import Cloud
from benchmarks.events.mishaps import MINUTES_A_DAY
from benchmarks.events.truth import Run
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component

from .conftest import Refresh, SetUp, account_entry
from .test_trigger import TRIGGERS, device_of

DAYS = 4


async def test_days(
    hass: HomeAssistant,
    socket_enabled: None,
    set_up: SetUp,
    refresh: Refresh,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Outages, slow answers, unknown values, hands laid on the cars, and restarts."""
    monkeypatch.setattr("custom_components.podero.coordinator.BLIP_DELAY", 0)
    monkeypatch.setattr(
        "custom_components.podero.api.transport.REQUEST_TIMEOUT", ClientTimeout(0.1)
    )
    random = Random(1)  # noqa: S311 - nothing is kept secret with it
    counts: Counter[str] = Counter()
    runs: dict[str, Run] = {}

    def read(car_id: str, document: dict[str, Any], at: float) -> None:
        runs.setdefault(car_id, Run()).read(document, at)

    async with Cloud(1, read, minutes_per_reading=5) as cloud:
        cars = {car.id: car for car in cloud.simulator.vehicles}
        entry = account_entry(cloud.server, 0, 1)
        await set_up(entry)
        devices = {device_of(hass, entry, car).id: car for car in cars.values()}

        @callback
        def fire(event: Event) -> None:
            runs[devices[event.data["device"]].id].fired.append(event.data["event"])

        hass.bus.async_listen("test_fired", fire)
        automation = {
            "triggers": [
                {"trigger": f"podero.{name}", "target": {"device_id": [*devices]}}
                for name in TRIGGERS
            ],
            "actions": {
                "event": "test_fired",
                "event_data": {
                    "event": "{{ trigger.event }}",
                    "device": "{{ trigger.device_id }}",
                },
            },
            "mode": "parallel",
        }
        assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
        await hass.async_block_till_done()
        cloud.is_running = True
        while cloud.minutes < DAYS * MINUTES_A_DAY:
            await refresh(entry)
            if random.random() < 1 / 60:
                counts["restarts"] += 1
                await hass.config_entries.async_unload(entry.entry_id)
                for run in runs.values():
                    counts += run.tally(float("inf"))
                runs.clear()
                cloud.live(random.randint(1, 60))
                cloud.simulator.clear_faults()
                await hass.config_entries.async_setup(entry.entry_id)
        for run in runs.values():
            counts += run.tally(float("inf"))

    assert not counts["missed"]
    assert not counts["false"]
    assert counts["fired"] == counts["changes"] > 20
    assert counts["restarts"] > 5
