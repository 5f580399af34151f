"""The Partner API, one method per endpoint."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from http import HTTPStatus
import re
from typing import Any, Final, Literal, get_args
from uuid import UUID

from yarl import URL

from .auth import Auth
from .errors import (
    InvalidResponseError,
    NotFoundError,
    TokenRefusedError,
    UntrustedLinkError,
)
from .models import (
    JsonObject,
    Model,
    Onboarding,
    PriceZone,
    ResolutionLink,
    User,
    Vehicle,
)
from .sessions import ChargePolicy, ChargingSession
from .transport import Response, Transport, parse_url

API_PATH = "/api/partners/v2.0"
_ONBOARDING_PATH = f"{API_PATH}/device-onboarding"

type OnboardingLanguage = Literal["de", "en", "et", "hu", "it", "pl", "ro", "sv"]

ONBOARDING_LANGUAGES: Final[tuple[OnboardingLanguage, ...]] = get_args(
    OnboardingLanguage.__value__
)
"""The languages of the page that connects a device (guide)."""

type SignInState = Literal["success", "fail"]
"""The outcome of a sign-in that is reported."""

PAGE_SIZE = 200
"""Sessions per page, the most that the guide allows."""

MAX_PAGES = 50
"""Pages after which a list of sessions is considered endless."""

# A host that every browser accepts; punycode if it is international.
_HOST = r"(?a)[\w.-]+|[\da-f:.]+"

# Segments start with a letter, a digit, "_" or "-", and nothing is percent-encoded: no
# server can read a dot segment or another separator into them.
_SEGMENT = r"[\w-][\w.:~-]*"
_CUE_PATH = rf"(?a)({re.escape(API_PATH)}/cues/{_SEGMENT})(/{_SEGMENT})*/?"


class PoderoClient:
    """The Partner API for one user of one organization.

    Without a user, only the users of the organization can be read.

    Every method can raise AuthenticationError (the credentials are refused),
    TokenRefusedError (a new token is refused), ForbiddenError, RateLimitError,
    PoderoConnectionError and InvalidResponseError; a method's docstring names what else
    it raises. Source of every path: the contract, or Podero's guide if the docstring
    says so.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        organization_id: str,
        user_id: str | None = None,
    ) -> None:
        """Call the API for an account. Raises ValueError for an id that is not a UUID."""
        self._transport = transport
        self._auth = auth
        self._organization_id = str(UUID(organization_id))
        self._user_id = None if user_id is None else str(UUID(user_id))
        self._users = f"{API_PATH}/org/{self._organization_id}/users"
        # The last response of each vehicle, with its decoded document and the vehicle:
        # what the next one has in common with it is not converted again.
        self._last: dict[str, tuple[bytes, tuple[JsonObject, Vehicle]]] = {}

    def close(self) -> None:
        """Cancel a token request in progress, and start no more requests."""
        self._auth.close()

    async def authenticate(self) -> None:
        """Get a token if there is none yet, which validates the credentials."""
        await self._auth.get_access_token()

    def with_user(self, user_id: str) -> PoderoClient:
        """Return a client for a user of the same organization, with the same token."""
        return PoderoClient(self._transport, self._auth, self._organization_id, user_id)

    async def get_users(self) -> tuple[User, ...]:
        """Return the users of the organization (guide). Personal data.

        Items that are not objects are skipped. Raises ForbiddenError or NotFoundError if
        the endpoint is not available to the account.
        """
        return await self._read_list(self._users, User)

    async def get_vehicles(self) -> tuple[Vehicle, ...]:
        """Return the user's vehicles, without their actions (guide).

        Items that are not vehicles are skipped. Raises NotFoundError if the service has
        no such list.
        """
        return await self._read_list(self._vehicles, Vehicle)

    async def get_vehicle(self, vehicle_id: str) -> Vehicle:
        """Return the vehicle with a canonical UUID.

        Returns the same object as long as the response is identical. Raises NotFoundError
        if there is no such vehicle, InvalidResponseError also if the response is not a
        vehicle or a different one.
        """
        response = await self._request("GET", self._vehicle(vehicle_id))
        body, last = self._last.get(vehicle_id, (None, None))
        if last is not None and body == response.body:
            return last[1]
        document = response.json()
        vehicle = Vehicle.from_json(document, last)
        if vehicle.id is not None and vehicle.id != vehicle_id:
            raise InvalidResponseError("The response is a different vehicle")
        self._last[vehicle_id] = response.body, (document, vehicle)
        return vehicle

    async def get_sessions(
        self, vehicle_id: str, first: date, last: date
    ) -> tuple[ChargingSession, ...]:
        """Return the completed sessions between two UTC days, both inclusive (guide).

        They are in the order of the service. An item that is not an object becomes a
        session whose values are all None, so that callers can count it. Raises
        ForbiddenError, NotFoundError or MethodNotAllowedError if the endpoint is not
        available to the account, InvalidRequestError if the days are refused,
        InvalidResponseError also if the pages do not end.
        """
        path = (
            f"{self._vehicle(vehicle_id)}/sessions"
            f"?from={first:%Y-%m-%d}&to={last:%Y-%m-%d}&limit={PAGE_SIZE}"
        )
        sessions: list[ChargingSession] = []
        known: set[str] = set()
        offset = 0
        for _ in range(MAX_PAGES):
            document = (await self._request("GET", f"{path}&offset={offset}")).json()
            items = _member(document, "items")
            if not isinstance(items, list):
                raise InvalidResponseError("The items are not a list")
            offset += len(items)
            # A session that is completed meanwhile can shift others to the next page.
            new = [item for item in map(_session, items) if item.key not in known]
            sessions += new
            known.update(session.key for session in new)
            # The total may be wrong: after a full page only a page without news ends it.
            total = document.get("total")
            is_complete = isinstance(total, int) and offset >= total
            if not new or (is_complete and len(items) < PAGE_SIZE):
                return tuple(sessions)
        raise InvalidResponseError("The pages do not end")

    async def get_current_session(self, vehicle_id: str) -> ChargingSession | None:
        """Return the running session, or None (guide).

        Raises ForbiddenError, NotFoundError or MethodNotAllowedError if the endpoint is
        not available to the account.
        """
        response = await self._request(
            "GET", f"{self._vehicle(vehicle_id)}/sessions/current"
        )
        session = _member(response.json(), "session")
        return None if session is None else ChargingSession.from_json(session)

    async def get_charge_policy(self, vehicle_id: str) -> ChargePolicy:
        """Return the weekly charge policy (guide).

        Raises ForbiddenError, NotFoundError or MethodNotAllowedError if the endpoint is
        not available to the account.
        """
        response = await self._request(
            "GET", f"{self._vehicle(vehicle_id)}/charge-policy"
        )
        return ChargePolicy.from_json(_member(response.json(), "data"))

    async def set_preferences(self, vehicle_id: str, **preferences: Any) -> None:
        """Change some preferences of a vehicle (guide).

        Values are JSON values; times are `HH:MM:SS`, timestamps ISO 8601. Raises
        NotFoundError, and InvalidRequestError if a value is refused.
        """
        await self._request("PUT", self._vehicle(vehicle_id), json=preferences)

    async def start_boost(self, vehicle_id: str) -> None:
        """Charge now, or as soon as the vehicle is plugged in (guide).

        Raises NotFoundError, and ConflictError with the reason `already_charging`,
        `fully_charged`, `no_active_session` or `internal_error`.
        """
        await self._request("POST", f"{self._vehicle(vehicle_id)}/boost")

    async def cancel_boost(self, vehicle_id: str) -> None:
        """Cancel a boost that waits for the next session (guide). Raises NotFoundError."""
        await self._request("DELETE", f"{self._vehicle(vehicle_id)}/boost")

    async def resolve_action(
        self, link: ResolutionLink, parameters: Mapping[str, Any]
    ) -> str | None:
        """Start an action, or mark a message as read.

        Returns the http(s) URL to open in the user's browser, or None if the response has
        none. Raises NotFoundError if the action is no longer active, InvalidRequestError
        if a parameter is refused, UntrustedLinkError if the link is not an action's or the
        URL is not http(s).
        """
        url, _ = self._resolve_link(link)
        response = await self._request("POST", url, json=parameters)
        redirect_url = response.member("redirect_url")
        return None if redirect_url is None else _browser_url(redirect_url)

    async def report_action(self, link: ResolutionLink, state: SignInState) -> None:
        """Report the outcome of an action that was started (guide).

        The guide documents no token for it: the token is sent only after a 401. Raises
        NotFoundError if the action is not active, for example reported already.
        """
        url, cue = self._resolve_link(link)
        # With the query, whose secret is valid for this URL too.
        url = url.with_path(f"{cue}/state", encoded=True, keep_query=True)
        json = {"state": state}
        response = await self._transport.request("POST", url, json=json)
        if response.status == HTTPStatus.UNAUTHORIZED:
            token = await self._auth.get_access_token()
            response = await self._transport.request(
                "POST", url, json=json, headers=_authorization(token)
            )
        response.raise_for_status()

    async def start_onboarding(
        self,
        *,
        language: OnboardingLanguage,
        price_zone: PriceZone,
        success_url: str,
        cancel_url: str,
    ) -> Onboarding:
        """Start to connect a new device of the user (guide).

        The user's browser is to be sent to `authentication_url`, and returns to one of the
        two URLs. Raises UntrustedLinkError if `authentication_url` is not http(s),
        InvalidRequestError if a value is refused.
        """
        response = await self._request(
            "POST",
            _ONBOARDING_PATH,
            json={
                "language": language,
                "price_zone_default": price_zone,
                "success_url": success_url,
                "cancel_url": cancel_url,
                "user_id": self._user_id,
            },
        )
        onboarding = Onboarding.from_json(response.json())
        url = _browser_url(onboarding.authentication_url or "")
        return replace(onboarding, authentication_url=url)

    async def get_onboarding(self, onboarding_id: str) -> Onboarding:
        """Return the state of connecting a device (guide).

        Raises NotFoundError if there is no such onboarding.
        """
        if not re.fullmatch(r"(?a)[\w-]+", onboarding_id):
            raise NotFoundError("The id is not valid in a path")
        path = f"{_ONBOARDING_PATH}/{onboarding_id}"
        return Onboarding.from_json((await self._request("GET", path)).json())

    async def _read_list[T: Model](self, path: str, kind: type[T]) -> tuple[T, ...]:
        """Return the items of a JSON array, without those that are not of a kind."""
        document = (await self._request("GET", path)).json()
        if not isinstance(document, list):
            raise InvalidResponseError("The response is not a list")
        items = []
        for item in document:
            with suppress(InvalidResponseError):
                items.append(kind.from_json(item))
        return tuple(items)

    def _resolve_link(self, link: ResolutionLink) -> tuple[URL, str]:
        """Return the URL of a link, and the path of its action.

        Raises UntrustedLinkError unless it is below the path of an action.
        """
        url = self._transport.resolve(link.url or "")
        if (match := re.fullmatch(_CUE_PATH, url.raw_path)) is None:
            raise UntrustedLinkError("Not the URL of an action")
        return url, match[1]

    @property
    def _vehicles(self) -> str:
        """Return the path of the user's vehicles. Raises NotFoundError without a user."""
        if self._user_id is None:
            raise NotFoundError("The client has no user")
        return f"{self._users}/{self._user_id}/electric-vehicles"

    def _vehicle(self, vehicle_id: str) -> str:
        """Return the path of a vehicle. Raises NotFoundError if the id is not a UUID."""
        try:
            return f"{self._vehicles}/{UUID(vehicle_id)}"
        except ValueError:
            raise NotFoundError("The id is not a UUID") from None

    async def _request(
        self, method: str, url: str | URL, *, json: Mapping[str, Any] | None = None
    ) -> Response:
        """Send a request with a token, and retry it with a new one after a 401.

        A token that another request renewed meanwhile does not count as new: it may be as
        old as the first.
        """
        rejected: str | None = None
        while True:
            renewals = self._auth.renewals
            token = await self._auth.get_access_token(rejected)
            is_new = self._auth.renewals != renewals
            response = await self._transport.request(
                method, url, json=json, headers=_authorization(token)
            )
            if response.status != HTTPStatus.UNAUTHORIZED:
                response.raise_for_status()
                return response
            if is_new and rejected is not None:
                raise TokenRefusedError("A new token was refused")
            rejected = token


def _browser_url(text: str) -> str:
    """Return a URL for the user's browser. Raises UntrustedLinkError if not http(s)."""
    # The error of an invalid URL contains it; do not chain it.
    with suppress(ValueError):
        url = parse_url(text)
        if url.scheme in {"http", "https"} and re.fullmatch(_HOST, url.raw_host or ""):
            return str(url)
    raise UntrustedLinkError("Not an http(s) URL")


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _member(document: Any, name: str) -> Any:
    """Return a member of a JSON object. Raises InvalidResponseError if there is none."""
    if not isinstance(document, dict) or name not in document:
        raise InvalidResponseError(f"The response has no {name}")
    return document[name]


def _session(item: Any) -> ChargingSession:
    """Read an item of a list; one that is not an object becomes an empty session."""
    return ChargingSession.from_json(item if isinstance(item, dict) else {})
