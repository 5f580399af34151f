"""What can go wrong between a home and the cloud, and that it passes by itself."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
import gzip
from http import HTTPStatus
from logging import INFO, WARNING
import re
import socket
import ssl
from typing import Any
from unittest.mock import AsyncMock, patch

import aiohttp
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from .conftest import SetUp, account_entry
from .support import (
    HeldFault,
    VehicleFault,
    complaints,
    ignored_handshakes,
    impatience,
    is_available,
    later,
    message,
    poll_requests,
    reauth_flows,
    self_signed,
    shown,
    token_requests,
    until,
    vehicle_requests,
)
from custom_components.podero import coordinator as coordinator_module
from simulator import Fault, Server, Simulator

MEBIBYTE = 1024 * 1024
LOOPBACK = {"host": "127.0.0.1", "family": socket.AF_INET, "proto": 0, "flags": 0}


@pytest.fixture(autouse=True)
def _without_blip_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is otherwise tried again after a few seconds."""
    monkeypatch.setattr(coordinator_module, "RETRY_DELAY", 0)


@pytest.fixture
async def two_cars(
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> MockConfigEntry:
    """Return the account with both of its vehicles, set up."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    simulator.requests.clear()
    caplog.clear()
    return entry


def _failed(number: int, key: str) -> str:
    return f"Error fetching Car {number} data: {message(key)}"


def _recovered(number: int) -> str:
    return f"Fetching Car {number} data recovered"


# What one vehicle's address answers. Each: the fault, the message, the requests of its poll.

CANNOT_CONNECT = {
    "cut before the body": {"truncate_at": 0},
    "cut in the body": {"truncate_at": 500},
    "no encoding": {"body": b"not compressed", "headers": {"Content-Encoding": "gzip"}},
    "proxy": {"status": 502, "body": b"<html></html>", "content_type": "text/html"},
    "overload": {"status": 503},
}
INVALID_RESPONSE = {
    "empty": {"body": b""},
    "no content": {"status": 204, "body": b""},
    "truncated JSON": {"body": b'{"battery_level": 5, "driv'},
    "no JSON": {"body": b"{battery_level: 5}"},
    "HTML": {"body": b"<html>Sign in</html>", "content_type": "text/html"},
    "array": {"body": b"[{}]"},
    "number": {"body": b"42"},
    "text": {"body": b'"ok"'},
    "null": {"body": b"null"},
    "NaN": {"body": b'{"battery_level": NaN}'},
    "Infinity": {"body": b'{"battery_level": Infinity}'},
    "beyond a double": {"body": b'{"battery_level": 1e999}'},
    "lone surrogate": {"body": b'{"comment": "\\udfff"}'},
    "no UTF-8": {"body": b'{"comment": "\xc3("}'},
    "deep nesting": {"body": b'{"actions":' + b"[" * 100_000 + b"]" * 100_000 + b"}"},
    "50 MB": {"body": bytes(50 * MEBIBYTE)},
    "bomb": {
        "body": gzip.compress(bytes(50 * MEBIBYTE)),
        "headers": {"Content-Encoding": "gzip"},
    },
    "redirect": {"status": 302, "headers": {"Location": "https://evil.example/"}},
    "redirect to nowhere": {"status": 307},
    "not modified": {"status": 304, "body": b""},
}
FAULTS = [
    *((fault, "cannot_connect", 2) for fault in CANNOT_CONNECT.values()),
    *((fault, "invalid_response", 1) for fault in INVALID_RESPONSE.values()),
]


@pytest.mark.parametrize(
    ("fault", "key", "requests"),
    FAULTS[::4],
    ids=[*CANNOT_CONNECT, *INVALID_RESPONSE][::4],
)
async def test_fault_of_one_vehicle(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    key: str,
    requests: int,
) -> None:
    """It is unavailable and logged once; a minute later it is tried again; it recovers."""
    before = shown(hass, simulator, 0)
    simulator.add_fault(
        VehicleFault(kind="vehicle", vehicle_id=simulator.vehicles[0].id, **fault)
    )
    for polls in range(3):
        await later(hass)
        assert not is_available(hass, simulator, 0)
        assert is_available(hass, simulator, 1)
        assert len(vehicle_requests(simulator, 0)) == requests + polls
        assert len(vehicle_requests(simulator, 1)) == 1 + polls
        await later(hass, 45)
        assert len(vehicle_requests(simulator, 0)) == requests + polls
    assert complaints(caplog, INFO) == [_failed(1, key)]
    simulator.clear_faults()
    await later(hass)
    assert shown(hass, simulator, 0) == before
    assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)]
    assert not reauth_flows(hass)


async def test_every_fault(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same for each of them, one after the other."""
    before = shown(hass, simulator, 0)
    for fault, key, requests in FAULTS:
        caplog.clear()
        simulator.requests.clear()
        vehicle_id = simulator.vehicles[0].id
        simulator.add_fault(
            VehicleFault(kind="vehicle", vehicle_id=vehicle_id, **fault)
        )
        await later(hass)
        assert not is_available(hass, simulator, 0), fault
        assert is_available(hass, simulator, 1), fault
        assert len(vehicle_requests(simulator, 0)) == requests, fault
        simulator.clear_faults()
        await later(hass)
        assert shown(hass, simulator, 0) == before, fault
        assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)], fault
    assert not reauth_flows(hass)


@pytest.mark.parametrize("fault", [{"reset": True}, {"delay": 9}, {"body_delay": 9}])
async def test_connection_that_breaks_or_stalls(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """The same, whether it is broken off or nothing comes any more."""
    vehicle_id = simulator.vehicles[0].id
    simulator.add_fault(VehicleFault(kind="vehicle", vehicle_id=vehicle_id, **fault))
    with impatience(0.4):
        for _ in range(2):
            await later(hass)
            assert not is_available(hass, simulator, 0)
            assert is_available(hass, simulator, 1)
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)
    assert complaints(caplog, INFO) == [_failed(1, "cannot_connect"), _recovered(1)]


@pytest.mark.parametrize(
    "fault",
    [
        {"content_type": "text/html", "body": b'{"owner": null, "battery_level": 5}'},
        {"content_type": "nonsense", "body": b'{"owner": null, "battery_level": 5}'},
        {"status": 201, "body": b'{"owner": null, "battery_level": 5}'},
        {
            "body": b'{"owner": null, "battery_level": 5, "odometer": 1e308, "x": {"y": [[[]]]}}'
        },
    ],
)
async def test_strange_but_usable(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    """What can be understood is shown."""
    simulator.add_fault(kind="vehicle", **fault)
    await later(hass)
    assert hass.states.get("sensor.car_1_battery").state == "5"
    assert not complaints(caplog, INFO)


async def test_every_status(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Any status that a proxy or Django gives costs one vehicle one minute."""
    keys = {
        **dict.fromkeys(range(400, 500), "invalid_request"),
        **dict.fromkeys(range(500, 600), "cannot_connect"),
        HTTPStatus.FORBIDDEN: "forbidden",
        HTTPStatus.NOT_FOUND: "not_found",
        HTTPStatus.GONE: "not_found",
        HTTPStatus.CONFLICT: "conflict",
        HTTPStatus.REQUEST_TIMEOUT: "cannot_connect",
        HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    }
    del keys[HTTPStatus.UNAUTHORIZED]
    first, second = two_cars.runtime_data.coordinators.values()
    for status, key in keys.items():
        caplog.clear()
        simulator.add_fault(
            VehicleFault(
                kind="vehicle", vehicle_id=first.vehicle_id, status=int(status)
            )
        )
        await first.async_refresh()
        await second.async_refresh()
        assert (first.last_update_success, second.last_update_success) == (False, True)
        simulator.clear_faults()
        await first.async_refresh()
        assert first.last_update_success
        assert complaints(caplog, INFO) == [_failed(1, key), _recovered(1)], status
    assert not reauth_flows(hass)
    assert is_available(hass, simulator)


async def test_401_of_one_vehicle(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A token that was just issued and is refused needs a person, or passes by itself."""
    vehicle_id = simulator.vehicles[0].id
    simulator.add_fault(VehicleFault(kind="vehicle", vehicle_id=vehicle_id, status=401))
    for polls in range(1, 4):
        await later(hass)
        assert not is_available(hass, simulator, 0)
        assert is_available(hass, simulator, 1)
        assert len(vehicle_requests(simulator, 0)) == 2 * polls
        assert len(token_requests(simulator)) == polls
        assert len(reauth_flows(hass)) == 1
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)
    assert complaints(caplog) == [_failed(1, "invalid_auth")]


async def test_401_of_one_vehicle_at_set_up(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
) -> None:
    """It asks for a person, and does not take the other one down."""
    vehicle_id = simulator.vehicles[0].id
    simulator.add_fault(VehicleFault(kind="vehicle", vehicle_id=vehicle_id, status=401))
    assert await hass.config_entries.async_reload(two_cars.entry_id)
    await hass.async_block_till_done()
    assert not is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
    assert len(reauth_flows(hass)) == 1
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)


async def test_401_of_all_at_set_up(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """Where nothing can be read, a person is asked for, and nothing is tried before."""
    simulator.add_fault(Fault(kind="vehicle", status=401))
    assert not await hass.config_entries.async_reload(two_cars.entry_id)
    assert two_cars.state is ConfigEntryState.SETUP_ERROR
    assert len(reauth_flows(hass)) == 1
    asked = len(simulator.requests)
    await later(hass, 3600)
    assert len(simulator.requests) == asked


async def test_one_is_refused_and_one_silent_at_set_up(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """As long as one may still be reached, the account is tried again."""
    refused = VehicleFault(
        kind="vehicle", vehicle_id=simulator.vehicles[0].id, status=401
    )
    simulator.add_fault(refused)
    simulator.add_fault(kind="vehicle", status=503)
    assert not await hass.config_entries.async_reload(two_cars.entry_id)
    assert two_cars.state is ConfigEntryState.SETUP_RETRY
    simulator.clear_faults()
    simulator.add_fault(refused)
    await later(hass)
    assert two_cars.state is ConfigEntryState.LOADED
    assert not is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
    assert len(reauth_flows(hass)) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_of_one_vehicle_at_set_up(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry, status: int
) -> None:
    """It is left alone for as long as it asked for, the other one is not."""
    headers = {"Retry-After": "600"}
    vehicle_id = simulator.vehicles[0].id
    simulator.add_fault(
        VehicleFault(
            kind="vehicle", vehicle_id=vehicle_id, status=status, headers=headers
        )
    )
    assert await hass.config_entries.async_reload(two_cars.entry_id)
    await hass.async_block_till_done()
    simulator.clear_faults()
    simulator.requests.clear()
    await later(hass, 90)
    assert not vehicle_requests(simulator, 0)
    assert vehicle_requests(simulator, 1)
    await later(hass, 601)
    assert is_available(hass, simulator, 0)


async def test_a_refused_token_is_not_sent_again(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """Though no other can be had for the moment."""
    simulator.revoke_tokens()
    simulator.add_fault(kind="token", status=503)
    await later(hass)
    simulator.requests.clear()
    await later(hass)
    assert token_requests(simulator)
    assert not vehicle_requests(simulator, 0)
    assert not vehicle_requests(simulator, 1)
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)


async def test_server_that_hangs_up_without_a_word(
    hass: HomeAssistant, server: Server, simulator: Simulator, set_up: SetUp
) -> None:
    """A token is renewed all the same, though what asks for it is not sent twice."""
    address = URL(server.url)

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            back, forth = await asyncio.open_connection(address.host, address.port)
            forth.write(await _read_message(reader))
            writer.write(await _read_message(back))
            forth.close()
            # The answer arrives first, and then the end.
            await asyncio.sleep(0.01)
        writer.close()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        base_url = f"http://127.0.0.1:{port}"
        await set_up(account_entry(server, 0, base_url=base_url))
        simulator.revoke_tokens()
        for _ in range(2):
            # What was open is closed by then.
            await asyncio.sleep(0.1)
            await later(hass)
        assert is_available(hass, simulator)


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """Return a request or an answer with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@pytest.mark.parametrize(
    "where", ["https://robin:secret@℀/", "https://[x", "//x:99999/"]
)
async def test_redirect_is_not_looked_at(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    """What a redirect names is not looked up, and not complained of in its words.

    Home Assistant looks up where those lead that come from elsewhere than this machine.
    """
    simulator.add_fault(kind="vehicle", status=302, headers={"Location": where})
    with patch(
        "homeassistant.helpers.aiohttp_client._async_is_blocked_host",
        AsyncMock(return_value=False),
    ) as looked_up:
        await later(hass)
    assert not looked_up.called
    assert sorted(complaints(caplog)) == [
        _failed(1, "invalid_response"),
        _failed(2, "invalid_response"),
    ]


# What happens to the whole account.


async def test_refused_connection(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A cloud that is down is logged once for each vehicle, until it is up again."""
    await server.stop()
    for _ in range(3):
        await later(hass)
    assert not is_available(hass, simulator, 0)
    assert not is_available(hass, simulator, 1)
    failures = [_failed(1, "cannot_connect"), _failed(2, "cannot_connect")]
    assert sorted(complaints(caplog, INFO)) == failures
    caplog.clear()
    await server.start()
    await later(hass)
    assert is_available(hass, simulator, 0)
    assert is_available(hass, simulator, 1)
    assert sorted(complaints(caplog, INFO)) == [_recovered(1), _recovered(2)]


@pytest.fixture
def resolve() -> Iterator[AsyncMock]:
    """Find this machine under any name."""

    def find(host: str, port: int, family: int) -> list[Any]:
        return [{**LOOPBACK, "hostname": host, "port": port}]

    with patch.object(aiohttp.AsyncResolver, "resolve", side_effect=find) as resolve:
        yield resolve


@pytest.fixture
def named(server: Server, resolve: AsyncMock) -> MockConfigEntry:
    """Return an account whose server is known by its name."""
    base_url = server.url.replace("127.0.0.1", "localhost")
    return account_entry(server, 0, base_url=base_url)


async def test_name_that_is_not_found(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
    resolve: AsyncMock,
    named: MockConfigEntry,
) -> None:
    """A resolver that fails is a connection that fails."""
    await set_up(named)
    caplog.clear()
    # What is open is closed, what is remembered is forgotten.
    await server.stop()
    await server.start()
    connector = async_get_clientsession(hass).connector
    assert isinstance(connector, aiohttp.TCPConnector)
    connector.clear_dns_cache()
    resolve.side_effect, resolved = OSError(None, "no name"), resolve.side_effect
    for _ in range(3):
        await later(hass)
        assert not is_available(hass, simulator)
    resolve.side_effect = resolved
    await later(hass)
    assert is_available(hass, simulator)
    assert complaints(caplog, INFO) == [_failed(1, "cannot_connect"), _recovered(1)]


async def test_no_cookie_is_kept(
    hass: HomeAssistant,
    simulator: Simulator,
    set_up: SetUp,
    named: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the service sets for one account is not sent for another one, nor logged."""
    simulator.add_fault(headers={"Set-Cookie": "session=1; Path=/"})
    await set_up(named)
    simulator.clear_faults()
    simulator.add_fault(headers={"Set-Cookie": "expires,robin@example.com=1"})
    await later(hass)
    # A token, the vehicle twice, and the list of vehicles.
    assert len(poll_requests(simulator)) == 4
    assert not any("Cookie" in request.headers for request in simulator.requests)
    assert "robin@example.com" not in caplog.text


@pytest.fixture
async def secured(simulator: Simulator) -> AsyncGenerator[str]:
    """Serve the simulator over TLS, with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed())
    with ignored_handshakes():
        async with Server(simulator, ssl_context=context) as server:
            yield server.url


async def test_certificate_that_is_not_trusted(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    secured: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No request reaches whoever shows it; once it is in order, all is."""
    context = ssl.create_default_context()
    with patch("homeassistant.util.ssl.client_context", return_value=context):
        async_get_clientsession(hass)
    entry = account_entry(server, 0, base_url=secured)
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await later(hass, 600)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not simulator.requests
    assert entry.reason == message("cannot_connect")
    assert not [line for line in complaints(caplog) if "not ready" not in line]
    certificate, _, _ = self_signed().read_text().partition("-----BEGIN PRIVATE")
    context.load_verify_locations(cadata=certificate)
    await later(hass, 1200)
    assert entry.state is ConfigEntryState.LOADED
    assert is_available(hass, simulator)
    assert not reauth_flows(hass)


TOKEN_ANSWERS = [
    *({"body": body} for body in (b"", b"null", b"[]", b'"x"', b"7", b"{}", b"<p>")),
    *({"body": b'{"access_token": %s}' % value} for value in (b"1", b'""', b"[]")),
    {"body": b'{"access_token": "a b"}'},
    {"body": bytes(2 * MEBIBYTE)},
    {"status": 302, "headers": {"Location": "https://evil.example/"}},
    *({"status": status} for status in (400, 403, 404, 408, 422, 429, 500, 502, 503)),
    *({"reset": True}, {"truncate_at": 3}),
    {"status": 503, "headers": {"Retry-After": "40"}},
]


async def test_token_that_cannot_be_renewed(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As long as nobody refuses the credentials, nobody is asked for them."""
    for fault in TOKEN_ANSWERS:
        caplog.clear()
        simulator.revoke_tokens()
        simulator.add_fault(kind="token", **fault)
        for _ in range(2):
            await later(hass)
            assert not is_available(hass, simulator, 0), fault
            assert not is_available(hass, simulator, 1), fault
        assert len(complaints(caplog)) == 2, fault
        simulator.clear_faults()
        await later(hass)
        assert is_available(hass, simulator, 0), fault
        assert is_available(hass, simulator, 1), fault
        assert len(complaints(caplog, INFO)) == 4, fault
    assert not reauth_flows(hass)


@pytest.mark.parametrize("refresh_tokens", [True, False])
async def test_token_revoked_during_a_poll(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    refresh_tokens: bool,
) -> None:
    """Both requests succeed at their second try, over one renewal."""
    held = HeldFault(kind="vehicle", count=2)
    simulator.add_fault(held)
    polls = asyncio.gather(
        *(
            coordinator.async_refresh()
            for coordinator in two_cars.runtime_data.coordinators.values()
        )
    )
    await until(lambda: len(simulator.requests) == 2)
    simulator.revoke_tokens(refresh_tokens=refresh_tokens)
    held.let_go.set()
    await polls
    assert len(simulator.requests) == 5 + refresh_tokens
    assert not complaints(caplog, INFO)
    assert is_available(hass, simulator)


@pytest.mark.parametrize("whose", ["home", "cloud"])
@pytest.mark.parametrize("days", [-365, -1, 1, 365])
async def test_clock_that_jumps(
    hass: HomeAssistant,
    simulator: Simulator,
    two_cars: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    whose: str,
    days: int,
) -> None:
    """Polls come as before, whatever the wall clocks say."""

    def _now() -> datetime:
        return datetime.now(UTC) + timedelta(days=days)

    clocks: dict[str, tuple[Any, str]] = {
        "home": (dt_util, "utcnow"),
        "cloud": (simulator.clock, "_now"),
    }
    monkeypatch.setattr(*clocks[whose], _now)
    for _ in range(3):
        simulator.requests.clear()
        await later(hass, 45)
        assert not simulator.requests
        await later(hass)
        assert is_available(hass, simulator, 0)
        assert is_available(hass, simulator, 1)
        assert 1 <= len(vehicle_requests(simulator)) <= 2
        assert len(token_requests(simulator)) <= 2
    assert not complaints(caplog, INFO)


async def test_token_that_does_not_come(
    hass: HomeAssistant, simulator: Simulator, two_cars: MockConfigEntry
) -> None:
    """Silence of the token URL is no refusal either."""
    simulator.revoke_tokens()
    simulator.add_fault(kind="token", delay=9)
    with impatience():
        await later(hass)
    assert not is_available(hass, simulator, 0)
    assert not reauth_flows(hass)
    simulator.clear_faults()
    await later(hass)
    assert is_available(hass, simulator, 0)


async def test_all_at_once(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Six vehicles that stall hold up nobody's next poll, and complain once each."""
    for _ in range(4):
        simulator.add_vehicle()
    entry = account_entry(server, *range(6))
    await set_up(entry)
    caplog.clear()
    simulator.add_fault(kind="vehicle", delay=9)
    with impatience():
        for _ in range(2):
            await later(hass)
    assert len(complaints(caplog, WARNING)) == 6
    simulator.clear_faults()
    simulator.requests.clear()
    await later(hass)
    assert len(simulator.requests) == 6
    assert all(is_available(hass, simulator, number) for number in range(6))
