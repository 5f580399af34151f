"""The contenders of the benchmark: the integration and its alternatives."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.setup import async_setup_component

from . import plain, restful
from .shown import DEFAULT, EVERY_FIELD, Shown
from custom_components.podero.const import DOMAIN, SUBENTRY_VEHICLE

FLOOR: Final = "the floor"
PODERO: Final = "Podero"
PLAIN: Final = "plain coordinator"
RESTFUL: Final = "RESTful"
RESTFUL_DEFAULT: Final = "RESTful, default entities"

_RESTFUL_SHOWS: Final = {RESTFUL: EVERY_FIELD, RESTFUL_DEFAULT: DEFAULT}
_USER_ID: Final = "6f1d7c58-6b6e-4f6d-9a53-2f4a1c0e9b11"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to poll all vehicles."""

    name: str
    poll: Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Bench:
    """The Home Assistant core, the server and the polled vehicles."""

    hass: HomeAssistant
    server: str
    vehicles: Sequence[str]

    def organization(self, name: str) -> str:
        """Return the organization of a contender, so that each gets all readings in turn."""
        number = (FLOOR, PODERO, PLAIN, RESTFUL, RESTFUL_DEFAULT).index(name)
        return f"00000000-0000-4000-8000-{number:012}"

    def urls(self, name: str) -> dict[str, str]:
        """Return the URL of each vehicle for a contender."""
        base = (
            f"{self.server}/api/partners/v2.0/org/{self.organization(name)}"
            f"/users/{_USER_ID}/electric-vehicles"
        )
        return {vehicle_id: f"{base}/{vehicle_id}" for vehicle_id in self.vehicles}


def floor(bench: Bench) -> Contender:
    """Return a contender that only sends the request and decodes the answer."""
    session = async_get_clientsession(bench.hass)

    async def read(url: str) -> None:
        async with session.get(
            url, headers={"Authorization": "Bearer token"}
        ) as answer:
            orjson.loads(await answer.read())

    return _contender(FLOOR, [partial(read, url) for url in bench.urls(FLOOR).values()])


async def podero(bench: Bench) -> Contender:
    """Set up the integration."""
    organization_id = bench.organization(PODERO)
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=f"{organization_id}_{_USER_ID}",
        data={
            "base_url": bench.server,
            "grant": "password",
            "username": "resident@example.com",
            "password": "password",
            "organization_id": organization_id,
            "user_id": _USER_ID,
        },
        subentries_data=_subentries(bench.vehicles),
    )
    await _set_up(bench.hass, entry)
    return _polling(PODERO, entry.runtime_data.coordinators.values())


async def plain_coordinator(
    bench: Bench, shown: Sequence[Shown] = EVERY_FIELD
) -> Contender:
    """Set up a coordinator per vehicle whose entities write at every poll."""
    plain.install(bench.hass, bench.urls(PLAIN), shown)
    entry = MockConfigEntry(
        domain=plain.DOMAIN, subentries_data=_subentries(bench.vehicles)
    )
    await _set_up(bench.hass, entry)
    return _polling(PLAIN, entry.runtime_data.values())


async def restful_integration(bench: Bench, name: str) -> Contender:
    """Set up Home Assistant's RESTful integration, with the entities of that contender."""
    config = [
        restful.resource(name, vehicle_id, url, _RESTFUL_SHOWS[name])
        for vehicle_id, url in bench.urls(name).items()
    ]
    assert await async_setup_component(bench.hass, "rest", {"rest": config})
    await bench.hass.async_block_till_done()
    return _polling(name, bench.hass.data["rest"]["coordinator"])


def _polling(
    name: str, coordinators: Iterable[DataUpdateCoordinator[Any]]
) -> Contender:
    # Like a scheduled poll: our override also starts a task, for cancelled callers.
    refresh = DataUpdateCoordinator.async_refresh
    return _contender(
        name, [partial(refresh, coordinator) for coordinator in coordinators]
    )


def _contender(
    name: str, reads: Sequence[Callable[[], Coroutine[Any, Any, None]]]
) -> Contender:
    async def read_all() -> None:
        await asyncio.gather(*(read() for read in reads))

    return Contender(name, reads[0] if len(reads) == 1 else read_all)


def _subentries(vehicles: Sequence[str]) -> list[ConfigSubentryDataWithId]:
    return [
        ConfigSubentryDataWithId(
            data={},
            subentry_id=vehicle_id,
            subentry_type=SUBENTRY_VEHICLE,
            title=f"Car {number}",
            unique_id=vehicle_id,
        )
        for number, vehicle_id in enumerate(vehicles, 1)
    ]


async def _set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
