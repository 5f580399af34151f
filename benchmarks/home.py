"""A Home Assistant core to measure in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from aiohttp.resolver import AsyncResolver
from aiohttp.test_utils import unused_port
from pytest_homeassistant_custom_component.common import async_test_home_assistant

from homeassistant.components import recorder
from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component


@asynccontextmanager
async def run_home(*, with_recorder: bool = False) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant core that finds this repository's integration."""
    resolver = AsyncResolver()
    with (
        TemporaryDirectory() as folder,
        # Home Assistant's own resolver sends multicast queries to the network.
        patch(
            "homeassistant.helpers.aiohttp_client._async_make_resolver",
            return_value=resolver,
        ),
    ):
        resolver.real_close = resolver.close  # type: ignore[attr-defined]
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            # The default port may be in use.
            http = {"server_host": ["127.0.0.1"], "server_port": unused_port()}
            assert await async_setup_component(hass, "http", {"http": http})
            if with_recorder:
                await _start_recorder(hass, Path(folder) / "home-assistant_v2.db")
            try:
                yield hass
            finally:
                await hass.async_stop(force=True)


async def commit(hass: HomeAssistant) -> None:
    """Make the recorder commit its queue, and wait for it.

    `async_block_till_done` may return while the last event is still being written.
    """
    written = hass.loop.create_future()
    recorder.get_instance(hass).queue_task(SynchronizeTask(written))
    await written


async def _start_recorder(hass: HomeAssistant, database: Path) -> None:
    """Set the recorder up with its defaults and a database file."""
    async_initialize_recorder(hass)
    config = {recorder.DOMAIN: {recorder.CONF_DB_URL: f"sqlite:///{database}"}}
    assert await async_setup_component(hass, recorder.DOMAIN, config)
    await hass.async_block_till_done()
    await commit(hass)
