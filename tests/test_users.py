"""Users and onboarding: the client and the simulator."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from homeassistant.util import dt as dt_util

from custom_components.podero.api import (
    ONBOARDING_LANGUAGES,
    ClientCredentialsAuth,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    Onboarding,
    PasswordAuth,
    PoderoClient,
    PoderoError,
    PriceZone,
    Transport,
    UntrustedLinkError,
    User,
)
from simulator import Account, Simulator

PAGES = {"success_url": "http://ha.local/done", "cancel_url": "http://ha.local/no"}
WISHES: dict[str, Any] = {"language": "de", "price_zone": PriceZone.AT, **PAGES}

type MakeClient = Callable[[Account, str], PoderoClient]


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: the package does not import it."""


@pytest.fixture
def make_client(transport: Transport) -> MakeClient:
    """Return a function that creates a client of an account for a grant."""

    def make(account: Account, grant: str) -> PoderoClient:
        auth = (
            PasswordAuth(transport, account.username, account.password)
            if grant == "password"
            else ClientCredentialsAuth(
                transport, account.client_id, account.client_secret
            )
        )
        return PoderoClient(transport, auth, account.organization_id)

    return make


@pytest.fixture
def organization(simulator: Simulator, make_client: MakeClient) -> PoderoClient:
    """Return a client of the resident's organization."""
    return make_client(simulator.account, "client_credentials")


@pytest.fixture
def resident(simulator: Simulator, organization: PoderoClient) -> PoderoClient:
    """Return the organization's client for the resident."""
    return organization.with_user(simulator.account.user_id)


async def choose(
    session: aiohttp.ClientSession, onboarding: Onboarding, choice: str
) -> aiohttp.ClientResponse:
    """Choose on Podero's page, and return its redirect."""
    assert onboarding.authentication_url is not None
    async with session.get(onboarding.authentication_url) as page:
        assert f'value="{choice}"' in await page.text()
    async with session.post(
        onboarding.authentication_url, data={"choice": choice}, allow_redirects=False
    ) as response:
        await response.read()
        return response


async def test_users(organization: PoderoClient, simulator: Simulator) -> None:
    """An organization can list its users with the number of cars of each."""
    simulator.add_vehicle(owner=simulator.stranger)
    users = await organization.get_users()
    assert [(user.id, user.name, user.num_electric_vehicles) for user in users] == [
        (simulator.account.user_id, "Robin Resident (resident@example.com)", 2),
        (simulator.neighbor.user_id, "Noa Neighbor (neighbor@example.com)", 0),
    ]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, None),
        ({"email": "r@example.com"}, "r@example.com"),
        ({"last_name": "Resident"}, "Resident"),
        ({"first_name": "Robin", "email": "r@example.com"}, "Robin (r@example.com)"),
    ],
)
def test_names_of_users(values: dict[str, str], name: str | None) -> None:
    """The name of a user consists of the known values."""
    assert User.from_json(values).name == name


async def test_users_of_a_user(simulator: Simulator, make_client: MakeClient) -> None:
    """A user cannot list users."""
    with pytest.raises(ForbiddenError):
        await make_client(simulator.account, "password").get_users()


async def test_users_of_another_organization(
    simulator: Simulator, make_client: MakeClient
) -> None:
    """An organization cannot list another's users."""
    curious = replace(
        simulator.stranger, organization_id=simulator.account.organization_id
    )
    with pytest.raises(ForbiddenError):
        await make_client(curious, "client_credentials").get_users()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404}, NotFoundError),
        ({"body": b'{"items": []}'}, InvalidResponseError),
    ],
)
async def test_users_are_not_listed(
    organization: PoderoClient,
    simulator: Simulator,
    fault: dict[str, Any],
    error: type[PoderoError],
) -> None:
    """A service without the list differs from an empty list."""
    simulator.add_fault(kind="users", **fault)
    with pytest.raises(error):
        await organization.get_users()
    simulator.clear_faults()
    simulator.add_fault(kind="users", body=b'[null, [], {"id": 7}]')
    (user,) = await organization.get_users()
    assert user.id is None
    assert user.invalid == {"id"}


async def test_an_organization_has_no_vehicles(organization: PoderoClient) -> None:
    """A user's resources cannot be requested without a user."""
    with pytest.raises(NotFoundError):
        await organization.get_vehicles()


async def test_connect_a_car(
    resident: PoderoClient,
    session: aiohttp.ClientSession,
    simulator: Simulator,
) -> None:
    """A car that is connected on Podero's page belongs to the user."""
    onboarding = await resident.start_onboarding(**WISHES)
    assert simulator.requests[-1].json == {
        **PAGES,
        "language": "de",
        "price_zone_default": "AT",
        "user_id": simulator.account.user_id,
    }
    assert onboarding.id is not None
    assert onboarding.object_id is None
    assert onboarding.expiration_date is not None
    assert onboarding.expiration_date > dt_util.utcnow()
    assert (await resident.get_onboarding(onboarding.id)) == onboarding

    response = await choose(session, onboarding, "2")
    assert response.headers["Location"] == PAGES["success_url"]
    after = await resident.get_onboarding(onboarding.id)
    vehicles = await resident.get_vehicles()
    assert [vehicle.id for vehicle in vehicles][2:] == [after.object_id]
    model = vehicles[-1].device_model
    assert model is not None
    assert model.manufacturer == "Renault"


@pytest.mark.parametrize(
    ("choice", "address"),
    [
        ("heat-pump", PAGES["success_url"]),
        ("cancel", PAGES["cancel_url"]),
        ("close", None),
    ],
)
async def test_connect_no_car(
    resident: PoderoClient,
    session: aiohttp.ClientSession,
    choice: str,
    address: str | None,
) -> None:
    """An onboarding that is cancelled or connects another device adds no car."""
    onboarding = await resident.start_onboarding(**WISHES)
    response = await choose(session, onboarding, choice)
    assert response.headers.get("Location") == address
    assert len(await resident.get_vehicles()) == 2


async def test_onboarding_is_over(
    resident: PoderoClient, session: aiohttp.ClientSession, simulator: Simulator
) -> None:
    """The page expires after a day."""
    onboarding = await resident.start_onboarding(**WISHES)
    assert onboarding.authentication_url is not None
    (connection,) = simulator.connections.values()
    connection.expires_at -= timedelta(days=2)
    async with session.get(onboarding.authentication_url) as page:
        assert page.status == 404


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"language": "fr"}, InvalidRequestError),
        ({"price_zone": "FR"}, InvalidRequestError),
        ({"success_url": "homeassistant://done"}, InvalidRequestError),
    ],
)
async def test_onboarding_refused(
    resident: PoderoClient, wishes: dict[str, Any], error: type[PoderoError]
) -> None:
    """A service without onboarding refuses it."""
    with pytest.raises(error):
        await resident.start_onboarding(**WISHES | wishes)


async def test_onboarding_for_others(
    simulator: Simulator, make_client: MakeClient
) -> None:
    """A user cannot connect a device for another one."""
    client = make_client(simulator.account, "password")
    with pytest.raises(ForbiddenError):
        await client.with_user(simulator.neighbor.user_id).start_onboarding(**WISHES)
    with pytest.raises(NotFoundError):
        await client.with_user(
            simulator.connect_vehicle(simulator.account.user_id, 0).id
        ).start_onboarding(**WISHES)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 404}, NotFoundError),
        ({"body": b"[]"}, InvalidResponseError),
        ({"body": b"{}"}, UntrustedLinkError),
        ({"body": b'{"authentication_url": "javascript:a"}'}, UntrustedLinkError),
        ({"body": b'{"authentication_url": "/a"}'}, UntrustedLinkError),
    ],
)
async def test_onboarding_cannot_be_started(
    resident: PoderoClient,
    simulator: Simulator,
    fault: dict[str, Any],
    error: type[PoderoError],
) -> None:
    """Anything but a web page is refused as the address of the browser."""
    simulator.add_fault(kind="onboarding", **fault)
    with pytest.raises(error):
        await resident.start_onboarding(**WISHES)


@pytest.mark.parametrize(
    "onboarding_id", ["", "..", "a/b", "a?b", "0", "\N{MICRO SIGN}"]
)
async def test_unknown_onboarding(resident: PoderoClient, onboarding_id: str) -> None:
    """An invalid id is the id of no device."""
    with pytest.raises(NotFoundError):
        await resident.get_onboarding(onboarding_id)


async def test_connected_cars_survive_a_restart(tmp_path: Path) -> None:
    """A car that was connected is still there when the simulator starts again."""
    path = tmp_path / "state.json"
    simulator = Simulator(state_file=path)
    car = simulator.connect_vehicle(simulator.neighbor.user_id, 2)
    car.set_battery_level(33)
    simulator.save()
    again = Simulator(state_file=path)
    assert [(car.id, car.owner.first_name) for car in again.vehicles][2:] == [
        (car.id, "Noa")
    ]
    assert again.vehicles[2].document()["battery_level"] == 33


def test_languages() -> None:
    """The page speaks those languages that the guide names."""
    assert set(ONBOARDING_LANGUAGES) == {
        *("sv", "de", "en", "hu"),
        *("it", "et", "pl", "ro"),
    }
