"""Token requests, renewals and refusals of credentials."""

import asyncio
from base64 import b64decode, b64encode
import gc
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from .support import (
    GUIDE_TOKEN_PATH,
    TOKEN_PATH,
    grants,
    impatience,
    token_requests,
    until,
)
from custom_components.podero.api import (
    Auth,
    AuthenticationError,
    ClientCredentialsAuth,
    InvalidResponseError,
    PasswordAuth,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    Transport,
)
from simulator import Simulator


@pytest.fixture(autouse=True)
def _use_custom_integrations() -> None:
    """Skip the fixture that needs Home Assistant: the package does not import it."""


@pytest.fixture
def password_auth(simulator: Simulator, transport: Transport) -> PasswordAuth:
    """Return the auth of a homeowner."""
    account = simulator.account
    return PasswordAuth(transport, account.username, account.password)


@pytest.fixture
def client_auth(simulator: Simulator, transport: Transport) -> ClientCredentialsAuth:
    """Return the auth of an organization."""
    account = simulator.account
    return ClientCredentialsAuth(transport, account.client_id, account.client_secret)


def _basic(simulator: Simulator) -> str:
    account = simulator.account
    pair = f"{account.client_id}:{account.client_secret}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _refuse(simulator: Simulator, status: int, error: str, **options: Any) -> None:
    simulator.add_fault(
        kind="token", status=status, body=b'{"error": "%s"}' % error.encode(), **options
    )


# Requests.


async def test_password_grant(simulator: Simulator, password_auth: Auth) -> None:
    """The documented body is sent, and the token is reused."""
    token = await password_auth.get_access_token()
    assert await password_auth.get_access_token() == token
    (request,) = token_requests(simulator)
    assert (request.method, request.path) == ("POST", TOKEN_PATH)
    assert request.json == {
        "grant_type": "password",
        "username": simulator.account.username,
        "password": simulator.account.password,
    }
    assert request.headers["Content-Type"] == "application/json"
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("served", "first", "second"),
    [
        ("both", [GUIDE_TOKEN_PATH], [GUIDE_TOKEN_PATH]),
        ("contract", [GUIDE_TOKEN_PATH, TOKEN_PATH], [TOKEN_PATH]),
        ("guide", [GUIDE_TOKEN_PATH], [GUIDE_TOKEN_PATH]),
    ],
)
async def test_client_credentials_on_both_urls(
    simulator: Simulator,
    client_auth: Auth,
    served: Any,
    first: list[str],
    second: list[str],
) -> None:
    """The guide's URL is tried first, afterwards the one that returned a token."""
    simulator.client_credentials_url = served
    token = await client_auth.get_access_token()
    assert [request.path for request in token_requests(simulator)] == first
    simulator.requests.clear()
    assert await client_auth.get_access_token(rejected=token) != token
    assert [request.path for request in token_requests(simulator)] == second


async def test_client_credentials_bodies(
    simulator: Simulator, client_auth: Auth
) -> None:
    """Each URL gets the documented header and body."""
    simulator.client_credentials_url = "contract"
    await client_auth.get_access_token()
    guide, contract = token_requests(simulator)
    assert contract.json == {
        "grant_type": "client_credentials",
        "client_id": simulator.account.client_id,
        "client_secret": simulator.account.client_secret,
    }
    assert guide.json == {"grant_type": "client_credentials"}
    assert contract.headers["Authorization"] == _basic(simulator)
    assert guide.headers["Authorization"] == _basic(simulator)


@pytest.mark.parametrize("served", ["contract", "guide"])
async def test_client_with_special_characters(
    simulator: Simulator, transport: Transport, served: Any
) -> None:
    """A client may have characters that HTTP Basic has to encode (RFC 6749, 2.3.1)."""
    simulator.client_credentials_url = served
    account = simulator.account
    account.client_id, account.client_secret = "home:1", "a+b%41 c/ö:="
    auth = ClientCredentialsAuth(transport, account.client_id, account.client_secret)
    assert await auth.get_access_token()
    header = token_requests(simulator)[-1].headers["Authorization"]
    pair = b64decode(header.removeprefix("Basic ")).decode()
    assert pair == "home%3A1:a%2Bb%2541%20c%2F%C3%B6%3A%3D"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error": "unsupported_grant_type"}'),
        (400, b'{"error": "invalid_request"}'),
        (400, b'{"detail": "Bad request."}'),
        (404, b"<h1>Not Found</h1>"),
        (405, b""),
        (415, b"{}"),
        (422, b'[{"loc": ["body"]}]'),
    ],
)
async def test_other_url_where_the_first_does_not_serve_the_grant(
    simulator: Simulator, client_auth: Auth, status: int, body: bytes
) -> None:
    """A response that is not about the credentials leads to the other URL."""
    simulator.add_fault(kind="token", status=status, body=body, count=1)
    assert await client_auth.get_access_token()
    assert [request.path for request in token_requests(simulator)] == [
        GUIDE_TOKEN_PATH,
        TOKEN_PATH,
    ]


# Refusals.

REFUSALS = [
    (401, "invalid_client"),
    (401, "anything"),
    (400, "invalid_client"),
    (400, "invalid_grant"),
    (400, "unauthorized_client"),
    (403, "invalid_client"),
]


@pytest.mark.parametrize(("status", "error"), REFUSALS)
async def test_password_refused(
    simulator: Simulator, password_auth: Auth, status: int, error: str
) -> None:
    """A refusal raises AuthenticationError, without a retry."""
    _refuse(simulator, status, error, count=1)
    with pytest.raises(AuthenticationError):
        await password_auth.get_access_token()
    assert len(token_requests(simulator)) == 1
    assert await password_auth.get_access_token()


@pytest.mark.parametrize(("status", "error"), REFUSALS)
async def test_client_refused_at_one_url_only(
    simulator: Simulator, client_auth: Auth, status: int, error: str
) -> None:
    """The other URL is tried, and may accept the credentials."""
    _refuse(simulator, status, error, count=1)
    assert await client_auth.get_access_token()


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([(401, "x"), (401, "x")], AuthenticationError),
        ([(400, "invalid_client"), (404, "x")], AuthenticationError),
        ([(404, "x"), (400, "invalid_client")], AuthenticationError),
        ([(404, "x"), (405, "x")], InvalidResponseError),
        ([(401, "x"), (403, "x")], InvalidResponseError),
        ([(401, "x"), (302, "x")], InvalidResponseError),
        ([(401, "x"), (429, "x")], RateLimitError),
        ([(401, "x"), (503, "x")], PoderoConnectionError),
        ([(500, "x")], PoderoConnectionError),
        ([(302, "x")], InvalidResponseError),
    ],
)
async def test_verdict_of_two_urls(
    simulator: Simulator,
    client_auth: Auth,
    answers: list[tuple[int, str]],
    error: type[PoderoError],
) -> None:
    """AuthenticationError needs a refusal and no accepting or failing URL."""
    for status, word in answers:
        _refuse(simulator, status, word, count=1)
    with pytest.raises(error):
        await client_auth.get_access_token()
    assert len(token_requests(simulator)) == len(answers)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, InvalidResponseError) for status in (201, 204, 301, 302, 307, 308)),
        *((status, InvalidResponseError) for status in (400, 402, 403, 404, 405, 407)),
        *((status, InvalidResponseError) for status in (409, 418, 422, 425, 451)),
        *((status, PoderoConnectionError) for status in (408, 500, 501, 502, 503, 504)),
        *((status, PoderoConnectionError) for status in (511, 520, 530, 599)),
        (429, RateLimitError),
    ],
)
async def test_not_a_refusal(
    simulator: Simulator, password_auth: Auth, status: int, error: type[PoderoError]
) -> None:
    """No other status is a refusal of the credentials."""
    simulator.add_fault(
        kind="token", status=status, body=b"<html>no</html>", content_type="text/html"
    )
    with pytest.raises(error):
        await password_auth.get_access_token()


@pytest.mark.parametrize("fault", [{"reset": True}, {"delay": 9}, {"body_delay": 9}])
async def test_no_answer_is_not_a_refusal(
    simulator: Simulator,
    password_auth: Auth,
    fault: dict[str, Any],
) -> None:
    """A timeout or a reset is not a refusal of the credentials."""
    simulator.add_fault(kind="token", **fault)
    with impatience(), pytest.raises(PoderoConnectionError):
        await password_auth.get_access_token()
    simulator.clear_faults()
    assert await password_auth.get_access_token()


# Responses.


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b'"token"', b"3", b"true", b"{}", b"<html></html>"),
        *(b'{"access_token"', b'{"access_token": "t", "expires_in": NaN}', b"\xff"),
        b'{"access_token": "\\ud800"}',
        b'{"access_token": null}',
        b'{"access_token": 5}',
        b'{"access_token": ["token"]}',
        b'{"access_token": {"value": "token"}}',
        b'{"access_token": ""}',
        b'{"access_token": "two words"}',
        b'{"access_token": "line\\nX-Header: 1"}',
        b'{"access_token": "t\\u00f6ken"}',
        b'{"access_token": "nul\\u0000"}',
        b'{"access_token": "%s"}' % (b"t" * 16385),
        b'[{"access_token": "token"}]',
        b'{"token": "token"}',
    ],
)
async def test_wrong_shapes(
    simulator: Simulator, password_auth: Auth, body: bytes
) -> None:
    """A response without a usable token is invalid; the next request succeeds."""
    simulator.add_fault(kind="token", body=body, count=1)
    with pytest.raises(InvalidResponseError):
        await password_auth.get_access_token()
    assert await password_auth.get_access_token()


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3600", 3540),
        ('"3600"', 3540),
        ("36000.5", 35940),
        ("100", 90),
        ("1", 0.9),
        *((nonsense, 540) for nonsense in ("null", "true", "[]", "{}", '"soon"')),
        *((nonsense, 540) for nonsense in ("-5", "0", '"inf"', '"NaN"', '"1e400"')),
        ("1" + "0" * 300, 10**9),
    ],
)
async def test_lifetime(
    simulator: Simulator,
    password_auth: Auth,
    freezer: FrozenDateTimeFactory,
    expires_in: str,
    seconds: float,
) -> None:
    """A token is used until shortly before its expiry."""
    body = b'{"access_token": "t", "expires_in": %s}' % expires_in.encode()
    simulator.add_fault(kind="token", body=body)
    await password_auth.get_access_token()
    freezer.tick(seconds - 0.5)
    await password_auth.get_access_token()
    assert len(token_requests(simulator)) == 1


@pytest.mark.parametrize("seconds", [0.95, 95, 545])
async def test_end_of_lifetime(
    simulator: Simulator,
    password_auth: Auth,
    freezer: FrozenDateTimeFactory,
    seconds: float,
) -> None:
    """A token is renewed shortly before its expiry."""
    lifetime = {0.95: b"1", 95: b"100", 545: b"null"}[seconds]
    body = b'{"access_token": "t", "expires_in": %s}' % lifetime
    simulator.add_fault(kind="token", body=body)
    await password_auth.get_access_token()
    freezer.tick(seconds)
    await password_auth.get_access_token()
    assert len(token_requests(simulator)) == 2


# Renewal.


async def test_refresh_token_rotates(simulator: Simulator, password_auth: Auth) -> None:
    """Each renewal uses the refresh token of the previous one."""
    token = await password_auth.get_access_token()
    for _ in range(3):
        token = await password_auth.get_access_token(rejected=token)
    used = [request.json.get("refresh_token") for request in token_requests(simulator)]
    assert grants(simulator) == ["password", *["refresh_token"] * 3]
    assert len(set(used)) == 4


async def test_refused_refresh_token(simulator: Simulator, password_auth: Auth) -> None:
    """If the refresh token is refused, the credentials are used."""
    token = await password_auth.get_access_token()
    simulator.revoke_tokens()
    assert await password_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["password", "refresh_token", "password"]


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405, 422])
async def test_refresh_not_served(
    simulator: Simulator, password_auth: Auth, status: int
) -> None:
    """If the refresh grant is not served, the credentials are used."""
    token = await password_auth.get_access_token()
    simulator.add_fault(kind="token", status=status, count=1)
    assert await password_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["password", "refresh_token", "password"]


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"reset": True}])
async def test_refresh_not_known(
    simulator: Simulator, password_auth: Auth, fault: dict[str, Any]
) -> None:
    """If the refresh fails for another reason, the refresh token is kept."""
    token = await password_auth.get_access_token()
    simulator.add_fault(kind="token", count=1, **fault)
    with pytest.raises(PoderoConnectionError):
        await password_auth.get_access_token(rejected=token)
    assert await password_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["password", "refresh_token", "refresh_token"]


@pytest.mark.parametrize("fault", [{"status": 500}, {"reset": True}])
async def test_refresh_not_known_twice(
    simulator: Simulator, password_auth: Auth, fault: dict[str, Any]
) -> None:
    """If the refresh fails twice in a row, the credentials are used."""
    token = await password_auth.get_access_token()
    simulator.add_fault(kind="token", count=2, **fault)
    with pytest.raises(PoderoConnectionError):
        await password_auth.get_access_token(rejected=token)
    assert await password_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["password", *["refresh_token"] * 2, "password"]


async def test_rate_limit_of_refreshes(
    simulator: Simulator, password_auth: Auth
) -> None:
    """A rate limit keeps the refresh token, however often it is answered."""
    token = await password_auth.get_access_token()
    for status in (429, 429, 503, 429, 503):
        simulator.add_fault(kind="token", status=status, count=1)
    for _ in range(5):
        with pytest.raises(PoderoConnectionError):
            await password_auth.get_access_token(rejected=token)
    assert await password_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["password", *["refresh_token"] * 6]


@pytest.mark.parametrize("refresh_token", [b"null", b"7", b'""', b'"two words"'])
async def test_unusable_refresh_token(
    simulator: Simulator, password_auth: Auth, refresh_token: bytes
) -> None:
    """An unusable refresh token is ignored."""
    body = b'{"access_token": "t", "refresh_token": %s}' % refresh_token
    simulator.add_fault(kind="token", body=body, count=1)
    assert await password_auth.get_access_token() == "t"
    await password_auth.get_access_token(rejected="t")
    assert grants(simulator) == ["password", "password"]


async def test_credentials_again_without_refresh_token(
    simulator: Simulator, client_auth: Auth
) -> None:
    """Without a refresh token, the credentials are used again."""
    token = await client_auth.get_access_token()
    assert await client_auth.get_access_token(rejected=token) != token
    assert grants(simulator) == ["client_credentials", "client_credentials"]


async def test_one_renewal_for_all(simulator: Simulator, password_auth: Auth) -> None:
    """Concurrent callers cause one token request."""
    simulator.add_fault(kind="token", delay=0.02)
    tokens = await asyncio.gather(
        *(password_auth.get_access_token() for _ in range(20))
    )
    assert len(set(tokens)) == 1
    assert len(token_requests(simulator)) == 1
    renewed = await asyncio.gather(
        *(password_auth.get_access_token(rejected=tokens[0]) for _ in range(20))
    )
    assert len({*renewed, tokens[0]}) == 2
    assert len(token_requests(simulator)) == 2


async def test_one_failure_for_all(simulator: Simulator, password_auth: Auth) -> None:
    """A failure is raised to all waiters; the next call tries again."""
    simulator.add_fault(kind="token", status=503, delay=0.02, count=1)
    failures = await asyncio.gather(
        *(password_auth.get_access_token() for _ in range(5)), return_exceptions=True
    )
    assert {type(failure) for failure in failures} == {PoderoConnectionError}
    assert len(token_requests(simulator)) == 1
    assert await password_auth.get_access_token()


async def test_rejected_token_that_was_renewed_already(
    simulator: Simulator, password_auth: Auth
) -> None:
    """A caller with an outdated token gets the current one."""
    old = await password_auth.get_access_token()
    new = await password_auth.get_access_token(rejected=old)
    assert await password_auth.get_access_token(rejected=old) == new
    assert len(token_requests(simulator)) == 2


async def test_who_stops_waiting_takes_nothing_from_others(
    simulator: Simulator, password_auth: Auth
) -> None:
    """Cancelling the caller that started the renewal does not cancel it."""
    simulator.add_fault(kind="token", delay=0.03)
    first, second = (
        asyncio.create_task(password_auth.get_access_token()) for _ in range(2)
    )
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert first.cancelled()
    assert len(token_requests(simulator)) == 1


async def test_close_while_some_wait(simulator: Simulator, password_auth: Auth) -> None:
    """close() raises PoderoConnectionError to waiters and leaves no task."""
    simulator.add_fault(kind="token", delay=1)
    tasks = asyncio.all_tasks()
    waiting = [asyncio.create_task(password_auth.get_access_token()) for _ in range(3)]
    await until(lambda: token_requests(simulator))
    password_auth.close()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {PoderoConnectionError}
    await until(lambda: asyncio.all_tasks() == tasks)
    password_auth.close()


async def test_failure_that_nobody_waits_for(
    simulator: Simulator, password_auth: Auth
) -> None:
    """Nothing is logged about an exception that was never retrieved."""
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, r: reports.append(r))
    simulator.add_fault(kind="token", status=503, delay=0.01)
    waiting = asyncio.create_task(password_auth.get_access_token())
    await asyncio.sleep(0)
    waiting.cancel()
    await until(
        lambda: token_requests(simulator) and not vars(password_auth)["_renewal"]
    )
    assert waiting.cancelled()
    del waiting
    gc.collect()
    assert not reports


async def test_no_repr_shows_a_secret(
    simulator: Simulator, password_auth: Auth, client_auth: Auth
) -> None:
    """Reprs contain no secret."""
    token = await password_auth.get_access_token()
    await client_auth.get_access_token()
    account = simulator.account
    shown = f"{password_auth!r} {client_auth!r}" + "".join(
        repr(value) + str(value)
        for auth in (password_auth, client_auth)
        for name, value in vars(auth).items()
        if name in {"_token", "_transport", "_renewal"}
    )
    for secret in (token, account.password, account.client_secret):
        assert secret not in shown
