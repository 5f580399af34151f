"""What is learned of the service says how it answers, and nothing about anybody."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from email.utils import format_datetime
import json
from typing import Any

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.util import dt as dt_util

from custom_components.podero.api import (
    ClientCredentialsAuth,
    NotFoundError,
    Observations,
    PoderoClient,
    PoderoError,
    Transport,
)
from custom_components.podero.api.observations import (
    LATER_DOCUMENTS,
    MAX_ANSWERS,
    MAX_ITEMS,
    MAX_KEYS,
    MAX_WORDS,
    is_word,
)
from simulator import Server, Simulator

USERS = "/api/partners/v2.0/org/{id}/users"
VEHICLES = f"{USERS}/{{id}}/electric-vehicles"


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Do without Home Assistant: the package knows nothing of it."""


@pytest.fixture
def observations() -> Observations:
    """Know nothing yet."""
    return Observations()


@pytest.fixture
async def client(
    server: Server, observations: Observations
) -> AsyncGenerator[PoderoClient]:
    """Call for the resident, in the name of the organization."""
    account = server.simulator.account
    async with aiohttp.ClientSession() as session:
        transport = Transport(session, server.url, observations)
        auth = ClientCredentialsAuth(
            transport, account.client_id, account.client_secret
        )
        yield PoderoClient(transport, auth, account.organization_id, account.user_id)


def answers(observations: Observations, endpoint: str) -> dict[str, Any]:
    """Return what was noted of an endpoint, by status."""
    found: dict[str, Any] = observations.as_json()["endpoints"][endpoint]
    return found


async def test_what_is_noted(
    client: PoderoClient, observations: Observations, simulator: Simulator
) -> None:
    """Which endpoints there are, how they answered, and what an answer consists of."""
    car = simulator.vehicles[0]
    car.override(lifecycle_state="half-asleep", news={"a": 1})
    car.raise_unknown_action("water_the_flowers")
    simulator.add_fault(
        kind="vehicle", headers={"X-RateLimit-Remaining": "7", "ETag": "robin"}, count=1
    )
    for _ in range(2):
        await client.get_vehicle(car.id)
    await client.get_users()
    with pytest.raises(NotFoundError):
        await client.get_vehicle("00000000-1111-4222-8333-444444444444")

    noted = observations.as_json()
    assert noted["endpoints"].keys() == {
        "POST /oauth2/token/",
        f"GET {USERS}",
        f"GET {VEHICLES}/{{id}}",
    }
    token = noted["endpoints"]["POST /oauth2/token/"]["200"]
    assert token["keys"] == {
        "access_token": ["string"],
        "expires_in": ["number"],
        "scope": ["string"],
        "token_type": ["string"],
    }
    vehicle = noted["endpoints"][f"GET {VEHICLES}/{{id}}"]
    assert vehicle.keys() == {"200", "404"}
    assert vehicle["200"]["times"] == 2
    assert vehicle["200"]["headers"] == ["etag", "x-ratelimit-remaining"]
    keys = vehicle["200"]["keys"]
    assert keys["battery_capacity_kwh"] == ["string"]
    assert keys["deleted_at"] == ["null"]
    assert keys["device_model.device_type.short_name"] == ["string"]
    assert keys["actions.resolution_link.url"] == ["string"]
    assert keys["news"] == ["object"]
    assert not any(key.startswith("news.") for key in keys)
    assert vehicle["404"]["keys"] == {"detail": ["string"]}
    assert "half-asleep" in noted["words"]["lifecycle_state"]
    assert noted["words"]["code"] == ["water_the_flowers"]
    assert noted["words"]["role"] == ["user"]
    assert abs(noted["clock_difference"]) <= 2

    shown = json.dumps(noted)
    account = simulator.account
    for personal in (
        *(account.username, account.first_name, account.last_name),
        *(account.organization_id, account.user_id, account.client_id, car.id),
        *("robin", "access-", account.client_secret),
    ):
        assert personal not in shown


async def test_errors(
    client: PoderoClient, observations: Observations, simulator: Simulator
) -> None:
    """What an error's body consists of is noted once, and one that is none does not matter."""
    for status, body in (
        (422, b'{"detail": [{"type": "missing", "loc": ["a"], "msg": "Robin"}]}'),
        (503, b"<html>"),
        (503, b'{"code": "maintenance"}'),
        (429, b'{"error": "throttled", "error_description": "Ask Robin."}'),
    ):
        simulator.add_fault(kind="vehicles", status=status, body=body, count=1)
        with pytest.raises(PoderoError):
            await client.get_vehicles()
    noted = answers(observations, f"GET {VEHICLES}")
    assert noted["422"]["keys"]["detail.type"] == ["string"]
    assert noted["429"]["keys"].keys() == {"error", "error_description"}
    assert noted["503"]["times"] == 2
    assert noted["503"]["keys"] == {"code": ["string"]}
    words = observations.as_json()["words"]
    assert words["type"] == ["missing"]
    assert words.keys() == {"type", "token_type"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("charging", True),
        ("not_at_home", True),
        ("DE_LU", True),
        ("X-RateLimit-Limit", True),
        ("ev2", True),
        ("", False),
        ("Robin Resident", False),
        ("robin@example.com", False),
        ("https://podero.example/a", False),
        ("c0a8012e-7b1d-4c55-9f0e-5d3f8a6b1c01", False),
        ("access-c49c06291342516de5452c7626f61b64fe5dd755", False),
        ("0123456789", False),
        ("+43123456", False),
        ("a" * 25, False),
        ("_a", False),
        ("a__b", False),
        ("W\N{LATIN SMALL LETTER A WITH DIAERESIS}rme", False),
    ],
)
def test_words(text: str, is_one: bool) -> None:
    """A word of the service is told from whatever may be personal."""
    assert is_word(text) is is_one


def test_it_is_bounded() -> None:
    """Whatever a service answers, little is kept."""
    observations = Observations()
    for number in range(2 * MAX_ANSWERS):
        observations.note("GET", "/api/partners", 200 + number, {})
    assert len(observations.as_json()["endpoints"]["GET /api/partners"]) == MAX_ANSWERS

    observations = Observations()
    answer = observations.note("GET", "/a-secret/api", 200, {})
    letters = [f"{a}{b}{c}" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh"]
    answer.note([{"role": letter, letter: 1} for letter in letters])
    answer.note(dict.fromkeys(letters, 1))
    noted = observations.as_json()
    assert list(noted["endpoints"]) == ["GET /{id}/api"]
    assert len(noted["endpoints"]["GET /{id}/api"]["200"]["keys"]) == MAX_KEYS
    assert len(noted["words"]["role"]) == min(MAX_ITEMS, MAX_WORDS)
    for letter in letters:
        answer.note({"role": letter})
    assert len(observations.as_json()["words"]["role"]) == MAX_WORDS


def test_keys_are_noted_now_and_then() -> None:
    """Words are looked for in each answer, keys only in some of them."""
    observations = Observations()
    answer = observations.note("GET", "/api", 200, {})
    for _ in range(LATER_DOCUMENTS - 1):
        answer.note({"role": "old"})
    answer.note({"role": "new", "late": None})
    noted = observations.as_json()
    assert noted["words"]["role"] == ["new", "old"]
    assert noted["endpoints"]["GET /api"]["200"]["keys"] == {
        "late": ["null"],
        "role": ["string"],
    }


@pytest.mark.parametrize(
    "document",
    [None, 7, "Robin", [], [[[{"role": 7}]]], {"role": ["a b", None, {"x": "Robin"}]}],
)
def test_any_document(document: object) -> None:
    """Whatever a body is, nothing goes wrong, and nothing personal is kept."""
    observations = Observations()
    observations.note("GET", "/api", 200, {}).note(document)
    assert "Robin" not in json.dumps(observations.as_json())


@pytest.mark.parametrize(
    ("ahead", "expected"), [(timedelta(hours=2), 7200), (timedelta(minutes=-5), -300)]
)
def test_clocks(
    freezer: FrozenDateTimeFactory, ahead: timedelta, expected: int
) -> None:
    """The difference of the clocks is known to the second."""
    observations = Observations()
    assert observations.as_json()["clock_difference"] is None
    freezer.move_to("2026-11-02T12:00:00Z")
    date = format_datetime(dt_util.utcnow() + ahead)
    observations.note("GET", "/api", 200, {"Date": date})
    freezer.tick(3600)
    assert observations.as_json()["clock_difference"] == expected
    observations.note("GET", "/api", 200, {"Date": "yesterday"})
    assert observations.as_json()["clock_difference"] is None
