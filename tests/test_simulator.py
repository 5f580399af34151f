"""Hold the simulator to what is known of the API."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
import json
import math
from pathlib import Path
import signal
import sys
from typing import Any

from aiohttp import ClientError, ClientPayloadError, ClientSession
from jsonschema import Draft202012Validator, FormatChecker
import pytest

from simulator import ABSENT, Account, Car, Fault, Server, Simulator
from simulator.__main__ import main
from simulator.state import load

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "simulator/vehicle.schema.json").read_text())
PROPERTIES = SCHEMA["$defs"]["ElectricVehicleDetailOutput"]["properties"]
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
MONDAY_NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TOKEN_URL = "/api/partners/v2.0/auth/token"
GUIDE_TOKEN_URL = "/oauth2/token/"
PAGES = {
    "successUrl": "http://ha.local/done",
    "cancelUrl": "http://ha.local/no",
    "language": "de",
}


class Time:
    """Be a clock that only moves when told."""

    def __init__(self) -> None:
        self.now = MONDAY_NOON

    def __call__(self) -> datetime:
        return self.now


class Client:
    """Ask a simulator, as the resident unless told otherwise."""

    def __init__(self, server: Server, session: ClientSession) -> None:
        self.server = server
        self.simulator = server.simulator
        self.session = session
        self.token = ""

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
        """Return status, JSON (None if there is none) and headers."""
        headers = options.pop("headers", {})
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(
            method,
            self.server.url + path,
            headers=headers,
            allow_redirects=False,
            **options,
        ) as response:
            body = await response.read()
            is_json = response.content_type == "application/json"
            return (
                response.status,
                json.loads(body) if body and is_json else None,
                response.headers,
            )

    async def sign_in(self, account: Account | None = None) -> None:
        """Get a token by password."""
        account = account or self.simulator.account
        _, token, _ = await self.ask("POST", TOKEN_URL, json=password_grant(account))
        self.token = token["access_token"]

    async def sign_in_as_client(self) -> None:
        """Get a token by client credentials."""
        account = self.simulator.account
        self.token = ""
        _, token, _ = await self.ask("POST", TOKEN_URL, json=client_grant(account))
        self.token = token["access_token"]


def password_grant(account: Account) -> dict[str, str]:
    return {
        "grant_type": "password",
        "username": account.username,
        "password": account.password,
    }


def client_grant(account: Account) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }


def basic_header(account: Account) -> dict[str, str]:
    client = f"{account.client_id}:{account.client_secret}"
    return {"Authorization": f"Basic {b64encode(client.encode()).decode()}"}


def vehicles_path(account: Account) -> str:
    return (
        f"/api/partners/v2.0/org/{account.organization_id}"
        f"/users/{account.user_id}/electric-vehicles"
    )


def vehicle_path(car: Car) -> str:
    return f"{vehicles_path(car.owner)}/{car.id}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server(time: Time, socket_enabled: None) -> AsyncIterator[Server]:
    async with Server(Simulator(now=time)) as server:
        yield server


@pytest.fixture
async def anonymous(server: Server) -> AsyncIterator[Client]:
    async with ClientSession() as session:
        yield Client(server, session)


@pytest.fixture
async def client(anonymous: Client) -> Client:
    await anonymous.sign_in()
    return anonymous


@pytest.fixture
def car(simulator: Simulator) -> Car:
    return simulator.vehicles[0]


# The documents, and the lives behind them


def test_documents_hold_every_property(time: Time) -> None:
    first, second = (car.document() for car in Simulator(now=time).vehicles)
    assert first.keys() == second.keys() == PROPERTIES.keys()
    assert first["battery_capacity_kwh"] == "77.0"
    assert second["battery_capacity_kwh"] == 64.8
    assert first["device_model"]["year"] == 2023
    assert second["device_model"]["year"] is None


def test_schema_would_notice(time: Time) -> None:
    car = Simulator(now=time).vehicles[0]
    assert VALIDATOR.is_valid(car.document())
    for wrong in (
        {"battery_level": "62"},
        {"boost_state": "soon"},
        {"updated_at": ABSENT},
        {"id": "no-uuid"},
    ):
        car.override(**wrong)
        assert not VALIDATOR.is_valid(car.document()), wrong
        car.clear_overrides()


def test_a_week_agrees_with_itself_and_the_schema(time: Time) -> None:
    simulator = Simulator(now=time)
    phases: set[tuple[str, str]] = set()
    for _ in range(7 * 24):
        simulator.advance(timedelta(hours=1))
        for car in simulator.vehicles:
            document = car.document()
            VALIDATOR.validate(document)
            phases.add((car.id, check_agreement(car, document, simulator.clock.now())))
    for car in simulator.vehicles:
        own = {phase for car_id, phase in phases if car_id == car.id}
        assert own >= {"away", "plugged in", "charging", "full"}
    assert (simulator.vehicles[1].id, "unplugged") in phases, (
        "it does not always plug in"
    )


def check_agreement(car: Car, document: dict[str, Any], now: datetime) -> str:
    """Check that all that a document says can be true at once, and name the phase."""
    level, capacity = document["battery_level"], float(document["battery_capacity_kwh"])
    limit = document["charge_target_max"] or 100
    power, remaining = document["charge_rate_w"], document["charge_time_remaining"]
    assert 0 < level <= limit
    assert document["driving_range"] == int(
        level / 100 * capacity / car.model.kwh_per_km
    )
    assert document["is_fully_charged"] == (level == limit)
    if document["is_charging"]:
        assert document["is_plugged_in"]
        assert power == document["expected_max_charge_power"]
        # The level is whole percents: the remaining time knows better, but by no more than one.
        assert remaining * power / 3.6e6 == pytest.approx(
            (limit - level) / 100 * capacity, abs=capacity / 100
        )
    else:
        assert (power, remaining) == (0, 0)
    is_home = (document["latitude"], document["longitude"]) == car.world.home
    assert is_home or not document["is_plugged_in"]
    assert (document["battery_at_plug_in"] is not None) == document["is_plugged_in"]
    if document["is_plugged_in"]:
        assert document["battery_at_plug_in"] <= level
    assert (
        float(document["consumption_last_day_kwh"])
        <= float(document["consumption_last_week_kwh"])
        <= float(document["consumption_last_month_kwh"])
    )
    reported, monitored, updated = (
        moment(document[name])
        for name in (
            "current_state_last_updated_at",
            "last_monitoring_executed_at",
            "updated_at",
        )
    )
    assert now - timedelta(minutes=16) <= reported <= monitored <= updated <= now
    assert document["coordinates_last_updated_at"] == iso_of(reported)
    assert document["charge_state_last_updated_at"] == iso_of(reported)
    if not is_home:
        return "away"
    if document["is_charging"]:
        return "charging"
    if not document["is_plugged_in"]:
        return "unplugged"
    return "full" if document["is_fully_charged"] else "plugged in"


def iso_of(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_cars_charge_at_night_and_drive_by_day(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[0]
    charging_hours, away_hours = set(), set()
    for _ in range(4 * 24 * 4):
        simulator.advance(timedelta(minutes=15))
        document = car.document()
        hour = simulator.clock.now().astimezone(simulator.zone).hour
        if document["is_charging"]:
            charging_hours.add(hour)
        if document["latitude"] != car.world.home[0]:
            away_hours.add(hour)
    assert charging_hours <= {22, 23, 0, 1, 2, 3, 4, 5}
    assert charging_hours
    assert {8, 12, 16} <= away_hours
    assert not away_hours & {0, 1, 2, 3, 4, 5, 22, 23}


def test_maker_reports_every_5_to_15_minutes(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[0]
    reports, monitored = set(), set()
    for _ in range(12 * 60):
        simulator.advance(timedelta(minutes=1))
        document = car.document()
        reports.add(moment(document["current_state_last_updated_at"]))
        monitored.add(document["last_monitoring_executed_at"])
    ordered = sorted(reports)
    waits = [later - sooner for sooner, later in pairwise(ordered)]
    assert min(waits) >= timedelta(minutes=5)
    assert max(waits) <= timedelta(minutes=15, seconds=15)
    assert len(monitored) > 600


def test_driving_is_continuous_both_ways_and_costs_energy(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[0]
    latitudes, levels = [], []
    car.drive()
    for _ in range(30):
        simulator.advance(timedelta(minutes=5))
        document = car.document()
        latitudes.append(document["latitude"])
        levels.append(document["battery_level"])
    # 14.5 km to the north are 0.13 degrees, for which it takes half an hour.
    assert max(latitudes) - car.world.home[0] == pytest.approx(0.13, abs=0.01)
    assert latitudes[-1] == car.world.home[0]
    steps = [abs(later - sooner) for sooner, later in pairwise(latitudes)]
    assert max(steps) < 0.1, "a report a quarter of an hour later is halfway at most"
    there = levels[latitudes.index(max(latitudes))]
    assert levels[0] > there > levels[-1]


def test_consumption_is_what_was_charged(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[0]
    while not car.document()["is_charging"]:
        simulator.advance(timedelta(hours=1))
    session = car.current_session
    assert session is not None
    simulator.advance(timedelta(hours=6))
    assert session.energy_kwh > 1
    day = float(car.document()["consumption_last_day_kwh"])
    assert day == pytest.approx(session.energy_kwh, abs=0.01)


def test_same_seed_same_life_however_often_watched(time: Time) -> None:
    watched, unwatched, other = (
        Simulator(now=time, seed=3),
        Simulator(now=time, seed=3),
        Simulator(now=time, seed=4),
    )
    for _ in range(100):
        watched.advance(timedelta(minutes=30))
    unwatched.advance(timedelta(minutes=30) * 100)
    other.advance(timedelta(minutes=30) * 100)
    documents = [
        [car.document() for car in each.vehicles]
        for each in (watched, unwatched, other)
    ]
    assert documents[0] == documents[1]
    assert documents[0] != documents[2]


def test_speed_0_stands_still(time: Time) -> None:
    car = Simulator(now=time).vehicles[0]
    before = car.document()
    time.now += timedelta(hours=20)
    assert car.document() == before
    car.unplug()
    assert moment(car.document()["current_state_last_updated_at"]) == time.now


def test_time_runs_faster(time: Time) -> None:
    simulator = Simulator(now=time, speed=60)
    time.now += timedelta(minutes=12)
    assert simulator.clock.now() == MONDAY_NOON + timedelta(hours=12)
    car = simulator.vehicles[0]
    assert car.document()["is_fully_charged"], (
        "it is midnight, and charging began at 10"
    )


def test_home_and_zone_can_be_elsewhere(time: Time) -> None:
    document = Simulator(now=time, home=(60.17, 24.94)).vehicles[0].document()
    assert (document["latitude"], document["longitude"]) == (60.17, 24.94)


def test_what_people_do_shows_at_once(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[1]

    def shows() -> tuple[bool, bool, bool]:
        document = car.document()
        VALIDATOR.validate(document)
        return (
            document["is_plugged_in"],
            document["is_charging"],
            document["is_fully_charged"],
        )

    assert shows() == (False, False, False)
    car.plug_in()
    assert shows() == (True, False, False)
    car.start_charging()
    assert shows() == (True, True, False)
    assert car.document()["charge_rate_w"] == 7200
    car.stop_charging()
    assert shows() == (True, False, False)
    car.fill_up()
    assert shows() == (True, False, True)
    with pytest.raises(ValueError, match="full"):
        car.start_charging()
    car.unplug()
    assert shows() == (False, False, True)
    car.drive()
    document = car.document()
    assert shows() == (False, False, False)
    assert document["battery_level"] < 100
    assert document["latitude"] != car.world.home[0]
    simulator.advance(timedelta(hours=2))
    assert shows()[0], "it came home and was plugged in"
    car.set_battery_level(33)
    assert car.document()["battery_level"] == 33


def test_overrides(car: Car) -> None:
    truth = car.document()
    car.override(battery_level=55, comment="text", driving_range=ABSENT)
    document = car.document()
    assert (document["battery_level"], document["comment"]) == (55, "text")
    assert "driving_range" not in document
    car.clear_overrides("driving_range")
    assert car.document()["driving_range"] == truth["driving_range"]
    assert car.document()["battery_level"] == 55
    car.replace_document(["anything"])
    assert car.document() == ["anything"]
    car.clear_overrides()
    assert car.document() == truth


# Tokens


async def test_password_and_refresh(anonymous: Client, time: Time) -> None:
    account = anonymous.simulator.account
    status, token, _ = await anonymous.ask(
        "POST", TOKEN_URL, json=password_grant(account)
    )
    assert status == 200
    assert token.keys() == {
        "access_token",
        "expires_in",
        "token_type",
        "scope",
        "refresh_token",
    }
    assert (token["expires_in"], token["token_type"]) == (36000, "Bearer")
    refresh = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    status, renewed, _ = await anonymous.ask("POST", TOKEN_URL, json=refresh)
    assert status == 200
    assert renewed["access_token"] != token["access_token"]
    assert renewed["refresh_token"] != token["refresh_token"]
    status, refusal, _ = await anonymous.ask("POST", TOKEN_URL, json=refresh)
    assert (status, refusal) == (400, {"error": "invalid_grant"})


async def test_client_credentials_on_both_urls(anonymous: Client) -> None:
    account = anonymous.simulator.account
    basic = basic_header(account)
    grant = {"grant_type": "client_credentials"}
    for path, options in (
        (TOKEN_URL, {"json": client_grant(account)}),
        (TOKEN_URL, {"json": grant, "headers": basic}),
        (GUIDE_TOKEN_URL, {"json": grant, "headers": basic}),
    ):
        status, token, _ = await anonymous.ask("POST", path, **options)
        assert status == 200
        assert token.keys() == {"access_token", "expires_in", "token_type", "scope"}


@pytest.mark.parametrize(
    ("served_by", "contract", "guide"),
    [("contract", 200, 404), ("guide", 400, 200), ("both", 200, 200)],
)
async def test_client_credentials_on_one_url(
    anonymous: Client, served_by: Any, contract: int, guide: int
) -> None:
    anonymous.simulator.client_credentials_url = served_by
    account = anonymous.simulator.account
    basic = basic_header(account)
    grant = {"grant_type": "client_credentials"}
    status, body, _ = await anonymous.ask("POST", TOKEN_URL, json=grant, headers=basic)
    assert status == contract
    if status == 400:
        assert body == {"error": "unsupported_grant_type"}
    status, _, _ = await anonymous.ask(
        "POST", GUIDE_TOKEN_URL, json=grant, headers=basic
    )
    assert status == guide


@pytest.mark.parametrize(
    ("path", "grant", "refusal"),
    [
        (TOKEN_URL, {"grant_type": "password"}, (400, "invalid_grant")),
        (TOKEN_URL, {"grant_type": "refresh_token"}, (400, "invalid_grant")),
        (TOKEN_URL, {"grant_type": "client_credentials"}, (400, "invalid_client")),
        (TOKEN_URL, {"grant_type": "magic"}, (400, "unsupported_grant_type")),
        (TOKEN_URL, {}, (400, "invalid_request")),
        (
            GUIDE_TOKEN_URL,
            {"grant_type": "client_credentials"},
            (401, "invalid_client"),
        ),
        (GUIDE_TOKEN_URL, {"grant_type": "password"}, (400, "unsupported_grant_type")),
    ],
)
async def test_refused_grants(
    anonymous: Client, path: str, grant: Any, refusal: Any
) -> None:
    status, body, _ = await anonymous.ask("POST", path, json=grant)
    assert (status, body["error"]) == refusal


async def test_changed_password_is_refused(anonymous: Client) -> None:
    grant = password_grant(anonymous.simulator.account)
    anonymous.simulator.account.password = "changed"
    status, _, _ = await anonymous.ask("POST", TOKEN_URL, json=grant)
    assert status == 400


async def test_tokens_expire_and_can_be_revoked(
    client: Client, car: Car, time: Time
) -> None:
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200
    time.now += timedelta(hours=10)
    status, body, headers = await client.ask("GET", vehicle_path(car))
    assert (status, list(body), headers["WWW-Authenticate"]) == (
        401,
        ["detail"],
        "Bearer",
    )
    await client.sign_in()
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200
    client.simulator.revoke_tokens()
    assert (await client.ask("GET", vehicle_path(car)))[0] == 401
    client.token = ""
    assert (await client.ask("GET", vehicle_path(car)))[0] == 401


# Vehicles


async def test_vehicle_and_list(client: Client, car: Car) -> None:
    status, document, _ = await client.ask("GET", vehicle_path(car))
    assert (status, document) == (200, car.document())
    path = vehicles_path(client.simulator.account)
    status, documents, _ = await client.ask("GET", path)
    assert status == 200
    assert [each["id"] for each in documents] == [
        each.id for each in client.simulator.vehicles
    ]
    del document["actions"]
    assert documents[0] == document
    client.simulator.lists_vehicles = False
    assert (await client.ask("GET", path))[0] == 404


async def test_deleted_vehicle(client: Client, car: Car) -> None:
    car.delete()
    assert (await client.ask("GET", vehicle_path(car)))[0] == 404
    status, document, _ = await client.ask(
        "GET", f"{vehicle_path(car)}?include_deleted=true"
    )
    assert (status, moment(document["deleted_at"])) == (200, MONDAY_NOON)
    VALIDATOR.validate(document)
    path = vehicles_path(client.simulator.account)
    assert len((await client.ask("GET", path))[1]) == 1
    assert len((await client.ask("GET", f"{path}?include_deleted=1"))[1]) == 2


async def test_who_may_see_what(client: Client, car: Car) -> None:
    simulator = client.simulator
    theirs = simulator.add_vehicle(owner=simulator.neighbor)
    foreign = simulator.add_vehicle(owner=simulator.stranger)

    async def seen() -> list[int]:
        return [
            (await client.ask("GET", vehicle_path(each)))[0]
            for each in (car, theirs, foreign)
        ]

    assert await seen() == [200, 403, 403]
    await client.sign_in(simulator.stranger)
    assert await seen() == [403, 403, 200]
    await client.sign_in_as_client()
    assert await seen() == [200, 200, 403]


async def test_unknown_and_malformed_ids(client: Client, car: Car) -> None:
    path, nobody = vehicle_path(car), "00000000-0000-4000-8000-000000000000"
    assert (await client.ask("GET", path.replace(car.id, nobody)))[0] == 404
    assert (await client.ask("GET", path.replace(car.id, "x")))[0] == 422
    assert (await client.ask("GET", path.replace(car.owner.user_id, "x")))[0] == 422
    assert (await client.ask("GET", f"{path}?include_deleted=maybe"))[0] == 422
    await client.sign_in_as_client()
    assert (await client.ask("GET", path.replace(car.owner.user_id, nobody)))[0] == 404
    status, body, _ = await client.ask("GET", "/api/partners/v3.0/nowhere")
    assert (status, list(body)) == (404, ["detail"])


async def test_hundred_vehicles(client: Client) -> None:
    for _ in range(98):
        client.simulator.add_vehicle()
    _, documents, _ = await client.ask("GET", vehicles_path(client.simulator.account))
    assert len({document["id"] for document in documents}) == 100


async def test_contract_only(client: Client, car: Car) -> None:
    path = vehicle_path(car)
    beyond = (
        ("GET", f"/api/partners/v2.0/org/{car.owner.organization_id}/users"),
        ("GET", vehicles_path(car.owner)),
        ("PUT", path),
        ("POST", f"{path}/boost"),
        ("GET", f"{path}/sessions?{EVER}"),
        ("GET", f"{path}/sessions/current"),
        ("GET", f"{path}/charge-policy"),
        ("POST", "/api/partners/v2.0/device-onboarding"),
    )
    before = car.document()
    client.simulator.contract_only = True
    for method, refused in beyond:
        status, answer, _ = await client.ask(method, refused)
        assert (status, list(answer)) == (404, ["detail"]), refused
    await client.sign_in()
    assert (await client.ask("GET", path))[1] == before
    car.raise_message("Hello")
    assert (await client.ask("POST", link(car)))[0] == 200


# Preferences


async def test_preferences(client: Client, car: Car) -> None:
    fields = {
        "is_smart_optimization_active": False,
        "is_charge_policy_enabled": False,
        "charge_deadline_at": "07:15:00",
        "minimum_charge_limit": 75,
        "is_over_charge_allowed": True,
        "hems_min_export_to_start_w": 1500,
        "hems_max_import_before_stopping_w": 1501,
        "hems_min_production_to_start_w": 1502,
        "hems_min_production_before_stopping_w": 1503,
    }
    car.override(minimum_charge_limit=1)
    status, _, _ = await client.ask("PUT", vehicle_path(car), json=fields)
    assert status == 200
    document = car.document()
    VALIDATOR.validate(document)
    assert {name: document[name] for name in fields} == fields
    assert moment(document["charge_policy_last_updated_at"]) == MONDAY_NOON


async def test_pause(client: Client, car: Car, time: Time) -> None:
    car.start_charging()
    until = "2026-11-02T14:00:00Z"
    await client.ask("PUT", vehicle_path(car), json={"pause_power_until": until})
    document = car.document()
    assert (document["pause_power_until"], document["is_pause_power_active"]) == (
        until,
        True,
    )
    assert not document["is_charging"]
    time.now += timedelta(hours=3)
    assert not car.document()["is_pause_power_active"]
    await client.ask("PUT", vehicle_path(car), json={"pause_power_until": None})
    assert car.document()["pause_power_until"] is None


async def test_pause_in_the_past_of_the_service(client: Client, car: Car) -> None:
    client.simulator.shift_clock(timedelta(hours=1))
    until = "2026-11-02T12:30:00Z"
    status, document, _ = await client.ask(
        "PUT", vehicle_path(car), json={"pause_power_until": until}
    )
    assert status == 200
    assert document["pause_power_until"] == until
    assert not document["is_pause_power_active"]
    client.simulator.shift_clock(timedelta(hours=-1))
    assert car.document()["is_pause_power_active"]


async def test_boost_goes_on_in_spite_of_a_pause(client: Client, car: Car) -> None:
    await client.ask("POST", f"{vehicle_path(car)}/boost")
    client.simulator.advance(timedelta(minutes=1))
    until = "2026-11-02T18:00:00Z"
    await client.ask("PUT", vehicle_path(car), json={"pause_power_until": until})
    for _ in range(2):
        document = car.document()
        assert document["is_pause_power_active"]
        assert (document["boost_state"], document["is_charging"]) == ("ongoing", True)
        client.simulator.advance(timedelta(minutes=20))


def test_pause_and_deadline_steer_charging(time: Time) -> None:
    simulator = Simulator(now=time)
    car = simulator.vehicles[0]
    car.write_preferences({"pause_power_until": MONDAY_NOON + timedelta(days=1)})
    simulator.advance(timedelta(hours=12))
    assert not car.document()["is_charging"], "paused in the cheap hours"
    assert car.document()["battery_level"] == 62
    car = Simulator(now=time).vehicles[0]
    car.set_battery_level(20)
    car.write_preferences({"charge_deadline_at": "16:00:00"})
    car.live(MONDAY_NOON + timedelta(hours=1))
    assert car.document()["is_charging"], "no other way to be ready by 4"


@pytest.mark.parametrize(
    "body",
    [
        {"battery_level": 100},
        {"minimum_charge_limit": 101},
        {"minimum_charge_limit": True},
        {"minimum_charge_limit": "50"},
        {"is_smart_optimization_active": 1},
        {"is_smart_optimization_active": None},
        {"charge_deadline_at": "25:00:00"},
        {"charge_deadline_at": 7},
        {"pause_power_until": "2026-11-02T14:00:00"},
        {"hems_min_export_to_start_w": -1},
        ["minimum_charge_limit"],
        None,
    ],
)
async def test_preferences_refused(client: Client, car: Car, body: Any) -> None:
    before = car.document()
    status, answer, _ = await client.ask("PUT", vehicle_path(car), json=body)
    assert (status, list(answer)) == (422, ["detail"])
    assert car.document() == before


async def test_what_is_not_json_is_refused(client: Client, car: Car) -> None:
    for method, path in (("PUT", vehicle_path(car)), ("POST", TOKEN_URL)):
        status, answer, _ = await client.ask(method, path, data=b"{")
        assert (status, list(answer)) == (422, ["detail"])
    status, answer, _ = await client.ask("POST", TOKEN_URL, json=["password"])
    assert (status, list(answer)) == (422, ["detail"])


async def test_written_late(client: Client, car: Car) -> None:
    async def write_and_read(limit: int) -> list[int]:
        path, name = vehicle_path(car), "minimum_charge_limit"
        assert (await client.ask("PUT", path, json={name: limit}))[0] == 200
        return [(await client.ask("GET", path))[1][name] for _ in range(4)]

    car.lag = 2
    assert await write_and_read(31) == [60, 60, 31, 31]
    car.lag = math.inf
    assert await write_and_read(32) == [31, 31, 31, 31]
    car.lag = 0
    assert await write_and_read(33) == [33, 33, 33, 33]


async def test_read_only(client: Client, car: Car) -> None:
    client.simulator.tokens.read_only = True
    client.token = ""
    await client.sign_in()
    path = vehicle_path(car)
    assert (await client.ask("GET", path))[0] == 200
    assert (await client.ask("PUT", path, json={}))[0] == 403
    assert (await client.ask("POST", f"{path}/boost"))[0] == 403
    assert (await client.ask("DELETE", f"{path}/boost"))[0] == 403


# Boost


async def test_boost_starts_and_ends(client: Client, car: Car) -> None:
    simulator, path = client.simulator, f"{vehicle_path(car)}/boost"
    assert car.document()["boost_state"] == "available"
    assert (await client.ask("POST", path))[:2] == (204, None)
    assert car.document()["boost_state"] == "requested"
    simulator.advance(timedelta(seconds=45))
    document = car.document()
    assert (document["boost_state"], document["is_charging"]) == ("ongoing", True)
    assert document["last_boost_triggered_at"] is not None
    simulator.advance(timedelta(hours=4))
    document = car.document()
    assert document["boost_state"] == "unavailable"
    assert document["is_fully_charged"]
    assert document["last_boost_end_reason"] == "fully_charged"
    assert document["last_boost_ended_at"] > document["last_boost_triggered_at"]


async def test_boost_ends_by_unplugging(client: Client, car: Car) -> None:
    await client.ask("POST", f"{vehicle_path(car)}/boost")
    car.start_charging()
    assert car.document()["boost_state"] == "ongoing"
    car.unplug()
    document = car.document()
    assert document["boost_state"] == "unavailable"
    assert document["last_boost_end_reason"] == "unplugged"


async def test_boost_armed_for_the_next_session(client: Client, car: Car) -> None:
    path = f"{vehicle_path(car)}/boost"
    car.unplug()
    for method, is_armed in (("POST", True), ("DELETE", False), ("POST", True)):
        assert (await client.ask(method, path))[0] == 204
        assert car.document()["boost_for_next_session"] is is_armed
    car.plug_in()
    document = car.document()
    assert document["boost_state"] == "requested"
    assert not document["boost_for_next_session"]


async def test_delete_does_not_end_a_boost(client: Client, car: Car) -> None:
    path = f"{vehicle_path(car)}/boost"
    await client.ask("POST", path)
    assert (await client.ask("DELETE", path))[0] == 204
    assert car.document()["boost_state"] == "requested"
    client.simulator.advance(timedelta(minutes=1))
    assert (await client.ask("DELETE", path))[0] == 204
    client.simulator.advance(timedelta(minutes=20))
    document = car.document()
    assert (document["boost_state"], document["is_charging"]) == ("ongoing", True)


async def test_boost_refused(client: Client, car: Car) -> None:
    async def refusal() -> tuple[int, str]:
        status, body, _ = await client.ask("POST", f"{vehicle_path(car)}/boost")
        assert body["state"] == car.document()["boost_state"]
        return status, body["reason"]

    car.start_charging()
    assert await refusal() == (409, "already_charging")
    car.fill_up()
    assert await refusal() == (409, "fully_charged")
    car.drive()
    car.plug_in(at_home=False)
    assert await refusal() == (409, "no_active_session")
    car.raise_reauthenticate()
    assert await refusal() == (409, "internal_error")


# Sessions

EVER = "from=2026-01-01&to=2026-12-31"


async def sessions_of(client: Client, car: Car, query: str = EVER) -> Any:
    """Return the answer to a request for completed sessions."""
    path = f"{vehicle_path(car)}/sessions?{query}"
    status, answer, _ = await client.ask("GET", path)
    assert status == 200
    return answer


async def current_session_of(client: Client, car: Car) -> Any:
    """Return the running session, None if there is none."""
    path = f"{vehicle_path(car)}/sessions/current"
    status, answer, _ = await client.ask("GET", path)
    assert (status, list(answer)) == (200, ["session"])
    return answer["session"]


async def test_sessions(client: Client, car: Car) -> None:
    answer = await sessions_of(client, car)
    assert answer["total"] == len(answer["items"]) > 10
    times = [item["plug_in_time"] for item in answer["items"]]
    assert times == sorted(times, reverse=True)
    page = await sessions_of(client, car, f"{EVER}&limit=2&offset=1")
    assert page == {"total": answer["total"], "items": answer["items"][1:3]}
    day = times[3][:10]
    one = await sessions_of(client, car, f"from={day}&to={day}")
    assert [item["plug_in_time"] for item in one["items"]] == [times[3]]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-11-01",
        "to=2026-11-01",
        "from=yesterday&to=2026-11-01",
        f"{EVER}&limit=0",
        f"{EVER}&limit=201",
        f"{EVER}&limit=x",
        f"{EVER}&offset=-1",
    ],
)
async def test_sessions_refused(client: Client, car: Car, query: str) -> None:
    path = f"{vehicle_path(car)}/sessions?{query}"
    status, answer, _ = await client.ask("GET", path)
    assert (status, list(answer)) == (422, ["detail"])


async def test_days_of_sessions_are_utc(client: Client, car: Car) -> None:
    at_midnight = datetime(2026, 10, 20, 23, 30, tzinfo=UTC)
    session = car.add_away_session(
        7, hours_ago=(MONDAY_NOON - at_midnight) / timedelta(hours=1)
    )

    async def is_listed(day: str) -> bool:
        answer = await sessions_of(client, car, f"from={day}&to={day}")
        return session.id in [item["id"] for item in answer["items"]]

    assert [await is_listed(f"2026-10-{day}") for day in (20, 21)] == [True, False]
    car.lists_sessions_by = "unplug_time"
    assert [await is_listed(f"2026-10-{day}") for day in (20, 21)] == [False, True]


async def test_two_months_of_sessions_in_pages(
    time: Time, socket_enabled: None
) -> None:
    simulator = Simulator(now=time, history_days=61)
    saved: dict[str, list[float]] = {}
    async with Server(simulator) as server, ClientSession() as session:
        client = Client(server, session)
        await client.sign_in()
        for car in simulator.vehicles:
            items: list[Any] = []
            for offset in range(0, 100, 10):
                query = f"{EVER}&limit=10&offset={offset}"
                items += (await sessions_of(client, car, query))["items"]
            check_history(car, items)
            saved[car.id] = [
                item["actual_savings_eur"] for item in items if item["is_at_home"]
            ]
    first, second = saved.values()
    assert sum(first) > 10
    assert min(second) < 0, "the sun of a weekend is cheaper than the night"


def check_history(car: Car, items: list[dict[str, Any]]) -> None:
    """Check two months of completed sessions, the latest first."""
    assert len({item["id"] for item in items}) == len(items) > 30
    days = [moment(item["plug_in_time"]).date() for item in items]
    assert max(days) - min(days) > timedelta(days=50)
    assert {item["session_outcome"] for item in items} == {"completed", "not_at_home"}
    for after, before in pairwise(items):
        assert before["unplug_time"] < after["plug_in_time"]
    for item in items:
        check_completed_session(car, item)


def check_completed_session(car: Car, item: dict[str, Any]) -> None:
    """Check that all that a completed session says can be true at once."""
    plugged_in, unplugged = moment(item["plug_in_time"]), moment(item["unplug_time"])
    assert plugged_in < moment(item["inferred_session_end"]) <= unplugged
    gained = (item["final_soc_pct"] - item["initial_soc_pct"]) / 100
    assert item["energy_charged_kwh"] == pytest.approx(
        gained * car.model.capacity_kwh, abs=0.5
    )
    assert 0.05 < item["actual_cost_eur"] / item["energy_charged_kwh"] < 0.45
    if not item["is_at_home"]:
        assert item["desired_charging_start_time"] is None
        return
    start = moment(item["desired_charging_start_time"])
    assert plugged_in < start < moment(item["desired_charging_end_time"])
    assert start.astimezone(car.world.zone).hour == 22


async def test_current_session_grows(client: Client, car: Car) -> None:
    simulator = client.simulator
    session = await current_session_of(client, car)
    assert session["session_outcome"] == "ongoing"
    assert (session["initial_soc_pct"], session["energy_charged_kwh"]) == (62, 0)
    assert session["plug_in_time"] == "2026-11-02T10:00:00Z"
    simulator.advance(timedelta(hours=9, minutes=30))
    grown = [await current_session_of(client, car)]
    for _ in range(2):
        simulator.advance(timedelta(minutes=20))
        grown.append(await current_session_of(client, car))
    for name in ("energy_charged_kwh", "actual_cost_eur"):
        assert 0 < grown[0][name] < grown[1][name] < grown[2][name], name
    assert {each["id"] for each in grown} == {session["id"]}
    assert session["id"] not in [
        item["id"] for item in (await sessions_of(client, car))["items"]
    ]
    car.fill_up()
    car.unplug()
    assert await current_session_of(client, car) is None
    answer = await sessions_of(client, car, f"{EVER}&limit=1")
    (item,) = answer["items"]
    assert (item["id"], item["final_soc_pct"]) == (session["id"], 80)
    assert item["unplug_time"] is not None


async def test_cost_is_that_of_the_hours(client: Client, car: Car) -> None:
    prices = car.world.prices
    client.simulator.advance(timedelta(hours=6))  # 18:00 UTC
    car.start_charging()
    client.simulator.advance(timedelta(hours=1))
    session = await current_session_of(client, car)
    six = MONDAY_NOON + timedelta(hours=6)
    assert session["actual_cost_eur"] == pytest.approx(11 * prices.at(six), abs=0.02)
    # At once would have been at 10:00 UTC.
    at_once = 11 * prices.at(MONDAY_NOON - timedelta(hours=2))
    saved = at_once - session["actual_cost_eur"]
    assert session["actual_savings_eur"] == pytest.approx(saved, abs=0.02)
    assert saved < 0, "the evening is dear"
    assert session["desired_charging_start_time"] is None, "it is not charged by plan"


async def test_plan(client: Client, car: Car) -> None:
    simulator, path = client.simulator, vehicle_path(car)

    async def plan() -> tuple[datetime, datetime] | None:
        session = await current_session_of(client, car)
        start = session["desired_charging_start_time"]
        end = session["desired_charging_end_time"]
        if start is None:
            assert end is None
            assert session["expected_savings_eur"] is None
            return None
        assert session["expected_savings_eur"] is not None
        return moment(start), moment(end)

    planned = await plan()
    assert planned is not None
    start, end = planned
    assert MONDAY_NOON < start < end < MONDAY_NOON + timedelta(days=1)
    hours = timedelta(hours=77 * 0.18 / 11)
    assert abs(end - start - hours) < timedelta(seconds=1)
    for off, on in (
        (
            {"is_smart_optimization_active": False},
            {"is_smart_optimization_active": True},
        ),
        ({"pause_power_until": "2026-11-03T01:00:00Z"}, {"pause_power_until": None}),
    ):
        await client.ask("PUT", path, json=off)
        moved = await plan()
        assert moved is None or moved[0] == moment("2026-11-03T01:00:00Z")
        assert (moved is None) == ("pause_power_until" not in off)
        await client.ask("PUT", path, json=on)
        assert await plan() == planned
    simulator.advance(start - MONDAY_NOON + timedelta(minutes=30))
    assert car.document()["is_charging"]
    charging = await plan()
    assert charging is not None
    for expected, found in zip(planned, charging, strict=True):
        assert abs(found - expected) < timedelta(minutes=1)
    simulator.advance(timedelta(hours=2))
    assert car.document()["is_fully_charged"]
    charged = await plan()
    assert charged is not None
    for expected, found in zip(planned, charged, strict=True):
        assert abs(found - expected) < timedelta(minutes=1)
    car.unplug()
    assert await current_session_of(client, car) is None


async def test_plan_meets_the_deadline(client: Client, car: Car) -> None:
    car.set_battery_level(20)
    await client.ask(
        "PUT",
        vehicle_path(car),
        json={"charge_deadline_at": "16:00:00", "minimum_charge_limit": 40},
    )
    session = await current_session_of(client, car)
    assert session["charge_deadline"] == "16:00:00"
    # 20 % of 77 kWh at 11 kW, until 15:00 UTC
    start = MONDAY_NOON + timedelta(hours=3 - 77 * 0.2 / 11)
    planned = moment(session["desired_charging_start_time"])
    assert abs(planned - start) < timedelta(seconds=1)
    assert moment(session["desired_charging_end_time"]) == MONDAY_NOON + timedelta(
        hours=3
    )
    client.simulator.advance(timedelta(hours=1, minutes=30))
    assert not car.document()["is_charging"]
    client.simulator.advance(timedelta(minutes=30))
    assert car.document()["is_charging"]
    client.simulator.advance(timedelta(hours=1, minutes=15))
    assert (car.document()["is_charging"], car.battery_level) == (False, 40)


@pytest.mark.parametrize("boosted", [True, False])
async def test_no_plan_for_what_is_not_steered(
    client: Client, car: Car, boosted: bool
) -> None:
    if boosted:
        car.boost()
    else:
        car.start_charging()
    session = await current_session_of(client, car)
    assert session["desired_charging_start_time"] is None
    assert session["expected_savings_eur"] is None


async def test_session_away_from_home(client: Client, car: Car) -> None:
    car.drive()
    car.plug_in(at_home=False)
    session = await current_session_of(client, car)
    assert (session["is_at_home"], session["desired_charging_start_time"]) == (
        False,
        None,
    )
    client.simulator.advance(timedelta(minutes=20))
    car.unplug()
    (item,) = (await sessions_of(client, car, f"{EVER}&limit=1"))["items"]
    assert (item["id"], item["is_at_home"]) == (session["id"], False)
    assert item["session_outcome"] == "not_at_home"
    assert item["energy_charged_kwh"] > 0


async def test_past_session_away_from_home(client: Client, car: Car) -> None:
    before = await sessions_of(client, car)
    level, current = car.battery_level, await current_session_of(client, car)
    session = car.add_away_session(20, hours_ago=24, hours=3)
    answer = await sessions_of(client, car)
    assert answer["total"] == before["total"] + 1
    (item,) = (each for each in answer["items"] if each["id"] == session.id)
    assert item["energy_charged_kwh"] == 20
    assert item["session_outcome"] == "not_at_home"
    assert item["plug_in_time"] == "2026-11-01T12:00:00Z"
    assert item["unplug_time"] == "2026-11-01T15:00:00Z"
    assert (car.battery_level, await current_session_of(client, car)) == (
        level,
        current,
    )


def test_new_car_has_no_past(simulator: Simulator) -> None:
    car = simulator.connect_vehicle(simulator.account.user_id, 0)
    assert car.sessions == []
    document = car.document()
    VALIDATOR.validate(document)
    assert float(document["consumption_last_month_kwh"]) == 0


async def test_sessions_are_corrected_and_deleted(client: Client, car: Car) -> None:
    before = await sessions_of(client, car)
    latest, second = car.completed_sessions(
        MONDAY_NOON.date() - timedelta(days=30), MONDAY_NOON.date()
    )[:2]
    correction = {"energy_charged_kwh": "3.5", "unplug_time": None}
    car.correct_session(latest, **correction)
    answer = await sessions_of(client, car)
    assert answer["total"] == before["total"]
    assert answer["items"][0] == before["items"][0] | correction
    assert answer["items"][1:] == before["items"][1:]
    car.delete_session(second)
    answer = await sessions_of(client, car)
    assert answer["total"] == before["total"] - 1
    assert answer["items"][1:] == before["items"][2:]
    running = car.current_session
    assert running is not None
    with pytest.raises(ValueError, match="running"):
        car.delete_session(running)


# The weekly charge policy


async def policy_of(client: Client, car: Car) -> Any:
    """Return the weekly charge policy."""
    status, answer, _ = await client.ask("GET", f"{vehicle_path(car)}/charge-policy")
    assert (status, answer["metadata"], list(answer)) == (200, {}, ["metadata", "data"])
    return answer["data"]


async def test_policy_follows_the_preferences(client: Client, car: Car) -> None:
    policy = await policy_of(client, car)
    assert list(policy) == ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "timezone"]
    assert policy.pop("timezone") == "Europe/Vienna"
    usual = {"charge_percentage": 60, "charge_deadline": "06:30:00"}
    assert list(policy.values()) == [usual] * 7
    car.set_day_policy("sat", 90, "10:00:00")
    car.set_policy_zone("Europe/Helsinki")
    fields = {"minimum_charge_limit": 55, "charge_deadline_at": None}
    await client.ask("PUT", vehicle_path(car), json=fields)
    policy = await policy_of(client, car)
    assert policy["sat"] == {"charge_percentage": 90, "charge_deadline": "10:00:00"}
    assert policy["sun"] == {"charge_percentage": 55, "charge_deadline": None}
    assert policy["timezone"] == "Europe/Helsinki"
    car.clear_policy()
    assert (await policy_of(client, car))["sat"] == policy["sun"]
    with pytest.raises(ValueError, match="weekday"):
        car.set_day_policy("someday", 50, None)


async def test_policy_of_the_day_steers_charging(client: Client, car: Car) -> None:
    car.set_battery_level(20)
    car.set_day_policy("mon", 40, "17:00:00")
    # 17:00 in Helsinki is 15:00 UTC: 1.4 hours at 11 kW before it
    car.set_policy_zone("Europe/Helsinki")
    session = await current_session_of(client, car)
    assert session["charge_deadline"] == "17:00:00"
    assert moment(session["desired_charging_end_time"]) == MONDAY_NOON + timedelta(
        hours=3
    )
    client.simulator.advance(timedelta(hours=2))
    assert car.document()["is_charging"]
    car.set_policy_zone("America/New_York")
    client.simulator.advance(timedelta(minutes=16))
    assert not car.document()["is_charging"]


# Actions


def link(car: Car) -> str:
    """Return the link of the only action, fresh as each poll issues it."""
    (action,) = car.document()["actions"]
    return str(action["resolution_link"]["url"])


async def browse(client: Client, page: str, choice: str) -> tuple[int, str | None]:
    """Do in a browser what the user does, and return where it ends up."""
    async with client.session.get(page) as response:
        assert f'value="{choice}"' in await response.text()
    async with client.session.post(
        page, data={"choice": choice}, allow_redirects=False
    ) as response:
        return response.status, response.headers.get("Location")


async def test_reauthenticate(client: Client, car: Car) -> None:
    car.raise_reauthenticate()
    document = car.document()
    VALIDATOR.validate(document)
    assert document["action_needed"]
    assert not document["is_authenticated"]
    first = link(car)
    assert first != link(car), "each poll issues a fresh link"
    status, answer, _ = await client.ask("POST", first, json=PAGES)
    assert (status, list(answer)) == (200, ["redirect_url"])
    page = answer["redirect_url"]
    assert await browse(client, page, "close") == (200, None)
    assert await browse(client, page, "refuse") == (303, PAGES["cancelUrl"])
    state = first.replace("/resolve?", "/state?")
    assert (await client.ask("POST", state, json={"state": "fail"}))[0] == 200
    assert await browse(client, page, "sign-in") == (303, PAGES["successUrl"])
    assert car.document()["action_needed"], "the outcome is the client's to report"
    client.token = ""
    status, answer, _ = await client.ask("POST", state, json={"state": "success"})
    assert (status, list(answer)) == (200, ["action_id"])
    document = car.document()
    assert (document["action_needed"], document["actions"]) == (False, [])
    assert document["is_authenticated"]
    assert (await client.ask("POST", state, json={"state": "success"}))[0] == 404


async def test_sign_in_page_may_report_the_outcome(client: Client, car: Car) -> None:
    client.simulator.signin_reports_outcome = True
    car.raise_reauthenticate()
    url = link(car)
    _, answer, _ = await client.ask("POST", url, json=PAGES)
    await browse(client, answer["redirect_url"], "refuse")
    assert car.document()["action_needed"]
    await browse(client, answer["redirect_url"], "sign-in")
    assert not car.document()["action_needed"]
    state = url.replace("/resolve?", "/state?")
    assert (await client.ask("POST", state, json={"state": "success"}))[0] == 404


async def test_resolve_checks_its_parameters(client: Client, car: Car) -> None:
    car.raise_reauthenticate(required_parameters=("successUrl", "location"))
    url = link(car)
    complete = PAGES | {"location": "AT"}
    for name in ("successUrl", "cancelUrl", "location"):
        body = {key: value for key, value in complete.items() if key != name}
        assert (await client.ask("POST", url, json=body))[0] == 422, name
    for wrong in ({"successUrl": "javascript:alert(1)"}, {"location": 1}):
        assert (await client.ask("POST", url, json=complete | wrong))[0] == 422, wrong
    state = url.replace("/resolve?", "/state?")
    assert (await client.ask("POST", state, json={"state": "maybe"}))[0] == 422
    assert (await client.ask("POST", url, json=complete))[0] == 200


async def test_links_are_signed_bound_and_expire(
    client: Client, car: Car, time: Time
) -> None:
    car.raise_reauthenticate()
    url = link(car)
    for forged in (f"{url}0", url.partition("?")[0], f"{url}-x"):
        assert (await client.ask("POST", forged, json=PAGES))[0] == 403
    time.now += timedelta(minutes=61)
    assert (await client.ask("POST", url, json=PAGES))[0] == 403
    url = link(car)
    await client.sign_in(client.simulator.neighbor)
    assert (await client.ask("POST", url, json=PAGES))[0] == 403
    client.token = ""
    assert (await client.ask("POST", url, json=PAGES))[0] == 401
    await client.sign_in_as_client()
    assert (await client.ask("POST", url, json=PAGES))[0] == 200
    car.clear_actions()
    assert (await client.ask("POST", url, json=PAGES))[0] == 404


async def test_message_is_read(client: Client, car: Car) -> None:
    car.raise_message("Your tariff changes.")
    document = car.document()
    VALIDATOR.validate(document)
    assert (document["has_notification"], document["action_needed"]) == (True, False)
    assert document["actions"][0]["metadata"] == {"message": "Your tariff changes."}
    assert moment(document["actions"][0]["sent_at"]) == MONDAY_NOON
    assert (await client.ask("POST", link(car)))[0] == 200
    assert not car.document()["has_notification"]


def test_action_needed_without_an_action(car: Car) -> None:
    car.override(action_needed=True)
    document = car.document()
    VALIDATOR.validate(document)
    assert (document["action_needed"], document["actions"]) == (True, [])


def test_unknown_and_hostile_actions(car: Car) -> None:
    car.raise_unknown_action("dance", url="https://evil.example/")
    assert car.document()["action_needed"]
    assert not car.document()["has_notification"]
    (action,) = car.document()["actions"]
    assert action["code"] == "dance"
    assert link(car) == "https://evil.example/"
    assert not VALIDATOR.is_valid(car.document())
    car.clear_actions()
    assert car.document()["actions"] == []


# Faults


async def test_fault_serves_anything(client: Client, car: Car) -> None:
    client.simulator.add_fault(
        kind="vehicle",
        status=429,
        headers={"Retry-After": "7"},
        body=b"<p>slow down",
        content_type="text/html",
        count=2,
    )
    path = vehicle_path(car)
    for _ in range(2):
        async with client.session.get(client.server.url + path) as response:
            assert response.status == 429
            assert response.content_type == "text/html"
            assert response.headers["Retry-After"] == "7"
            assert await response.read() == b"<p>slow down"
        list_path = vehicles_path(client.simulator.account)
        assert (await client.ask("GET", list_path))[0] == 200
    assert (await client.ask("GET", path))[0] == 200


async def test_fault_on_everything_until_cleared(client: Client, car: Car) -> None:
    client.simulator.add_fault(Fault(status=503))
    assert (await client.ask("GET", vehicle_path(car)))[0] == 503
    grant = password_grant(client.simulator.account)
    assert (await client.ask("POST", TOKEN_URL, json=grant))[0] == 503
    client.simulator.clear_faults()
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200


async def test_fault_redirects(client: Client, car: Car) -> None:
    headers = {"Location": "https://evil.example/"}
    client.simulator.add_fault(status=302, headers=headers)
    status, _, answered = await client.ask("GET", vehicle_path(car))
    assert (status, answered["Location"]) == (302, "https://evil.example/")


async def test_fault_cuts_the_body(client: Client, car: Car) -> None:
    client.simulator.add_fault(kind="vehicle", truncate_at=100, count=1)
    with pytest.raises(ClientPayloadError):
        await client.ask("GET", vehicle_path(car))
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200


async def test_fault_resets(client: Client, car: Car) -> None:
    client.simulator.add_fault(kind="boost", reset=True, count=1)
    with pytest.raises(ClientError):
        await client.ask("POST", f"{vehicle_path(car)}/boost")
    assert (await client.ask("POST", f"{vehicle_path(car)}/boost"))[0] == 204


@pytest.mark.parametrize("where", ["delay", "body_delay"])
async def test_fault_stalls(client: Client, car: Car, where: str) -> None:
    options: dict[str, Any] = {where: 0.1}
    client.simulator.add_fault(kind="vehicle", count=2, **options)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.ask("GET", vehicle_path(car))
    status, document, _ = await client.ask("GET", vehicle_path(car))
    assert (status, document) == (200, car.document())


async def test_stop_does_not_wait_for_a_stall(time: Time, socket_enabled: None) -> None:
    simulator = Simulator(now=time)
    server = Server(simulator)
    await server.start()
    simulator.add_fault(delay=60)
    async with ClientSession() as session:
        stalled = asyncio.create_task(session.post(server.url + TOKEN_URL))
        await asyncio.sleep(0.1)
        assert simulator.requests
        async with asyncio.timeout(2):
            await server.stop()
        with pytest.raises(ClientError):
            await stalled


async def test_requests_are_recorded(client: Client, car: Car) -> None:
    client.simulator.requests.clear()
    await client.ask("GET", f"{vehicle_path(car)}?include_deleted=true")
    await client.ask("PUT", vehicle_path(car), json={"minimum_charge_limit": 50})
    read, write = client.simulator.requests
    assert (read.method, read.path, read.query, read.json) == (
        "GET",
        vehicle_path(car),
        {"include_deleted": "true"},
        None,
    )
    assert read.headers["authorization"] == f"Bearer {client.token}"
    assert (write.method, write.json) == ("PUT", {"minimum_charge_limit": 50})


# The state file


async def test_state_survives_a_restart(
    tmp_path: Path, time: Time, socket_enabled: None
) -> None:
    path = tmp_path / "state.json"
    simulator = Simulator(now=time, state_file=path)
    async with Server(simulator):
        simulator.advance(timedelta(hours=20))
        first, second = simulator.vehicles
        first.write_preferences({"pause_power_until": MONDAY_NOON})
        first.override(comment="kept", latitude=ABSENT)
        first.raise_message("Hello")
        first.plug_in()
        first.add_away_session(3, hours_ago=0.1, hours=0.05)
        first.correct_session(first.sessions[2], energy_charged_kwh=1)
        first.set_day_policy("sun", 90, None)
        second.drive()
        second.delete()
    again = Simulator(now=time, state_file=path)
    for before, after in zip(simulator.vehicles, again.vehicles, strict=True):
        assert after.life == before.life
        assert after.life is not before.life
    assert again.clock.now() == simulator.clock.now()
    first = again.vehicles[0]
    running = first.current_session
    first.unplug()
    assert running is not None
    assert running.unplug_time is not None
    listed = [session for session in first.sessions if session.id == running.id]
    assert listed == [running], "the same session, not a copy"
    assert listed[0] is running
    assert not path.with_name("state.json.draft").exists()


async def test_state_is_saved_on_change(
    tmp_path: Path, time: Time, socket_enabled: None
) -> None:
    path = tmp_path / "state.json"
    simulator = Simulator(now=time, state_file=path)
    async with Server(simulator) as server, ClientSession() as session:
        client, car = Client(server, session), simulator.vehicles[0]
        await client.sign_in()
        await client.ask("PUT", vehicle_path(car), json={"minimum_charge_limit": 31})
        saved = Simulator(now=time, state_file=path).vehicles[0].document()
        assert saved["minimum_charge_limit"] == 31


@pytest.mark.parametrize(
    "text", ["", "{}", "[", '{"$kind": "Nothing"}', '{"$kind": "Boost"}']
)
def test_state_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a state file"):
        Simulator(state_file=path)
    assert path.read_text() == text


# The command line


@pytest.fixture
def tell(server: Server, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs a command against the simulator."""

    async def tell(*arguments: str) -> tuple[int, str]:
        command = [*arguments[:1], "--url", server.url, *arguments[1:]]
        code = await asyncio.to_thread(main, command)
        captured = capsys.readouterr()
        return code, (captured.out + captured.err).strip()

    return tell


async def test_commands(tell: Any, simulator: Simulator) -> None:
    first, second = simulator.vehicles
    name = "Hyundai Kona Electric"
    assert await tell("plug-in", "2") == (0, f"{name}: plugged in, 48 %")
    assert await tell("charge", second.id) == (0, f"{name}: charging, 48 %")
    assert await tell("stop-charging", "2") == (0, f"{name}: plugged in, 48 %")
    assert await tell("fill-up", "2") == (0, f"{name}: full, 100 %")
    assert await tell("charge", "2") == (1, f"simulator: {name}: it is full")
    assert await tell("unplug", "2") == (0, f"{name}: unplugged, 100 %")
    assert await tell("level", "2", "40") == (0, f"{name}: unplugged, 40 %")
    code, line = await tell("drive", "2")
    assert (code, "on the road" in line) == (0, True)
    await tell("set", "1", "battery_level=55", "comment=plain text", "latitude=null")
    await tell("omit", "1", "longitude")
    document = first.document()
    assert (document["battery_level"], document["comment"]) == (55, "plain text")
    assert document["latitude"] is None
    assert "longitude" not in document
    await tell("unset", "1", "latitude")
    assert first.document()["latitude"] is not None
    code, line = await tell("unset", "1")
    assert line == "Volkswagen ID.4 Pro: plugged in, 62 %"
    await tell("reauthenticate", "1")
    await tell("message", "1", "Hello there")
    _, line = await tell("unknown-action", "1", "dance")
    for code in ("reauthenticate", "information", "dance"):
        assert f"asks for {code}" in line
    await tell("clear-actions", "1")
    assert "3 readings late" in (await tell("lag", "1", "3"))[1]
    assert "inf readings late" in (await tell("lag", "1", "never"))[1]
    assert (await tell("lag", "1", "-1"))[0] == 1
    assert "late" not in (await tell("lag", "1", "0"))[1]
    assert first.document()["actions"] == []
    await tell("delete", "1")
    assert first.is_deleted
    code, line = await tell("plug-in", "3")
    assert (code, line) == (1, "simulator: There is no car 3.")
    code, text = await tell("status")
    assert len(text.splitlines()) == 3
    code, line = await tell("advance", "12")
    assert (code, line) == (0, "Tue 01:00")


async def test_session_commands(tell: Any, client: Client, car: Car) -> None:
    code, text = await tell("sessions", "1")
    name, *lines = text.splitlines()
    assert (code, name) == (0, "Volkswagen ID.4 Pro:")
    assert len(lines) == 20
    latest, second = (item.id for item in car.completed_sessions()[:2])
    await tell(
        "correct-session", "1", "1", "energy_charged_kwh=5.5", "unplug_time=null"
    )
    item = (await sessions_of(client, car))["items"][0]
    assert (item["id"], item["energy_charged_kwh"], item["unplug_time"]) == (
        latest,
        5.5,
        None,
    )
    assert ", 5.5 kWh, " in (await tell("sessions", "1"))[1].splitlines()[1]
    await tell("delete-session", "1", "1")
    assert (await sessions_of(client, car))["items"][0]["id"] == second
    assert (await tell("away-session", "1", "21.5", "--hours-ago", "20"))[0] == 0
    item = (await sessions_of(client, car))["items"][0]
    assert (item["energy_charged_kwh"], item["session_outcome"]) == (
        21.5,
        "not_at_home",
    )
    for refused in (
        ("delete-session", "1", "0"),
        ("correct-session", "1", "1000", "is_at_home=false"),
        ("away-session", "1", "0"),
    ):
        assert (await tell(*refused))[0] == 1, refused


async def test_plan_and_policy_commands(tell: Any, car: Car) -> None:
    name = "Volkswagen ID.4 Pro"
    code, line = await tell("plan", "1")
    assert code == 0
    assert line.startswith(f"{name}: charges Mon 22:07 to Mon 23:22, saves ")
    assert line.endswith(" EUR, deadline 06:30:00")
    await tell("charge", "1")
    assert await tell("plan", "1") == (0, f"{name}: nothing is planned")
    await tell("unplug", "1")
    assert await tell("plan", "1") == (0, f"{name}: unplugged")
    assert (await tell("day-policy", "1", "sun", "90", "10:00"))[0] == 0
    assert (await tell("day-policy", "1", "sat", "50"))[0] == 0
    assert (await tell("policy-zone", "1", "Europe/Helsinki"))[0] == 0
    code, text = await tell("policy", "1")
    lines = text.splitlines()
    assert (code, lines[0]) == (0, f"{name}, Europe/Helsinki:")
    assert lines[-3:] == [
        "fri 60 % by 06:30:00",
        "sat 50 % by None",
        "sun 90 % by 10:00:00",
    ]
    for refused in (
        ("day-policy", "1", "sun", "101"),
        ("day-policy", "1", "sun", "50", "25:00"),
        ("policy-zone", "1", "Moon/Sea"),
    ):
        assert (await tell(*refused))[0] == 1, refused
    await tell("clear-policy", "1")
    lines = (await tell("policy", "1"))[1].splitlines()
    assert (lines[0], lines[-1]) == (f"{name}, Europe/Vienna:", "sun 60 % by 06:30:00")


async def test_refuse_command(tell: Any, client: Client, car: Car) -> None:
    path = vehicle_path(car)
    for kind, refused in (
        ("sessions", f"{path}/sessions?{EVER}"),
        ("current_session", f"{path}/sessions/current"),
        ("charge_policy", f"{path}/charge-policy"),
        ("vehicles", vehicles_path(car.owner)),
    ):
        for status in (403, 404, 405):
            code, line = await tell("refuse", kind, "--status", str(status))
            assert (code, line) == (0, f"{kind} fails until recover")
            for _ in range(2):
                assert (await client.ask("GET", refused))[0] == status
            assert (await client.ask("GET", path))[0] == 200
            await tell("recover")
            assert (await client.ask("GET", refused))[0] == 200


async def test_shift_clock_command(tell: Any, simulator: Simulator) -> None:
    assert await tell("shift-clock", "90") == (0, "Mon 14:30")
    assert await tell("shift-clock", "-120") == (0, "Mon 12:30")
    assert simulator.clock.now() == MONDAY_NOON - timedelta(minutes=30)
    assert (await tell("shift-clock", "10000"))[0] == 1


async def test_fault_commands(tell: Any, client: Client, car: Car) -> None:
    code, line = await tell(
        *("fail", "--status", "429", "--path", "vehicle", "--count", "1"),
        *("--retry-after", "9"),
    )
    assert (code, line) == (0, "vehicle fails 1 times")
    status, _, headers = await client.ask("GET", vehicle_path(car))
    assert (status, headers["Retry-After"]) == (429, "9")
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200
    assert (await tell("stall", "--seconds", "30"))[0] == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.ask("GET", vehicle_path(car))
    assert await tell("recover") == (0, "works again")
    assert (await client.ask("GET", vehicle_path(car)))[0] == 200


async def test_commands_refused(client: Client) -> None:
    for method, path, body in (
        ("POST", "/faults", {"kind": "moon"}),
        ("POST", "/faults", {"color": "red"}),
        ("POST", "/advance", {"hours": -1}),
    ):
        status, answer, _ = await client.ask(method, f"/_simulator{path}", json=body)
        assert (status, list(answer)) == (422, ["detail"])
    assert (await client.ask("POST", "/_simulator/vehicles/1/fly"))[0] == 404


@pytest.mark.parametrize(
    "arguments",
    [["--home", "here"], ["--zone", "Moon/Sea"], ["set", "1", "battery_level"]],
)
def test_nonsense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert arguments[-1] in capsys.readouterr().err


async def test_nobody_there(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, ["status", "--url", "http://127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("simulator: ")


async def test_serve_until_terminated(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--port", "0", "--ago", "48"),
        *("--state", str(state)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        ready = await process.stdout.readline()
        assert ready.startswith(b"ready: http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")
    saved = load(state)
    assert saved is not None
    ago = datetime.now(UTC) - saved.now
    assert timedelta(hours=48) <= ago < timedelta(hours=48, minutes=1)
