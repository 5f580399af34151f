"""Properties that hold for generated documents, responses and URLs."""

from datetime import UTC, datetime
from itertools import product
import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings, strategies as st
from jsonschema import Draft202012Validator, FormatChecker
import orjson
import pytest
from yarl import URL

from .documents import (
    SCHEMA,
    VEHICLE,
    Document,
    believed,
    breakages,
    broken,
    documents,
    json_values,
    junk,
    lost,
    on_the_wire,
    told,
    undecodable,
    vehicle_of,
)
from custom_components.podero.api import (
    AuthenticationError,
    ChargePolicy,
    ChargingSession,
    DayPolicy,
    InvalidResponseError,
    Observations,
    PoderoError,
    Transport,
    UntrustedLinkError,
    Vehicle,
    parse_base_url,
)
from custom_components.podero.api.auth import Token
from custom_components.podero.api.sessions import WEEKDAYS
from custom_components.podero.api.transport import Response, parse_retry_after
from custom_components.podero.charging.events import ChargingEvents
from custom_components.podero.diagnostics import describe_vehicle

MANY = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SOME = settings(MANY, max_examples=100)
# Hypothesis warns about its own use of random numbers.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: no test here uses it."""


@SOME
@given(documents)
def test_what_is_drawn_keeps_to_the_contract(document: Document) -> None:
    """Generated documents are valid against the schema."""
    VALIDATOR.validate(document)


@SOME
@given(documents.map(on_the_wire))
def test_a_vehicle_of_the_contract(document: Document) -> None:
    """Every value of a valid document is converted as its schema says."""
    vehicle = Vehicle.from_json(document)
    assert not vehicle.invalid
    assert not vehicle.unrecognized
    for name, schema in VEHICLE["properties"].items():
        expected = believed(document.get(name), schema, name)
        assert told(getattr(vehicle, name), schema) == expected, name


@SOME
@given(documents, breakages(junk | undecodable), lost)
def test_a_broken_vehicle(document: Document, news: Document, gone: set[str]) -> None:
    """Invalid values raise nothing and leave the other fields as they are."""
    whole = Vehicle.from_json(document)
    vehicle = Vehicle.from_json(broken(document, news, gone))
    for name in VEHICLE["properties"].keys() - news.keys() - gone:
        assert getattr(vehicle, name) == getattr(whole, name), name
    for name in (news.keys() & VEHICLE["properties"].keys()) - gone:
        alone = vehicle_of(**{name: news[name]})
        assert getattr(vehicle, name) == getattr(alone, name), name
        assert (name in vehicle.invalid) == (name in alone.invalid), name
    assert vehicle.unrecognized.keys() == news.keys() - VEHICLE["properties"].keys()
    _assert_plausible(vehicle)


@SOME
@given(documents, breakages(junk), lost)
def test_a_vehicle_after_another(
    document: Document, news: Document, gone: set[str]
) -> None:
    """Converting only what differs from the last document gives the same vehicle."""
    other = broken(document, news, gone)
    _assert_same_after(document, other)
    _assert_same_after(other, document)
    _assert_same_after(other, other)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b'{"data":', b"}"), (b"[", b"]"), (b'{"actions":[', b"]}")],
)
def test_a_deeply_nested_value(opening: bytes, closing: bytes) -> None:
    """What the JSON parser accepts can be compared and noted."""
    deep = opening * 500 + b"1" + closing * 500
    for name in ("actions", "data", "news"):
        document, last = (
            {"owner": None, "battery_level": level, name: orjson.loads(deep)}
            for level in (40, 30)
        )
        Observations().note("GET", "/", 200, {}).note(document)
        _assert_same_after(document, last)


def test_a_value_after_another() -> None:
    """Values that are equal but not of the same type are not taken for each other."""
    values = (
        *(None, True, 1, 1.0, False, 0, -0.0, "1", [], [1], [True], {}),
        *({"year": 2020}, {"year": 2020.0}, {"year": True}, {"year": "new"}),
    )
    for name in VEHICLE["properties"]:
        for last, value in product(values, repeat=2):
            _assert_same_after(
                {"owner": None, name: value}, {"owner": None, name: last}
            )


def _assert_same_after(document: Document, last: Document) -> None:
    """Assert that it does not matter which document was converted before."""
    alone = Vehicle.from_json(document)
    after = Vehicle.from_json(document, (last, Vehicle.from_json(last)))
    assert after == alone
    # Equal is not enough: true is equal to 1.
    for name, schema in VEHICLE["properties"].items():
        one, other = (told(getattr(it, name), schema) for it in (alone, after))
        assert repr(one) == repr(other), name


def _assert_plausible(vehicle: Vehicle) -> None:
    """Assert that entities can show every value."""
    for name in ("battery_level", "battery_at_plug_in", "minimum_charge_limit"):
        assert 0 <= (getattr(vehicle, name) or 0) <= 100
    assert -90 <= (vehicle.latitude or 0) <= 90
    assert -180 <= (vehicle.longitude or 0) <= 180
    assert 0 <= (vehicle.consumption_last_day_kwh or 0) < 10**15
    for name, value in vars(vehicle).items():
        assert not isinstance(value, datetime) or value.tzinfo is UTC, name
        assert value != "", name
    assert vehicle.charging_state is None or isinstance(vehicle.charging_state, str)
    json.dumps(describe_vehicle(vehicle), allow_nan=False)


@SOME
@given(
    documents.map(json.dumps),
    st.integers(0, 3000),
    st.binary(max_size=4),
    st.integers(0, 20),
)
def test_a_mutilated_answer(text: str, place: int, junk: bytes, cut: int) -> None:
    """A damaged response is invalid, or a vehicle that can be shown."""
    body = text.encode()
    body = body[:place] + junk + body[place + cut :]
    try:
        vehicle = Vehicle.from_json(Response(200, body).json())
    except InvalidResponseError:
        return
    _assert_plausible(vehicle)


_sessions = st.dictionaries(
    st.sampled_from(sorted(ChargingSession.readers())), junk | undecodable, max_size=6
)
_weekdays = st.sampled_from([*WEEKDAYS, "timezone"])
_policies = st.dictionaries(
    _weekdays,
    junk
    | undecodable
    | st.fixed_dictionaries({}, optional=dict.fromkeys(DayPolicy.readers(), junk)),
)


@MANY
@given(_sessions, _policies)
def test_a_broken_session_or_policy(session: Document, policy: Document) -> None:
    """Invalid values raise nothing and leave the other fields as they are."""
    read = ChargingSession.from_json(session)
    assert read.invalid <= session.keys()
    for name, value in session.items():
        alone = ChargingSession.from_json({name: value})
        assert getattr(read, name) == getattr(alone, name), name
        assert (name in read.invalid) == (name in alone.invalid), name
    for day in ChargePolicy.from_json({"mon": None} | policy).days:
        assert day.charge_percentage is None or 0 <= day.charge_percentage <= 100
        assert day.charge_deadline is None or day.charge_deadline.tzinfo is None


@MANY
@given(json_values | junk, st.sampled_from([200, 200, 200, 400, 401, 403, 500]))
def test_any_answer_of_the_token_url(answer: Any, status: int) -> None:
    """Any response is an error, or a token that can be sent in a header."""
    for document in (
        answer,
        {"access_token": answer},
        {"access_token": "t"} | _as(answer),
    ):
        body = orjson.dumps(document)
        try:
            token = Token.from_response(Response(status, body))
        except AuthenticationError:
            assert status in {400, 401, 403}
        except PoderoError:
            pass
        else:
            assert status == 200
            token.access_token.encode("ascii")
            assert not any(character.isspace() for character in token.access_token)
            assert token.refresh_token is None or token.refresh_token.isascii()


def _as(answer: Any) -> dict[str, Any]:
    return {"expires_in": answer, "refresh_token": answer}


ORIGIN = URL("https://app.podero.com")
_pieces = st.sampled_from(
    [
        *("/", "//", "\\", "..", ".", "?", "#", "@", ":", "[", "]", "%2f", "%00", ";"),
        *("https:", "http://", "javascript:", "evil.example", "app.podero.com", "443"),
        *(" ", "\t", "\n", "\u2028", "secret=a%2Bb", "api", "=", "&", "ü"),
    ]
)
references = st.lists(_pieces, max_size=8).map("".join) | st.text(max_size=20)


@MANY
@given(references)
def test_no_reference_leads_elsewhere(reference: str) -> None:
    """Any reference is refused, or resolves to the account's own origin."""
    transport = Transport(None, str(ORIGIN))  # type: ignore[arg-type]
    try:
        url = transport.resolve(reference)
    except UntrustedLinkError:
        return
    assert url.origin() == ORIGIN
    assert url.user is None
    assert str(url).partition("#")[0].isascii()
    assert URL(str(url)).host == ORIGIN.host


@MANY
@given(references.map(lambda text: f"https://app.podero.com{text}") | references)
def test_any_base_url(text: str) -> None:
    """Any text is refused, or is an origin."""
    try:
        url = parse_base_url(text)
    except ValueError:
        return
    assert url.scheme == "https" or url.host in {"localhost", "127.0.0.1", "::1"}
    assert (url.raw_path, url.raw_query_string, url.raw_fragment) == ("/", "", "")
    assert url.user is None


@MANY
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40))
def test_any_retry_after(header: str) -> None:
    """Any header is a number of seconds, or None."""
    seconds = parse_retry_after(header)
    assert seconds is None or seconds >= 0


_flags = st.sampled_from([None, True, False])
_readings = st.lists(
    st.fixed_dictionaries(
        {"is_plugged_in": _flags, "is_charging": _flags, "is_fully_charged": _flags}
    ),
    max_size=12,
)


@MANY
@given(_readings, st.data())
def test_an_outage_neither_invents_nor_loses(
    readings: list[Document], data: st.DataObject
) -> None:
    """An empty reading anywhere in a sequence changes no event."""
    assume(readings)
    place = data.draw(st.integers(0, len(readings)))
    interrupted = [*readings[:place], {}, *readings[place:]]
    assert _events(interrupted) == _events(readings)


def _events(readings: list[Document]) -> list[str]:
    history = ChargingEvents()
    return [
        event for reading in readings for event in history.derive(vehicle_of(**reading))
    ]
