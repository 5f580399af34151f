"""A grant becomes a token, renewed once for all who wait."""

from abc import ABC, abstractmethod
import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
import math
import time
from typing import Any, TypeIs, override

from .errors import AuthenticationError, InvalidResponseError, PoderoConnectionError
from .transport import Response, Transport

TOKEN_PATH = "/api/partners/v2.0/auth/token"
"""The token URL of the contract."""

CLIENT_CREDENTIALS_PATH = "/oauth2/token/"
"""The token URL that Podero's guide gives for client credentials."""

DEFAULT_LIFETIME = 600.0
"""Seconds that a token is used for where the answer does not say."""

RENEWAL_MARGIN = 60.0
"""Seconds before its expiry at which a token is renewed."""

_CREDENTIALS_REFUSED = {"invalid_client", "invalid_grant", "unauthorized_client"}
_NOT_SERVED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


class _NotServedError(InvalidResponseError):
    """Say that a token URL does not serve the grant."""


@dataclass(frozen=True, eq=False, repr=False)
class Token:
    """An access token, the moment to renew it, and the refresh token if there is one."""

    access_token: str
    renew_at: float
    refresh_token: str | None

    @classmethod
    def from_response(cls, response: Response) -> Token:
        """Read the answer of a token URL.

        Raises AuthenticationError where it refuses the credentials, and
        InvalidResponseError where it is anything else than a token.
        """
        _raise_for_refusal(response)
        document = response.json()
        if not isinstance(document, dict):
            raise InvalidResponseError("The token answer is not an object")
        access_token = document.get("access_token")
        if not _is_token(access_token):
            raise InvalidResponseError("The token answer holds no token")
        lifetime = _lifetime(document.get("expires_in"))
        refresh_token = document.get("refresh_token")
        return cls(
            access_token,
            time.monotonic() + lifetime - min(RENEWAL_MARGIN, lifetime / 10),
            refresh_token if _is_token(refresh_token) else None,
        )


def _raise_for_refusal(response: Response) -> None:
    """Raise what an answer other than 200 means for the credentials.

    Only a definite refusal is one: a proxy's 403, which speaks no OAuth, is not.
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
    """Tell whether a value can stand in a header as a token."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 16384
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )


def _lifetime(expires_in: object) -> float:
    """Return a token's lifetime in seconds, from a number or its text."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return DEFAULT_LIFETIME
    try:
        lifetime = float(expires_in)
    except ValueError, OverflowError:
        return DEFAULT_LIFETIME
    return lifetime if math.isfinite(lifetime) and lifetime > 0 else DEFAULT_LIFETIME


class Auth(ABC):
    """Hold the token of one account, in memory only."""

    def __init__(self, transport: Transport) -> None:
        """Ask for tokens over a transport."""
        self._transport = transport
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None
        self._is_closed = False
        self.renewals = 0
        """How many times a token was asked for."""

    async def get_access_token(self, rejected: str | None = None) -> str:
        """Return a token that is valid, renewed if it must be.

        `rejected` is a token that the service refused: another one is returned.
        Raises AuthenticationError where the credentials are refused, definitely, and
        PoderoConnectionError or InvalidResponseError where that is not known, the
        former also after close().
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
            # Nobody need try it again, whatever becomes of the renewal.
            self._token = replace(token, renew_at=0)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._renewed)
        renewal = self._renewal
        # Not awaited itself: one who stops waiting must not take the token from the
        # others, and what close() cancels is the renewal, not those who wait.
        await asyncio.wait([renewal])
        if renewal.cancelled():
            raise PoderoConnectionError("The renewal of the token was given up")
        return renewal.result().access_token

    def close(self) -> None:
        """Give up a renewal that is under way, and give no token any more."""
        self._is_closed = True
        if self._renewal is not None:
            self._renewal.cancel()

    def _renewed(self, renewal: asyncio.Task[Token]) -> None:
        """Make room for the next renewal."""
        self._renewal = None
        self.renewals += 1
        if not renewal.cancelled():
            # Asked for, so that a failure for which nobody waits is not reported.
            renewal.exception()

    async def _renew(self) -> Token:
        """Renew the token, from the refresh token if there is one and it is taken."""
        old, self._token = self._token, None
        if old is not None and old.refresh_token is not None:
            try:
                self._token = await self._ask(
                    TOKEN_PATH,
                    grant_type="refresh_token",
                    refresh_token=old.refresh_token,
                )
            except AuthenticationError, InvalidResponseError:
                # Refused or not served: the credentials themselves decide.
                pass
            except BaseException:
                # Not known: the refresh token may still be good for the next time.
                self._token = old
                raise
            else:
                return self._token
        self._token = await self._grant()
        return self._token

    async def _ask(
        self, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> Token:
        """Ask one token URL."""
        return Token.from_response(
            await self._transport.request("POST", path, json=body, headers=headers)
        )

    @abstractmethod
    async def _grant(self) -> Token:
        """Ask for a token with the credentials themselves."""


class PasswordAuth(Auth):
    """The password grant: a homeowner's own user name and password."""

    def __init__(self, transport: Transport, username: str, password: str) -> None:
        """Keep the credentials."""
        super().__init__(transport)
        self._username = username
        self._password = password

    @override
    async def _grant(self) -> Token:
        return await self._ask(
            TOKEN_PATH,
            grant_type="password",
            username=self._username,
            password=self._password,
        )


class ClientCredentialsAuth(Auth):
    """The client-credentials grant: an organisation's client id and secret.

    The guide and the contract name different token URLs for it. The guide's is asked
    first, the other one if it refuses the credentials or does not serve the grant; from
    then on the one that answered is asked first.
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
            return await self._ask_at(first)
        except (AuthenticationError, _NotServedError) as err:
            failure = err
        try:
            token = await self._ask_at(second)
        except _NotServedError:
            raise failure from None
        self._paths = second, first
        return token

    async def _ask_at(self, path: str) -> Token:
        """Ask one of the two URLs in the way that is documented for it."""
        pair = b64encode(f"{self._client_id}:{self._client_secret}".encode()).decode()
        # The contract does not say how its URL takes the credentials: both ways are given.
        body = (
            {"client_id": self._client_id, "client_secret": self._client_secret}
            if path == TOKEN_PATH
            else {}
        )
        return await self._ask(
            path,
            headers={"Authorization": f"Basic {pair}"},
            grant_type="client_credentials",
            **body,
        )
