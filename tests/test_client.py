"""Requests, responses and errors of the client and its transport, over HTTP."""

import asyncio
from collections.abc import Callable, Coroutine
import compression.zstd
from email.utils import format_datetime
import gzip
from http import HTTPStatus
from ssl import PROTOCOL_TLS_SERVER, SSLContext
import tracemalloc
from typing import Any
import zlib

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest
from yarl import URL

from homeassistant.util import dt as dt_util

from .support import (
    HeldFault,
    grants,
    impatience,
    raw_server,
    self_signed,
    token_requests,
    until,
)
from custom_components.podero.api import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    MethodNotAllowedError,
    NotFoundError,
    PoderoClient,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    ResolutionLink,
    TokenRefusedError,
    Transport,
    UntrustedLinkError,
    Vehicle,
    parse_base_url,
)
from custom_components.podero.api.transport import MAX_RESPONSE_SIZE
from simulator import Fault, Server, Simulator
from simulator.actions import ALL_PARAMETERS

ORIGIN = "https://app.podero.com"
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: the package does not import it."""


@pytest.fixture
def vehicle_id(simulator: Simulator) -> str:
    """Return the id of the first vehicle."""
    return simulator.vehicles[0].id


# URLs.


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.podero.com", ORIGIN),
        (" https://app.podero.com/ ", ORIGIN),
        ("HTTPS://App.Podero.com", ORIGIN),
        ("https://app.podero.com:443", ORIGIN),
        ("https://podero.example:8443", "https://podero.example:8443"),
        ("https://podero.example.", "https://podero.example."),
        (f"https://{'a' * 63}.local", f"https://{'a' * 63}.local"),
        ("http://localhost:8123", "http://localhost:8123"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_base_urls(text: str, origin: str) -> None:
    """A base URL is an origin with https, or with http on the loopback."""
    assert str(parse_base_url(text).origin()) == origin


@pytest.mark.parametrize(
    "text",
    [
        *("", "app.podero.com", "//app.podero.com", "/path", "https://", "https:app"),
        *("http://app.podero.com", "ftp://app.podero.com", "file:///etc/passwd"),
        *("http://localhost.example", "http://127.0.0.1.example", "http://2130706433"),
        *("http://0.0.0.0", "http://10.0.0.1", "http://[fe80::1]", "http://[::"),
        *("https://user@app.podero.com", "https://user:password@app.podero.com"),
        *("https://app.podero.com/path", "https://app.podero.com/?query=1"),
        *("https://app.podero.com/#fragment", "https://app.podero.com:99999"),
        f"https://xn--a{'1' * 70}app.podero.com",
        *("javascript:alert(1)", "ws://localhost"),
        *("https://[]@", "https://a]b[@", "//[]@"),
        *("https://a..b", "https://.a", "https://.", f"https://{'a' * 64}.local"),
    ],
)
def test_no_base_urls(text: str) -> None:
    """Anything else raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - that it is refused is all there is to it
        Transport(None, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("/api/cues/1/resolve?secret=a%2Fb+c", "/api/cues/1/resolve?secret=a%2Fb+c"),
        ("/a/../b?x=%41&y=~", "/b?x=%41&y=~"),
        ("/.//evil.example/", "//evil.example/"),
        ("@evil.example/x", "/@evil.example/x"),
        ("path", "/path"),
        ("?secret=1", "/?secret=1"),
    ],
)
def test_references(reference: str, address: str) -> None:
    """A relative reference resolves to the origin, and its query is kept as it is."""
    resolved = Transport(None, ORIGIN).resolve(reference)  # type: ignore[arg-type]
    assert str(resolved) == f"{ORIGIN}{address}"
    assert resolved.host == "app.podero.com"


HOSTILE = [
    *("", "https://evil.example/", "http://app.podero.com/", "//evil.example/x"),
    *("///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example"),
    *("https:/evil.example", "javascript:alert(1)", "data:text/html,x", " /x", "/x y"),
    *("/x\n/y", "/x\r\nHost: evil", "/\u202e", "/ü", '/"', "/<x>", "/{x}", "/x|y"),
    *(
        "//",
        "//user@evil.example",
        "/^",
        "/`",
        "x://]",
        "https://[]@",
        "\thttps://evil.example",
        "/\x00",
    ),
]


@pytest.mark.parametrize("reference", HOSTILE)
def test_hostile_references(reference: str) -> None:
    """A reference that could be parsed as another origin is refused."""
    with pytest.raises(UntrustedLinkError):
        Transport(None, ORIGIN).resolve(reference)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["token", "vehicle", "preferences", "cues"])
async def test_redirects_are_not_followed(
    simulator: Simulator, client: PoderoClient, vehicle_id: str, status: int, kind: Any
) -> None:
    """A redirect is an invalid response: neither the token nor a body is sent to its target."""
    calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "token": lambda: client.get_vehicle(vehicle_id),
        "vehicle": lambda: client.get_vehicle(vehicle_id),
        "preferences": lambda: client.set_preferences(vehicle_id, comment="x"),
        "cues": lambda: client.resolve_action(
            ResolutionLink(url="/api/partners/v2.0/cues/1/resolve?secret=1"), {}
        ),
    }
    async with Server(Simulator()) as elsewhere:
        simulator.add_fault(
            kind=kind, status=status, headers={"Location": f"{elsewhere.url}/oauth2/"}
        )
        with pytest.raises(InvalidResponseError):
            await calls[kind]()
        assert not elsewhere.simulator.requests


@pytest.mark.parametrize(
    "not_an_id", ["", "..", "1", "../../users/x", "%2e%2e", "x" * 36, "?a=b", "#"]
)
async def test_ids_that_are_no_uuids_reach_no_url(
    simulator: Simulator, client: PoderoClient, not_an_id: str
) -> None:
    """They are refused before a request is made."""
    for call in (
        client.get_vehicle(not_an_id),
        client.set_preferences(not_an_id, comment="x"),
        client.start_boost(not_an_id),
        client.cancel_boost(not_an_id),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert not simulator.requests
    valid = simulator.account.user_id
    for ids in ((not_an_id, valid), (valid, not_an_id)):
        with pytest.raises(ValueError, match="UUID"):
            PoderoClient(None, None, *ids)  # type: ignore[arg-type]


# Requests.


async def test_requests(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """Each method sends the documented method, path and body, with the token."""
    account = simulator.account
    vehicles = (
        f"/api/partners/v2.0/org/{account.organization_id}"
        f"/users/{account.user_id}/electric-vehicles"
    )
    await client.get_vehicles()
    await client.get_vehicle(vehicle_id)
    await client.set_preferences(vehicle_id, minimum_charge_limit=70)
    await client.start_boost(vehicle_id)
    await client.cancel_boost(vehicle_id)
    token, *requests = simulator.requests
    assert [(r.method, r.path, r.json) for r in requests] == [
        ("GET", vehicles, None),
        ("GET", f"{vehicles}/{vehicle_id}", None),
        ("PUT", f"{vehicles}/{vehicle_id}", {"minimum_charge_limit": 70}),
        ("POST", f"{vehicles}/{vehicle_id}/boost", None),
        ("DELETE", f"{vehicles}/{vehicle_id}/boost", None),
    ]
    assert token.path == "/api/partners/v2.0/auth/token"
    assert len({r.headers["Authorization"] for r in requests}) == 1
    assert all(r.headers["Authorization"].startswith("Bearer ") for r in requests)
    assert all(not r.query for r in requests)


async def test_vehicles(simulator: Simulator, client: PoderoClient) -> None:
    """Only vehicles are returned; a response that is not a list is invalid."""
    simulator.add_vehicle(owner=simulator.neighbor)
    own = {vehicle.id for vehicle in await client.get_vehicles()}
    assert own == {car.id for car in simulator.vehicles[:2]}
    body = b'[1, {}, "x", null, {"detail": "Gone"}, {"owner": null}, []]'
    simulator.add_fault(kind="vehicles", body=body, count=1)
    assert await client.get_vehicles() == (Vehicle(),)
    for body in (b"{}", b"null", b"1", b'"x"'):
        simulator.add_fault(kind="vehicles", body=body, count=1)
        with pytest.raises(InvalidResponseError):
            await client.get_vehicles()


async def test_same_answer(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """An identical response returns the same object; 1 and true are not identical."""
    read = []
    for level in (b"1", b"1", b"true", b"1.0", b"1"):
        body = b'{"owner": null, "battery_level": %s}' % level
        simulator.add_fault(kind="vehicle", body=body, count=1)
        read.append(await client.get_vehicle(vehicle_id))
    assert read[0] is read[1]
    assert [vehicle.battery_level for vehicle in read] == [1, 1, None, 1, 1]
    assert [vehicle.invalid for vehicle in read[2:4]] == [{"battery_level"}, set()]


async def test_another_vehicles_answer(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """It is an invalid response; one without an id, which the contract allows, is not."""
    car, other = simulator.vehicles
    car.override(id=other.id)
    with pytest.raises(InvalidResponseError):
        await client.get_vehicle(vehicle_id)
    car.override(id=None)
    assert (await client.get_vehicle(vehicle_id)).id is None
    car.override(id=vehicle_id.upper().replace("-", ""))
    assert (await client.get_vehicle(vehicle_id)).id == vehicle_id


async def test_sign_in_to_the_maker(
    server: Server, simulator: Simulator, client: PoderoClient
) -> None:
    """An action is started with the token; its outcome is reported without it."""
    car = simulator.vehicles[0]
    car.raise_reauthenticate()
    vehicle = await client.get_vehicle(car.id)
    assert vehicle.actions is not None
    link = vehicle.actions[0].resolution_link
    assert link is not None
    page = "http://ha.example/done"
    address = await client.resolve_action(link, dict.fromkeys(ALL_PARAMETERS, page))
    assert address is not None
    assert address.startswith(server.url)
    await client.report_action(link, "fail")
    await client.report_action(link, "success")
    resolve, fail, _ = simulator.requests[-3:]
    assert resolve.path.endswith("/resolve")
    assert resolve.headers["Authorization"].startswith("Bearer ")
    assert fail.path == resolve.path.replace("/resolve", "/state")
    assert fail.query == resolve.query
    assert "Authorization" not in fail.headers
    assert not car.document()["actions"]
    with pytest.raises(NotFoundError):
        await client.report_action(link, "success")


async def test_message_is_read(simulator: Simulator, client: PoderoClient) -> None:
    """Resolving a message returns no URL."""
    car = simulator.vehicles[0]
    car.raise_message("Hello")
    actions = (await client.get_vehicle(car.id)).actions
    assert actions
    assert actions[0].resolution_link
    assert await client.resolve_action(actions[0].resolution_link, {}) is None
    assert not (await client.get_vehicle(car.id)).actions


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/relative"),
        *("//evil.example", "http://", "https://[::", "", "homeassistant://x"),
    ],
)
async def test_hostile_addresses(
    simulator: Simulator, client: PoderoClient, address: str
) -> None:
    """A redirect that is not an http(s) URL is refused."""
    body = b'{"redirect_url": "%s"}' % address.encode()
    simulator.add_fault(kind="cues", body=body)
    link = ResolutionLink(url="/api/partners/v2.0/cues/1/resolve?secret=1")
    with pytest.raises(UntrustedLinkError):
        await client.resolve_action(link, {})


CUES = "/api/partners/v2.0/cues"
ELSEWHERE = [
    *(f"{CUES}/../org/anything", f"{CUES}/../../v2.0/auth/token", "/oauth2/token/"),
    *(f"{CUES}/%2e%2e/org/x", f"{CUES}/.%2E/org/x", f"{CUES}/..%2forg/x"),
    *(f"{CUES}/%252e%252e/org/x", f"{CUES}/1/..%5corg", f"{CUES}/1%2f..%2f..%2forg"),
    *(f"{CUES}//org/x", f"{CUES}/1//resolve", f"/{CUES}/1/resolve", f"{CUES}/..;/org"),
    *(CUES, f"{CUES}/", f"{CUES}?secret=1", f"{CUES}x/1", f"{CUES}/.", f"{CUES}/1/../"),
    *("/api/partners/v2.0/org/x", "/api/partners/v2x0/cues/1/resolve", "/", "cues/1"),
    *("/api/partners/v2%2e0/cues/1", f"{CUES}/1/%72esolve", f"/x{CUES}/1/resolve"),
]


@pytest.mark.parametrize("reference", [None, *HOSTILE[:6], *ELSEWHERE])
async def test_links_to_elsewhere(
    simulator: Simulator, client: PoderoClient, reference: str | None
) -> None:
    """No request is made for a link to anything but an action's endpoint."""
    link = ResolutionLink(url=reference)
    with pytest.raises(UntrustedLinkError):
        await client.resolve_action(link, {})
    with pytest.raises(UntrustedLinkError):
        await client.report_action(link, "fail")
    assert not simulator.requests


@pytest.mark.parametrize(
    ("reference", "resolve", "state"),
    [
        ("/1/resolve", "/1/resolve", "/1/state"),
        ("/a-B_7/resolve/", "/a-B_7/resolve/", "/a-B_7/state"),
        ("/1/information/resolve", "/1/information/resolve", "/1/state"),
        ("/x/../1/./resolve", "/1/resolve", "/1/state"),
        ("/../cues/1/resolve", "/1/resolve", "/1/state"),
    ],
)
async def test_links_to_actions(
    simulator: Simulator,
    client: PoderoClient,
    reference: str,
    resolve: str,
    state: str,
) -> None:
    """The resolved path is requested, with the query as it is."""
    link = ResolutionLink(url=f"{CUES}{reference}?secret=a%2Fb")
    # The simulator has no such action.
    with pytest.raises((ForbiddenError, NotFoundError)):
        await client.resolve_action(link, {})
    with pytest.raises((ForbiddenError, NotFoundError)):
        await client.report_action(link, "success")
    _, *requests = simulator.requests
    assert [request.path for request in requests] == [CUES + resolve, CUES + state]
    assert all(request.query == {"secret": "a/b"} for request in requests)


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ([401], None),
        ([401, 401], InvalidRequestError),
        ([401, 404], NotFoundError),
        ([401, 503], PoderoConnectionError),
        ([403], ForbiddenError),
    ],
)
async def test_outcome_that_needs_the_token(
    simulator: Simulator,
    client: PoderoClient,
    statuses: list[int],
    error: type[PoderoError] | None,
) -> None:
    """The token is sent once after a 401."""
    car = simulator.vehicles[0]
    car.raise_reauthenticate()
    actions = (await client.get_vehicle(car.id)).actions
    assert actions
    link = actions[0].resolution_link
    assert link is not None
    await client.resolve_action(link, dict.fromkeys(ALL_PARAMETERS, "http://ha/done"))
    simulator.requests.clear()
    for status in statuses:
        simulator.add_fault(kind="cues", status=status, count=1)
    outcome = await asyncio.gather(
        client.report_action(link, "success"), return_exceptions=True
    )
    assert [type(value) for value in outcome] == [error or type(None)]
    sent = ["Authorization" in request.headers for request in simulator.requests]
    assert sent == ([False, True] if statuses[0] == 401 else [False])
    assert bool(car.document()["actions"]) is (error is not None)


# Responses.


async def _try(client: PoderoClient, vehicle_id: str) -> PoderoError | None:
    try:
        await client.get_vehicle(vehicle_id)
    except PoderoError as err:
        return err
    return None


def test_every_error_has_a_key() -> None:
    """Translations are found by it."""
    assert {kind.__name__: kind.key for kind in PoderoError.__subclasses__()} == {
        "AuthenticationError": "invalid_auth",
        "ForbiddenError": "forbidden",
        "NotFoundError": "not_found",
        "ConflictError": "conflict",
        "InvalidRequestError": "invalid_request",
        "InvalidResponseError": "invalid_response",
        "PoderoConnectionError": "cannot_connect",
    }
    assert TokenRefusedError.key == "invalid_auth"
    assert MethodNotAllowedError.key == "invalid_request"
    assert UntrustedLinkError.key == "untrusted_link"
    assert RateLimitError.key == "rate_limited"


async def test_every_status(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """Each status from 400 to 599 raises its error."""
    expected: dict[int, type[PoderoError]] = {
        **dict.fromkeys(range(400, 500), InvalidRequestError),
        **dict.fromkeys(range(500, 600), PoderoConnectionError),
        HTTPStatus.UNAUTHORIZED: TokenRefusedError,
        HTTPStatus.FORBIDDEN: ForbiddenError,
        HTTPStatus.NOT_FOUND: NotFoundError,
        HTTPStatus.GONE: NotFoundError,
        HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowedError,
        HTTPStatus.REQUEST_TIMEOUT: PoderoConnectionError,
        HTTPStatus.CONFLICT: ConflictError,
        HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
    }
    seen = {}
    for status in expected:
        simulator.add_fault(kind="vehicle", status=status)
        seen[status] = type(await _try(client, vehicle_id))
        simulator.clear_faults()
    assert seen == expected
    assert await _try(client, vehicle_id) is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=204, body=b""),
        Fault(status=304, body=b""),
        *(Fault(body=body) for body in (b"", b"null", b"[]", b"3", b'"x"', b"true")),
        Fault(body=b'{"battery_level": 5', content_type="application/json"),
        Fault(body=b"<html><title>Sign in</title></html>", content_type="text/html"),
        Fault(body=b'{"battery_level": NaN}'),
        Fault(body=b'{"battery_level": -Infinity}'),
        Fault(body=b'{"battery_level": 1e400}'),
        Fault(body=b'{"comment": "\\ud800"}'),
        Fault(body=b'{"comment": "\xff"}'),
        Fault(body=b"\xef\xbb\xbf{}"),
        Fault(body=b'{"a":' * 5000 + b"1" + b"}" * 5000),
        Fault(body=b"[" * 500000),
        Fault(body=b"{} {}"),
        Fault(body=b"{}"),
        Fault(body=b'{"detail": "Not available"}'),
        Fault(body=b'{"error": {"code": "maintenance"}}'),
        Fault(body=b'{"status": "error", "message": "Later"}'),
    ],
    ids=lambda fault: f"{fault.status or ''}{(fault.body or b'')[:24]!r}",
)
async def test_answers_that_are_none(
    simulator: Simulator, client: PoderoClient, vehicle_id: str, fault: Fault
) -> None:
    """A response that is not a vehicle raises an error that does not contain it."""
    fault.kind = "vehicle"
    simulator.add_fault(fault)
    err = await _try(client, vehicle_id)
    assert type(err) is InvalidResponseError
    assert err.__cause__ is None
    assert err.__suppress_context__ or err.__context__ is None


async def test_content_type_does_not_matter(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """The body is parsed whatever its content type is."""
    body = b'{"battery_level": 41, "owner": null}'
    simulator.add_fault(kind="vehicle", body=body, content_type="text/plain")
    assert (await client.get_vehicle(vehicle_id)).battery_level == 41


@pytest.mark.parametrize(
    "fault",
    [
        Fault(reset=True),
        Fault(truncate_at=0),
        Fault(truncate_at=100),
        Fault(delay=9),
        Fault(body_delay=9),
        Fault(body=b"not compressed", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["reset", "cut at once", "cut in the body", "silence", "stall", "encoding"],
)
async def test_broken_connections(
    simulator: Simulator, client: PoderoClient, vehicle_id: str, fault: Fault
) -> None:
    """A connection that breaks or stalls is a connection error; the next request succeeds."""
    fault.kind = "vehicle"
    simulator.add_fault(fault)
    await client.authenticate()
    with impatience():
        assert type(await _try(client, vehicle_id)) is PoderoConnectionError
    simulator.clear_faults()
    assert await _try(client, vehicle_id) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc Nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX\x00Y: 1\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=range(10),
)
@pytest.mark.usefixtures("simulator")
async def test_no_http(session: aiohttp.ClientSession, answer: bytes) -> None:
    """A response that is not HTTP is a connection error."""
    async with raw_server(answer) as url:
        with impatience(), pytest.raises(PoderoConnectionError):
            await Transport(session, url).request("GET", "/")


@pytest.mark.usefixtures("simulator")
async def test_tls_failures(session: aiohttp.ClientSession) -> None:
    """A self-signed certificate and plain HTTP are connection errors."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed())
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    for options in ({"ssl": context}, {}):
        async with raw_server(answer, **options) as url:
            transport = Transport(session, url.replace("http:", "https:"))
            with impatience(), pytest.raises(PoderoConnectionError):
                await transport.request("GET", "/")


@pytest.mark.usefixtures("simulator")
async def test_refused_connection(session: aiohttp.ClientSession) -> None:
    """A closed port is a connection error."""
    async with raw_server(b"") as url:
        pass
    with pytest.raises(PoderoConnectionError):
        await Transport(session, url).request("GET", "/")


# Size limit.


async def test_size_bound(simulator: Simulator, transport: Transport) -> None:
    """A body of the maximum size is read, one that is a byte larger is refused."""
    simulator.add_fault(body=b" " * MAX_RESPONSE_SIZE, count=1)
    answer = await transport.request("POST", "/oauth2/token/")
    assert len(answer.body) == MAX_RESPONSE_SIZE == MEBIBYTE
    simulator.add_fault(body=b" " * (MAX_RESPONSE_SIZE + 1), count=1)
    with pytest.raises(InvalidResponseError, match="too large"):
        await transport.request("POST", "/oauth2/token/")


def _gzip_twice(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2]) * 2


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("gzip", _gzip_twice),
        ("deflate", zlib.compress),
        ("zstd", compression.zstd.compress),
    ],
)
async def test_50_megabytes(
    simulator: Simulator,
    transport: Transport,
    encoding: str,
    compress: Callable[[bytes], bytes],
) -> None:
    """Reading an endless body or a decompression bomb stops at the maximum size."""
    body = compress(bytes(50 * MEBIBYTE))
    simulator.add_fault(body=body, headers={"Content-Encoding": encoding})
    tracemalloc.start(1)
    try:
        before, _ = tracemalloc.get_traced_memory()
        with pytest.raises(InvalidResponseError, match="too large"):
            await transport.request("POST", "/oauth2/token/")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 8 * MEBIBYTE


# Retry-After.


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("9" * 400, float("inf"))),
        *(
            (nonsense, None)
            for nonsense in ("-5", "1.5", "soon", "", "1e3", "٣", "NaN")
        ),
        *((nonsense, None) for nonsense in ("Wed, 99 Foo 2026 99:99:99", "12:00", ",")),
    ],
)
async def test_retry_after(
    simulator: Simulator,
    client: PoderoClient,
    vehicle_id: str,
    status: int,
    header: str,
    seconds: float | None,
) -> None:
    """The number of seconds is read; an invalid header is ignored."""
    simulator.add_fault(
        kind="vehicle", status=status, headers={"Retry-After": header}, count=1
    )
    err = await _try(client, vehicle_id)
    assert isinstance(err, PoderoConnectionError)
    assert err.retry_after == seconds


@pytest.mark.parametrize(("offset", "seconds"), [(90, 90), (-90, 0), (10**9, 10**9)])
async def test_retry_after_a_date(
    simulator: Simulator,
    client: PoderoClient,
    vehicle_id: str,
    freezer: FrozenDateTimeFactory,
    offset: int,
    seconds: int,
) -> None:
    """A date is converted to the seconds until then, 0 if it has passed."""
    freezer.move_to("2026-11-02 12:00:00+00:00")
    moment = dt_util.utc_from_timestamp(dt_util.utcnow().timestamp() + offset)
    for usegmt in (True, False):
        simulator.add_fault(
            kind="vehicle",
            status=429,
            headers={"Retry-After": format_datetime(moment, usegmt=usegmt)},
            count=1,
        )
        err = await _try(client, vehicle_id)
        assert isinstance(err, RateLimitError)
        assert err.retry_after == seconds
    naive = format_datetime(moment.replace(tzinfo=None))
    simulator.add_fault(
        kind="vehicle", status=503, headers={"Retry-After": naive}, count=1
    )
    err = await _try(client, vehicle_id)
    assert isinstance(err, PoderoConnectionError)
    assert err.retry_after == seconds


# Expired tokens (401).


async def test_401_forces_one_renewal_and_one_retry(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """The request is retried with a new token; a second 401 raises TokenRefusedError."""
    simulator.add_fault(kind="vehicle", status=401, count=1)
    assert await _try(client, vehicle_id) is None
    _, first, _, second = simulator.requests
    assert first.path == second.path
    assert first.headers["Authorization"] != second.headers["Authorization"]
    simulator.requests.clear()
    simulator.add_fault(kind="vehicle", status=401)
    assert type(await _try(client, vehicle_id)) is TokenRefusedError
    assert len(simulator.requests) == 3
    assert grants(simulator) == ["refresh_token"]


async def test_body_is_sent_again_after_a_401(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """A write with an expired token is retried and takes effect once."""
    await client.get_vehicle(vehicle_id)
    simulator.revoke_tokens(refresh_tokens=False)
    await client.set_preferences(vehicle_id, minimum_charge_limit=55)
    refused, _, accepted = simulator.requests[-3:]
    assert refused.json == accepted.json == {"minimum_charge_limit": 55}
    assert simulator.vehicles[0].document()["minimum_charge_limit"] == 55


@pytest.mark.parametrize("refresh_tokens", [True, False])
async def test_token_revoked_while_requests_are_in_flight(
    simulator: Simulator,
    client: PoderoClient,
    vehicle_id: str,
    refresh_tokens: bool,
) -> None:
    """Concurrent requests with an expired token succeed after one renewal."""
    await client.get_vehicle(vehicle_id)
    simulator.requests.clear()
    held = HeldFault(kind="vehicle", count=4)
    simulator.add_fault(held)
    reading = [asyncio.create_task(client.get_vehicle(vehicle_id)) for _ in range(4)]
    await until(lambda: len(simulator.requests) == 4)
    simulator.revoke_tokens(refresh_tokens=refresh_tokens)
    held.let_go.set()
    await asyncio.gather(*reading)
    assert len(token_requests(simulator)) == 1 + refresh_tokens


async def test_token_of_others_revoked_too(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """A token that another request renewed is not new: a 401 leads to another renewal."""
    await client.get_vehicle(vehicle_id)
    held = HeldFault(kind="vehicle", count=1)
    simulator.add_fault(held)
    reading = asyncio.create_task(client.get_vehicle(vehicle_id))
    before = len(simulator.requests)
    await until(lambda: len(simulator.requests) > before)
    for _ in range(2):
        simulator.revoke_tokens(refresh_tokens=False)
        await client.authenticate()
        await client.get_vehicle(vehicle_id)
    simulator.revoke_tokens(refresh_tokens=False)
    held.let_go.set()
    assert (await reading).id == vehicle_id


@pytest.mark.parametrize("error", [503, 429, 302])
async def test_renewal_that_fails_after_a_401(
    simulator: Simulator, client: PoderoClient, vehicle_id: str, error: int
) -> None:
    """The error of the renewal is raised, not an authentication error for the 401."""
    await client.get_vehicle(vehicle_id)
    simulator.add_fault(kind="vehicle", status=401, count=1)
    simulator.add_fault(kind="token", status=error)
    assert not isinstance(await _try(client, vehicle_id), AuthenticationError | None)
    simulator.clear_faults()
    assert await _try(client, vehicle_id) is None


async def test_conflict_tells_why(
    simulator: Simulator, client: PoderoClient, vehicle_id: str
) -> None:
    """A documented reason is kept; any other is None."""
    simulator.vehicles[0].fill_up()
    with pytest.raises(ConflictError) as raised:
        await client.start_boost(vehicle_id)
    assert raised.value.reason == "fully_charged"
    for body in (b'{"reason": "a text"}', b'{"reason": 5}', b"[]", b"<html>", b""):
        simulator.add_fault(kind="boost", status=409, body=body, count=1)
        with pytest.raises(ConflictError) as raised:
            await client.start_boost(vehicle_id)
        assert raised.value.reason is None


async def test_absolute_address_is_this_origins(
    server: Server, simulator: Simulator, transport: Transport
) -> None:
    """A resolved URL is requested without re-encoding its signed query."""
    url = transport.resolve("/api/partners/v2.0/cues/1/resolve?secret=a%2Bb%2F%3D")
    assert url.origin() == URL(server.url)
    await transport.request("POST", url)
    assert simulator.requests[-1].query == {"secret": "a+b/="}
