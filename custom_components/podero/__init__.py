"""Podero: electric cars on the smart-charging cloud."""

import asyncio

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, LOGGER, PLATFORMS, SUBENTRY_VEHICLE
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .dashboard import async_offer_strategy
from .helpers import async_create_client
from .http import async_setup_return
from .issues import async_forget_issues, async_track_issues
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all accounts share."""
    async_setup_services(hass)
    async_setup_return(hass)
    await async_offer_strategy(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> bool:
    """Set up an account with its vehicles.

    A vehicle that fails does not take the others down: only where none can be
    reached is the account tried again as a whole.
    """
    # First of all: a vehicle may be added while the others are read.
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    client = async_create_client(hass, entry.data)
    entry.async_on_unload(client.close)
    entry.runtime_data = {
        subentry.subentry_id: PoderoCoordinator(hass, entry, subentry, client)
        for subentry in entry.get_subentries_of_type(SUBENTRY_VEHICLE)
    }
    coordinators = entry.runtime_data.values()

    async def stop(_: Event) -> None:
        """Let nobody wait any longer, as Home Assistant would for them."""
        for coordinator in coordinators:
            await coordinator.async_shutdown()

    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))
    failures = await asyncio.gather(
        *(
            coordinator.async_config_entry_first_refresh()
            for coordinator in coordinators
        ),
        return_exceptions=True,
    )
    is_any_reached = None in failures or any(
        coordinator.is_missing for coordinator in coordinators
    )
    failed = [failure for failure in failures if failure is not None]
    for unexpected in failed:
        if not isinstance(unexpected, ConfigEntryAuthFailed | ConfigEntryNotReady):
            raise unexpected
    if coordinators and not is_any_reached:
        # One that was not refused may be reached the next time.
        raise min(failed, key=_is_refusal)
    if any(map(_is_refusal, failed)):
        entry.async_start_reauth(hass)
    for coordinator, failure in zip(coordinators, failures, strict=True):
        if failure is not None:
            LOGGER.warning("Error fetching %s data: %s", coordinator.name, failure)

    async_forget_issues(hass)
    for coordinator in coordinators:
        async_track_issues(hass, coordinator)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


def _is_refusal(failure: BaseException) -> bool:
    """Tell whether a vehicle could not be read with these credentials."""
    return isinstance(failure, ConfigEntryAuthFailed)


async def async_unload_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> bool:
    """Unload an account."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Forget an account."""
    async_forget_issues(hass)


async def _async_reload(hass: HomeAssistant, entry: PoderoConfigEntry) -> None:
    """Set up again what was changed, vehicles added or removed included."""
    await hass.config_entries.async_reload(entry.entry_id)
