"""Charging sessions and the weekly policy: the client and the simulator."""

from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
import json
from typing import Any

import orjson
import pytest

from custom_components.podero.api import (
    ChargePolicy,
    ChargingSession,
    DayPolicy,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    MethodNotAllowedError,
    NotFoundError,
    PoderoClient,
    PoderoError,
)
from custom_components.podero.api.client import MAX_PAGES
from simulator import Simulator
from simulator.faults import Kind

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
SESSION = {
    "id": "7d0f3b52-55a4-4d8e-9f57-6f1f0a9d3c11",
    "plug_in_time": "2026-11-02T18:10:00Z",
    "unplug_time": "2026-11-03T07:30:00+01:00",
    "inferred_session_end": "2026-11-03T01:40:00.250Z",
    "desired_charging_start_time": "2026-11-02T23:10:00Z",
    "desired_charging_end_time": "2026-11-03T01:40:00Z",
    "charge_deadline": "06:00:00",
    "target_soc_pct": 80,
    "initial_soc_pct": "41.5",
    "final_soc_pct": 80.0,
    "energy_charged_kwh": "23.40",
    "avg_charge_power_kw": 9.36,
    "peak_charge_power_kw": 11,
    "actual_cost_eur": "4.10",
    "expected_savings_eur": 1.2,
    "actual_savings_eur": -0.3,
    "is_at_home": True,
    "session_outcome": "a new word",
}
MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)
READ = ChargingSession(
    id="7d0f3b52-55a4-4d8e-9f57-6f1f0a9d3c11",
    plug_in_time=MIDNIGHT - timedelta(hours=5, minutes=50),
    unplug_time=MIDNIGHT + timedelta(hours=6, minutes=30),
    inferred_session_end=MIDNIGHT + timedelta(hours=1, minutes=40),
    desired_charging_start_time=MIDNIGHT - timedelta(minutes=50),
    desired_charging_end_time=MIDNIGHT + timedelta(hours=1, minutes=40),
    charge_deadline=time(6),
    target_soc_pct=80,
    initial_soc_pct=41.5,
    final_soc_pct=80,
    energy_charged_kwh=23.4,
    avg_charge_power_kw=9.36,
    peak_charge_power_kw=11,
    actual_cost_eur=4.1,
    expected_savings_eur=1.2,
    actual_savings_eur=-0.3,
    is_at_home=True,
    session_outcome="a new word",
)


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: the package does not import it."""


def _serve(simulator: Simulator, *documents: Any, kind: Kind = "sessions") -> None:
    """Answer one request with each document."""
    for document in documents:
        simulator.add_fault(kind=kind, body=orjson.dumps(document), count=1)


def _page(total: Any, first: int, count: int) -> dict[str, Any]:
    """Return a page of numbered sessions."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    items = [
        {
            "id": f"session {number}",
            "plug_in_time": (start + timedelta(hours=number)).isoformat(),
        }
        for number in range(first, first + count)
    ]
    return {"total": total, "items": items}


async def _get_sessions(
    simulator: Simulator, client: PoderoClient
) -> tuple[ChargingSession, ...]:
    return await client.get_sessions(simulator.vehicles[0].id, FIRST, LAST)


def _offsets(simulator: Simulator) -> list[str | None]:
    return [
        request.query.get("offset")
        for request in simulator.requests
        if request.path.endswith("/sessions")
    ]


# Models.


def test_session() -> None:
    """Every value is read, numbers also from strings, and unknown words are kept."""
    assert ChargingSession.from_json(SESSION) == READ
    assert set(SESSION) == ChargingSession.readers().keys()
    moment = SESSION | {"charge_deadline": "2026-11-03T06:00:00+01:00"}
    session = ChargingSession.from_json(moment)
    assert session.charge_deadline == MIDNIGHT + timedelta(hours=5)


@pytest.mark.parametrize("deadline", [SESSION["charge_deadline"], "06:00:00", None])
def test_a_session_that_is_stored(deadline: str | None) -> None:
    session = ChargingSession.from_json(SESSION | {"charge_deadline": deadline})
    stored = json.loads(json.dumps(session.as_json()))
    assert ChargingSession.from_json(stored) == session


def test_session_of_which_nothing_is_known() -> None:
    """Any value may be null or absent."""
    assert ChargingSession.from_json(dict.fromkeys(SESSION)) == ChargingSession()
    assert ChargingSession.from_json({}) == ChargingSession()


@pytest.mark.parametrize("value", [[], {}, "x", -200, True])
def test_bad_value_of_a_session(value: Any) -> None:
    """An invalid value makes only its field None, and the field is listed."""
    kept = {
        "session_outcome": str,
        "id": str,
        "is_at_home": bool,
        **dict.fromkeys(
            (
                *("energy_charged_kwh", "avg_charge_power_kw", "peak_charge_power_kw"),
                *("actual_cost_eur", "expected_savings_eur", "actual_savings_eur"),
            ),
            int,
        ),
    }
    for name in SESSION:
        session = ChargingSession.from_json(SESSION | {name: value})
        is_kept = type(value) is kept.get(name)
        assert session.invalid == (set() if is_kept else {name})
        for item in fields(ChargingSession):
            if item.name not in {name, "invalid"}:
                assert getattr(session, item.name) == getattr(READ, item.name)
        assert getattr(session, name) == (value if is_kept else None)


DAY = {"charge_percentage": 80, "charge_deadline": "06:30"}


@pytest.mark.parametrize(
    ("document", "days", "invalid"),
    [
        ({"mon": DAY}, {0: DayPolicy(charge_percentage=80, charge_deadline=time(6, 30))}, set()),
        ({"sun": {"charge_percentage": "70", "charge_deadline": None}}, {6: DayPolicy(charge_percentage=70)}, set()),
        ({"tue": {}, "wed": None}, {}, set()),
        ({"thu": 5, "fri": []}, {}, {"thu", "fri"}),
        ({"sat": {"charge_percentage": 101, "charge_deadline": "late"}}, {}, {"sat.charge_percentage", "sat.charge_deadline"}),
    ],
)  # fmt: skip
def test_charge_policy(
    document: dict[str, Any], days: dict[int, DayPolicy], invalid: set[str]
) -> None:
    """There are seven days from Monday on; an invalid one is None."""
    policy = ChargePolicy.from_json(document | {"timezone": "Europe/Vienna"})
    assert policy.timezone == "Europe/Vienna"
    assert policy.invalid == invalid
    assert len(policy.days) == 7
    for number, day in enumerate(policy.days):
        expected = days.get(number, DayPolicy())
        assert (day.charge_percentage, day.charge_deadline) == (
            expected.charge_percentage,
            expected.charge_deadline,
        )


@pytest.mark.parametrize("document", [None, [], {}, {"timezone": "UTC"}, {"detail": 1}])
def test_no_charge_policy(document: Any) -> None:
    """An object without any day is no policy."""
    with pytest.raises(InvalidResponseError):
        ChargePolicy.from_json(document)


# Requests.


async def test_requests(simulator: Simulator, client: PoderoClient) -> None:
    """The query has both days, inclusive; the running session has its own path."""
    car = simulator.vehicles[0]
    car.plug_in()
    await client.get_sessions(car.id, FIRST, LAST)
    running = await client.get_current_session(car.id)
    assert running is not None
    assert running.plug_in_time is not None
    assert running.unplug_time is None
    assert not running.invalid
    assert not running.unrecognized
    car.unplug()
    assert await client.get_current_session(car.id) is None
    sessions, current, _ = simulator.requests[-3:]
    assert sessions.method == current.method == "GET"
    assert sessions.path.endswith(f"/electric-vehicles/{car.id}/sessions")
    assert sessions.query == {
        "from": "2026-01-01",
        "to": "2026-12-31",
        "limit": "200",
        "offset": "0",
    }
    assert current.path == f"{sessions.path}/current"
    assert not current.query


async def test_completed_sessions(simulator: Simulator, client: PoderoClient) -> None:
    """A session is listed once it is over, as it was."""
    car = simulator.vehicles[0]
    car.plug_in()
    today = datetime.now(UTC).date()
    before = await client.get_sessions(car.id, today, today)
    running = await client.get_current_session(car.id)
    car.unplug()
    new, *others = await client.get_sessions(car.id, today, today)
    assert running is not None
    assert tuple(others) == before
    assert (new.id, new.plug_in_time) == (running.id, running.plug_in_time)
    assert new.unplug_time is not None
    assert not new.invalid
    assert not new.unrecognized


async def test_weekly_policy(simulator: Simulator, client: PoderoClient) -> None:
    """Each day has its own level and time, in the policy's time zone."""
    car = simulator.vehicles[0]
    car.set_day_policy("sun", 65, "09:15")
    car.set_policy_zone("Europe/Lisbon")
    policy = await client.get_charge_policy(car.id)
    assert policy.timezone == "Europe/Lisbon"
    assert not policy.invalid
    assert not policy.unrecognized
    *weekdays, sunday = policy.days
    assert len(weekdays) == 6
    assert sunday == DayPolicy(charge_percentage=65, charge_deadline=time(9, 15))
    preferences = car.document()
    assert preferences["minimum_charge_limit"] != 65
    assert {day.charge_percentage for day in weekdays} == {
        preferences["minimum_charge_limit"]
    }
    assert simulator.requests[-1].path.endswith(f"/{car.id}/charge-policy")


@pytest.mark.parametrize(
    ("pages", "count", "offsets"),
    [
        ([_page(0, 0, 0)], 0, [0]),
        ([_page(3, 0, 3)], 3, [0]),
        ([_page(450, 0, 200), _page(450, 200, 200), _page(450, 400, 50)], 450, [0, 200, 400]),
        # The service returns smaller pages.
        ([_page(120, 0, 50), _page(120, 50, 50), _page(120, 100, 20)], 120, [0, 50, 100]),
        # The total is wrong.
        ([_page(10**9, 0, 3), _page(10**9, 3, 0)], 3, [0, 3]),
        ([_page(0, 0, 200), _page(0, 200, 7)], 207, [0, 200]),
        ([_page(200, 0, 200), _page(200, 200, 7)], 207, [0, 200]),
        ([_page(200, 0, 200), _page(200, 200, 0)], 200, [0, 200]),
        ([_page(-1, 0, 3)], 3, [0]),
        *(([_page(total, 0, 3), _page(total, 3, 0)], 3, [0, 3]) for total in (None, "9", [], {}, 1.5)),
        # The offset is ignored, or a session moved to the next page meanwhile.
        ([_page(450, 0, 200), _page(450, 0, 200)], 200, [0, 200]),
        ([_page(300, 0, 200), _page(301, 199, 101)], 300, [0, 200]),
        ([_page(9, 0, 3), _page(9, 3, 3), _page(9, 0, 6)], 6, [0, 3, 6]),
    ],
)  # fmt: skip
async def test_pages(
    simulator: Simulator,
    client: PoderoClient,
    pages: list[dict[str, Any]],
    count: int,
    offsets: list[int],
) -> None:
    """All sessions are returned, each once, whatever the total says."""
    _serve(simulator, *pages)
    sessions = await _get_sessions(simulator, client)
    assert [session.id for session in sessions] == [
        f"session {n}" for n in range(count)
    ]
    assert _offsets(simulator) == [f"{offset}" for offset in offsets]


async def test_endless_list(simulator: Simulator, client: PoderoClient) -> None:
    """Endless pages raise an error."""
    _serve(simulator, *(_page(10**6, number, 1) for number in range(MAX_PAGES + 5)))
    with pytest.raises(InvalidResponseError):
        await _get_sessions(simulator, client)
    assert len(_offsets(simulator)) == MAX_PAGES


async def test_broken_sessions(simulator: Simulator, client: PoderoClient) -> None:
    """Invalid sessions are listed as such; two with the same id are both returned."""
    other = SESSION | {"energy_charged_kwh": [], "news": 1}
    items = [SESSION, 5, None, "x", [], {}, other]
    _serve(simulator, {"total": len(items), "items": items})
    first, *unknown, last = await _get_sessions(simulator, client)
    assert first == READ
    assert unknown == [ChargingSession()] * 5
    assert last.id == first.id
    assert last.invalid == {"energy_charged_kwh"}
    assert last.unrecognized == {"news": "int"}


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"total": 1}, {"items": None}, {"items": {}}, {"detail": "No"}, 5],
)
async def test_answers_that_are_none(
    simulator: Simulator, client: PoderoClient, document: Any
) -> None:
    """An answer without sessions, session or policy is invalid."""
    vehicle_id = simulator.vehicles[0].id
    _serve(simulator, document)
    with pytest.raises(InvalidResponseError):
        await client.get_sessions(vehicle_id, FIRST, LAST)
    _serve(simulator, document, kind="current_session")
    with pytest.raises(InvalidResponseError):
        await client.get_current_session(vehicle_id)
    _serve(simulator, document, {"data": document}, kind="charge_policy")
    for _ in range(2):
        with pytest.raises(InvalidResponseError):
            await client.get_charge_policy(vehicle_id)


@pytest.mark.parametrize("value", [5, "x", [], [SESSION], True])
async def test_no_current_session(
    simulator: Simulator, client: PoderoClient, value: Any
) -> None:
    """A session that is neither an object nor null is invalid."""
    _serve(simulator, {"session": value}, kind="current_session")
    with pytest.raises(InvalidResponseError):
        await client.get_current_session(simulator.vehicles[0].id)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, ForbiddenError),
        (404, NotFoundError),
        (405, MethodNotAllowedError),
        (422, InvalidRequestError),
    ],
)
async def test_not_served(
    simulator: Simulator, client: PoderoClient, status: int, error: type[PoderoError]
) -> None:
    """Refusals of these endpoints raise different errors."""
    await client.authenticate()
    simulator.add_fault(status=status)
    vehicle_id = simulator.vehicles[0].id
    for get in (
        lambda: client.get_sessions(vehicle_id, FIRST, LAST),
        lambda: client.get_current_session(vehicle_id),
        lambda: client.get_charge_policy(vehicle_id),
    ):
        with pytest.raises(PoderoError) as refusal:
            await get()
        assert type(refusal.value) is error
