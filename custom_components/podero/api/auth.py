"""OAuth access tokens: requested with a grant, and renewed once for all waiters."""

from abc import ABC, abstractmethod
import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
import math
import time
from typing import Any, TypeIs, override
from urllib.parse import quote

from .errors import (
    AuthenticationError,
    InvalidResponseError,
    PoderoConnectionError,
    RateLimitError,
)
from .transport import Response, Transport

TOKEN_PATH = "/api/partners/v2.0/auth/token"
"""The token URL of the contract."""

CLIENT_CREDENTIALS_PATH = "/oauth2/token/"
"""The token URL that Podero's guide gives for client credentials."""

DEFAULT_LIFETIME = 600.0
"""Lifetime in seconds of a token without a usable `expires_in`."""

RENEWAL_MARGIN = 60.0
"""Seconds before its expiry at which a token is renewed, a tenth of a short lifetime."""

_CREDENTIALS_REFUSED = {"invalid_client", "invalid_grant", "unauthorized_client"}
_NOT_SERVED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


class _NotServedError(InvalidResponseError):
    """The token URL does not serve the grant."""


@dataclass(frozen=True, eq=False, repr=False)
class Token:
    """An access token, and the refresh token if there is one."""

    access_token: str
    renew_at: float
    """When to renew it, in seconds of time.monotonic()."""

    refresh_token: str | None
    has_failed: bool = False
    """Whether the service failed when the refresh token was last used."""

    @classmethod
    def from_response(cls, response: Response) -> Token:
        """Read the response of a token URL.

        Raises AuthenticationError if it refuses the credentials, and InvalidResponseError
        if it is anything else than a token.
        """
        _raise_for_refusal(response)
        document = response.json()
        if not isinstance(document, dict):
            raise InvalidResponseError("The token response is not an object")
        access_token = document.get("access_token")
        if not _is_token(access_token):
            raise InvalidResponseError("The token response has no token")
        lifetime = _lifetime(document.get("expires_in"))
        refresh_token = document.get("refresh_token")
        return cls(
            access_token,
            time.monotonic() + lifetime - min(RENEWAL_MARGIN, lifetime / 10),
            refresh_token if _is_token(refresh_token) else None,
        )


def _raise_for_refusal(response: Response) -> None:
    """Raise the error for a status other than 200.

    Only an OAuth error or a 401 is a refusal of the credentials: a proxy's 403 is not.
    """
    if response.status == HTTPStatus.OK:
        return
    error = response.member("error")
    if response.status == HTTPStatus.UNAUTHORIZED or (
        response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}
        and error in _CREDENTIALS_REFUSED
    ):
        raise AuthenticationError("The credentials were refused")
    if response.status in _NOT_SERVED:
        raise _NotServedError("The token URL does not serve this grant")
    raise InvalidResponseError(f"The token URL answered {response.status}")


def _is_token(value: object) -> TypeIs[str]:
    """Return whether a value is a token that can be sent in a header."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 16384
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _lifetime(expires_in: object) -> float:
    """Return a lifetime in seconds from a number or a string."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return DEFAULT_LIFETIME
    try:
        lifetime = float(expires_in)
    except ValueError, OverflowError:
        return DEFAULT_LIFETIME
    return lifetime if math.isfinite(lifetime) and lifetime > 0 else DEFAULT_LIFETIME


class Auth(ABC):
    """The access token of an account, kept in memory only."""

    def __init__(self, transport: Transport) -> None:
        """Request tokens over a transport."""
        self._transport = transport
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None
        self._is_closed = False
        self.renewals = 0
        """How many times a token was requested."""

    async def get_access_token(self, rejected: str | None = None) -> str:
        """Return a valid token, renewed if needed.

        `rejected` is a token that the API refused: another one is returned. Raises
        AuthenticationError if the credentials are refused, and PoderoConnectionError
        (also after close()) or InvalidResponseError if that is not known.
        """
        if self._is_closed:
            raise PoderoConnectionError("The account is closed")
        token = self._token
        if (
            token is not None
            and token.access_token != rejected
            and time.monotonic() < token.renew_at
        ):
            return token.access_token
        if token is not None and token.access_token == rejected:
            # Never reuse a rejected token, even if the renewal fails.
            self._token = replace(token, renew_at=0)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._finish_renewal)
        renewal = self._renewal
        # Not awaited directly: a cancelled waiter must not cancel the renewal, and a
        # renewal cancelled by close() must not cancel its waiters.
        await asyncio.wait([renewal])
        if renewal.cancelled():
            raise PoderoConnectionError("The renewal of the token was cancelled")
        return renewal.result().access_token

    def close(self) -> None:
        """Cancel a renewal in progress, and return no more tokens."""
        self._is_closed = True
        if self._renewal is not None:
            self._renewal.cancel()

    def _finish_renewal(self, renewal: asyncio.Task[Token]) -> None:
        """Allow the next renewal."""
        self._renewal = None
        self.renewals += 1
        if not renewal.cancelled():
            # Retrieve it, or asyncio logs "exception was never retrieved".
            renewal.exception()

    async def _renew(self) -> Token:
        """Renew the token, with the refresh token if there is one and it is accepted.

        The credentials are used if it is refused, or if the service fails twice in a row.
        """
        old, self._token = self._token, None
        if old is not None and old.refresh_token is not None:
            try:
                self._token = await self._request(
                    TOKEN_PATH,
                    grant_type="refresh_token",
                    refresh_token=old.refresh_token,
                )
            except AuthenticationError, InvalidResponseError:
                # Refused or not served: use the credentials.
                pass
            except BaseException as err:
                has_failed = isinstance(err, PoderoConnectionError) and not isinstance(
                    err, RateLimitError
                )
                if not (has_failed and old.has_failed):
                    # Unknown: the refresh token may still be valid, keep it for the next
                    # renewal. But some services always fail if it was revoked.
                    self._token = replace(old, has_failed=has_failed)
                    raise
            else:
                return self._token
        self._token = await self._grant()
        return self._token

    async def _request(
        self, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> Token:
        """Request a token from one URL."""
        return Token.from_response(
            await self._transport.request("POST", path, json=body, headers=headers)
        )

    @abstractmethod
    async def _grant(self) -> Token:
        """Request a token with the credentials."""


class PasswordAuth(Auth):
    """The password grant: a homeowner's own username and password."""

    def __init__(self, transport: Transport, username: str, password: str) -> None:
        """Keep the credentials."""
        super().__init__(transport)
        self._username = username
        self._password = password

    @override
    async def _grant(self) -> Token:
        return await self._request(
            TOKEN_PATH,
            grant_type="password",
            username=self._username,
            password=self._password,
        )


class ClientCredentialsAuth(Auth):
    """The client-credentials grant: an organization's client id and secret.

    The guide and the contract name different token URLs for it. The guide's is tried
    first, the contract's if that refuses the credentials or does not serve the grant. The
    one that returned a token is tried first from then on.
    """

    def __init__(
        self, transport: Transport, client_id: str, client_secret: str
    ) -> None:
        """Keep the credentials."""
        super().__init__(transport)
        self._client_id = client_id
        self._client_secret = client_secret
        self._paths = CLIENT_CREDENTIALS_PATH, TOKEN_PATH

    @override
    async def _grant(self) -> Token:
        first, second = self._paths
        try:
            return await self._request_at(first)
        except (AuthenticationError, _NotServedError) as err:
            failure = err
        try:
            token = await self._request_at(second)
        except _NotServedError:
            raise failure from None
        self._paths = second, first
        return token

    async def _request_at(self, path: str) -> Token:
        """Request a token in the way that is documented for the URL."""
        # Form-urlencoded first (RFC 6749, 2.3.1).
        pair = ":".join(
            quote(part, safe="") for part in (self._client_id, self._client_secret)
        )
        # The contract does not say how to send the credentials: send them both ways.
        body = (
            {"client_id": self._client_id, "client_secret": self._client_secret}
            if path == TOKEN_PATH
            else {}
        )
        return await self._request(
            path,
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
            grant_type="client_credentials",
            **body,
        )
