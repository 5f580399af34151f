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
from .models import Model, Onboarding, PriceZone, ResolutionLink, User, Vehicle
from .sessions import ChargePolicy, ChargingSession
from .transport import Response, Transport, parse_url

API_PATH = "/api/partners/v2.0"
_ONBOARDING_PATH = f"{API_PATH}/device-onboarding"

type OnboardingLanguage = Literal["de", "en", "et", "hu", "it", "pl", "ro", "sv"]

ONBOARDING_LANGUAGES: Final[tuple[OnboardingLanguage, ...]] = get_args(
    OnboardingLanguage.__value__
)
"""The languages of the page on which a device is connected (guide)."""

PAGE_SIZE = 200
"""Sessions asked for at once, the most that the guide allows."""

MAX_PAGES = 50
"""Pages after which a list of sessions is taken for endless."""

# A host that every browser accepts; punycode if it is international.
_HOST = r"(?a)[\w.-]+|[\da-f:.]+"

# Segments start with a letter, a digit, "_" or "-", and nothing is percent-encoded: no
# server can read a dot segment or another separator into them.
_SEGMENT = r"[\w-][\w.:~-]*"
_CUE_PATH = rf"(?a)({re.escape(API_PATH)}/cues/{_SEGMENT})(/{_SEGMENT})*/?"


class PoderoClient:
    """Call the Partner API for one user of one organisation.

    Without a user only the organisation's users can be read.

    Every method raises, beside what it names, AuthenticationError (the credentials are
    refused; TokenRefusedError where it is what they gave), ForbiddenError,
    RateLimitError, PoderoConnectionError and InvalidResponseError. Source of every path:
    the contract, or Podero's guide where the method says so.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        organization_id: str,
        user_id: str | None = None,
    ) -> None:
        """Call in the name of an account. Raises ValueError for an id that is no UUID."""
        self._transport = transport
        self._auth = auth
        self._organization_id = str(UUID(organization_id))
        self._user_id = None if user_id is None else str(UUID(user_id))
        self._users = f"{API_PATH}/org/{self._organization_id}/users"
        # The last answer of each vehicle: the same one is not read again.
        self._last: dict[str, tuple[bytes, Vehicle]] = {}

    def close(self) -> None:
        """Give up a token that is asked for, and begin no request any more."""
        self._auth.close()

    async def authenticate(self) -> None:
        """Get a token, if there is none yet, and so try the credentials."""
        await self._auth.get_access_token()

    def with_user(self, user_id: str) -> PoderoClient:
        """Return a client for a user of the same organisation, with the same token."""
        return PoderoClient(self._transport, self._auth, self._organization_id, user_id)

    async def get_users(self) -> tuple[User, ...]:
        """Return the organisation's users that the account may see (guide). Personal.

        Items that are not users are skipped. Raises ForbiddenError or NotFoundError if
        the service does not list them for this account.
        """
        return await self._read_list(self._users, User)

    async def get_vehicles(self) -> tuple[Vehicle, ...]:
        """Return the user's vehicles, without their actions (guide).

        Items that are not vehicles are skipped. Raises NotFoundError if the service has
        no such list.
        """
        return await self._read_list(self._vehicles, Vehicle)

    async def get_vehicle(self, vehicle_id: str) -> Vehicle:
        """Return one vehicle, by its canonical UUID.

        The same object is returned as long as the answer is the same. Raises
        NotFoundError if there is none, InvalidResponseError if the answer is not a
        vehicle or another one.
        """
        response = await self._request("GET", self._vehicle(vehicle_id))
        body, vehicle = self._last.get(vehicle_id, (None, None))
        if vehicle is not None and body == response.body:
            return vehicle
        vehicle = Vehicle.from_json(response.json())
        if vehicle.id is not None and vehicle.id != vehicle_id:
            raise InvalidResponseError("The answer is another vehicle's")
        self._last[vehicle_id] = response.body, vehicle
        return vehicle

    async def get_sessions(
        self, vehicle_id: str, first: date, last: date
    ) -> tuple[ChargingSession, ...]:
        """Return the completed sessions of some UTC days, both inclusive (guide).

        Their order is the service's. An item that is not an object is a session of which
        nothing is known. Raises ForbiddenError, NotFoundError or MethodNotAllowedError
        if the account may not list them or the service cannot, InvalidRequestError if it
        refuses the days, InvalidResponseError also for a list without an end.
        """
        path = (
            f"{self._vehicle(vehicle_id)}/sessions"
            f"?from={first:%Y-%m-%d}&to={last:%Y-%m-%d}&limit={PAGE_SIZE}"
        )
        sessions: list[ChargingSession] = []
        known: set[object] = set()
        offset = 0
        for _ in range(MAX_PAGES):
            document = (await self._request("GET", f"{path}&offset={offset}")).json()
            items = _member(document, "items")
            if not isinstance(items, list):
                raise InvalidResponseError("The items are not a list")
            total = document.get("total")
            # A session that is added meanwhile moves others to the next page.
            page = [
                session
                for session in map(_session, items)
                if (session.id or session.plug_in_time) not in known
            ]
            sessions += page
            known.update(session.id or session.plug_in_time for session in page)
            offset += len(items)
            # The total may be wrong: nothing new is the end, and a full page is not.
            is_last = isinstance(total, int) and offset >= total
            if not page or (is_last and len(items) < PAGE_SIZE):
                return tuple(sessions)
        raise InvalidResponseError("The list of sessions has no end")

    async def get_current_session(self, vehicle_id: str) -> ChargingSession | None:
        """Return the session that has not ended, if there is one (guide).

        Raises ForbiddenError, NotFoundError or MethodNotAllowedError if the account may
        not read it or the service cannot.
        """
        response = await self._request(
            "GET", f"{self._vehicle(vehicle_id)}/sessions/current"
        )
        session = _member(response.json(), "session")
        return None if session is None else ChargingSession.from_json(session)

    async def get_charge_policy(self, vehicle_id: str) -> ChargePolicy:
        """Return the weekly charge policy (guide).

        Raises ForbiddenError, NotFoundError or MethodNotAllowedError if the account may
        not read it or the service cannot.
        """
        response = await self._request(
            "GET", f"{self._vehicle(vehicle_id)}/charge-policy"
        )
        return ChargePolicy.from_json(_member(response.json(), "data"))

    async def set_preferences(self, vehicle_id: str, **preferences: Any) -> None:
        """Change preferences of a vehicle; those not named stay as they are (guide).

        Values are what JSON knows; times of day are `HH:MM:SS`, moments ISO 8601.
        Raises InvalidRequestError where the service refuses a value.
        """
        await self._request("PUT", self._vehicle(vehicle_id), json=preferences)

    async def start_boost(self, vehicle_id: str) -> None:
        """Charge now, or as soon as the vehicle is plugged in (guide).

        Raises ConflictError with the reason `already_charging`, `fully_charged`,
        `no_active_session` or `internal_error`.
        """
        await self._request("POST", f"{self._vehicle(vehicle_id)}/boost")

    async def cancel_boost(self, vehicle_id: str) -> None:
        """Take back a boost that has not begun (guide)."""
        await self._request("DELETE", f"{self._vehicle(vehicle_id)}/boost")

    async def resolve_action(
        self, link: ResolutionLink, parameters: Mapping[str, Any]
    ) -> str | None:
        """Start the action behind a link, or mark a message as read.

        Returns the http(s) address to send the user's browser to, or None where the
        answer has none. Raises NotFoundError where the action is no longer active,
        InvalidRequestError where a parameter is refused, UntrustedLinkError where the
        link or the address leads where no browser should be sent.
        """
        url, _ = self._resolve_link(link)
        response = await self._request("POST", url, json=parameters)
        address = response.member("redirect_url")
        return None if address is None else _web_address(address)

    async def report_action(
        self, link: ResolutionLink, state: Literal["success", "fail"]
    ) -> None:
        """Report how an action ended that was started (guide).

        The secret in the link is the only documented proof: the token is sent only if
        that is refused (401). Raises NotFoundError if the action is not active, so
        reported already.
        """
        url, cue = self._resolve_link(link)
        # The secret in the query serves both requests.
        url = url.with_path(f"{cue}/state", encoded=True, keep_query=True)
        json = {"state": state}
        response = await self._transport.request("POST", url, json=json)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response = await self._transport.request(
                "POST",
                url,
                json=json,
                headers=_authorization(await self._auth.get_access_token()),
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
        """Begin to connect a new device of the user (guide).

        The user's browser is to be sent to `authentication_url`, which is an http(s)
        address, and comes back to one of the two URLs. Raises UntrustedLinkError if
        no browser should be sent there, InvalidRequestError if a value is refused.
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
        address = _web_address(onboarding.authentication_url or "")
        return replace(onboarding, authentication_url=address)

    async def get_onboarding(self, onboarding_id: str) -> Onboarding:
        """Return how far the connecting of a device is (guide).

        Raises NotFoundError if there is no such onboarding.
        """
        if not re.fullmatch(r"(?a)[\w-]+", onboarding_id):
            raise NotFoundError("There is no such onboarding")
        path = f"{_ONBOARDING_PATH}/{onboarding_id}"
        return Onboarding.from_json((await self._request("GET", path)).json())

    async def _read_list[T: Model](self, path: str, kind: type[T]) -> tuple[T, ...]:
        """Return the items of a JSON array that are of a kind."""
        document = (await self._request("GET", path)).json()
        if not isinstance(document, list):
            raise InvalidResponseError("The answer is not a list")
        items = []
        for item in document:
            with suppress(InvalidResponseError):
                items.append(kind.from_json(item))
        return tuple(items)

    def _resolve_link(self, link: ResolutionLink) -> tuple[URL, str]:
        """Return the address of a link, and the path of the action that it belongs to.

        Raises UntrustedLinkError for an address that is not an action's.
        """
        url = self._transport.resolve(link.url or "")
        if (match := re.fullmatch(_CUE_PATH, url.raw_path)) is None:
            raise UntrustedLinkError("Not the address of an action")
        return url, match[1]

    @property
    def _vehicles(self) -> str:
        """Return the path of the user's vehicles."""
        if self._user_id is None:
            raise NotFoundError("There is no user")
        return f"{self._users}/{self._user_id}/electric-vehicles"

    def _vehicle(self, vehicle_id: str) -> str:
        """Return the path of a vehicle."""
        return f"{self._vehicles}/{_uuid(vehicle_id)}"

    async def _request(
        self, method: str, url: str | URL, *, json: Mapping[str, Any] | None = None
    ) -> Response:
        """Send a request with a token, and once more with a new one after a 401.

        A token that others had renewed may be as old as the first: it is no new one.
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


def _uuid(text: str) -> UUID:
    """Return the id of a resource. What is no UUID is the id of none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError("There is no such resource") from None


def _web_address(text: str) -> str:
    """Return the address that a browser is to be sent to, if it is a web address."""
    # The error of a URL that is none quotes it: it goes no further.
    with suppress(ValueError):
        url = parse_url(text)
        if url.scheme in {"http", "https"} and re.fullmatch(_HOST, url.raw_host or ""):
            return str(url)
    raise UntrustedLinkError("The address is not a web address")


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _member(document: Any, name: str) -> Any:
    """Return a member of a JSON object. Raises InvalidResponseError without it."""
    if not isinstance(document, dict) or name not in document:
        raise InvalidResponseError(f"The answer has no {name}")
    return document[name]


def _session(item: Any) -> ChargingSession:
    """Read an item of a list; of what is not an object nothing is known."""
    return ChargingSession.from_json(item if isinstance(item, dict) else {})
