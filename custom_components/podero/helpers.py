"""Helpers that several modules use."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
import math
from typing import Any, override

from aiohttp import ClientSession, DummyCookieJar

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_PASSWORD,
    CONF_USERNAME,
    EVENT_HOMEASSISTANT_CLOSE,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.singleton import singleton
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .api import (
    ClientCredentialsAuth,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    Observations,
    PasswordAuth,
    PoderoClient,
    PoderoError,
    RateLimitError,
    Transport,
)
from .const import (
    CONF_BASE_URL,
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_STATISTICS_ID,
    CONF_STATISTICS_SINCE,
    CONF_USER_ID,
    DOMAIN,
    GRANT_PASSWORD,
)

NOT_OFFERED = (ForbiddenError, NotFoundError, MethodNotAllowedError)
"""Errors of an endpoint that is not available to the account."""

DEFAULT_WAIT, MAX_WAIT = 30.0, 86400.0
"""Seconds to wait after a 429 without a Retry-After, and at most."""

DATA_OBSERVATIONS: HassKey[dict[str, Observations]] = HassKey(f"{DOMAIN}_observations")
"""By the base URL of a server."""


class NoCookies(DummyCookieJar):
    """Store no cookies, and do not parse them: older releases of aiohttp log their names."""

    @override
    def update_cookies_from_headers(self, *_: Any) -> None:
        """Ignore the Set-Cookie headers of a response."""


@singleton(f"{DOMAIN}_session")
@callback
def _async_get_session(hass: HomeAssistant) -> ClientSession:
    """Return the session of all accounts, without cookies, which would mix them."""
    # With the automatic cleanup it would be detached when the entry is unloaded during
    # whose set-up it is created.
    session = async_create_clientsession(
        hass, auto_cleanup=False, cookie_jar=NoCookies()
    )

    @callback
    def detach(_: Event) -> None:
        session.detach()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, detach)
    return session


def observations_of(hass: HomeAssistant, base_url: str) -> Observations:
    """Return the observations of a server since Home Assistant started."""
    servers = hass.data.setdefault(DATA_OBSERVATIONS, {})
    return servers.setdefault(base_url, Observations())


@callback
def async_create_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PoderoClient:
    """Return a client for the data of an entry. Close it after use."""
    transport = Transport(
        _async_get_session(hass),
        data[CONF_BASE_URL],
        observations_of(hass, data[CONF_BASE_URL]),
    )
    auth = (
        PasswordAuth(transport, data[CONF_USERNAME], data[CONF_PASSWORD])
        if data[CONF_GRANT] == GRANT_PASSWORD
        else ClientCredentialsAuth(
            transport, data[CONF_CLIENT_ID], data[CONF_CLIENT_SECRET]
        )
    )
    return PoderoClient(
        transport, auth, data[CONF_ORGANIZATION_ID], data.get(CONF_USER_ID)
    )


def to_write_error(err: PoderoError) -> HomeAssistantError:
    """Map an API error of a write to a Home Assistant exception."""
    key = f"write_{err.key}"
    placeholders: dict[str, str] = {}
    if isinstance(err, ConflictError) and err.reason is not None:
        key = f"boost_{err.reason}"
    elif isinstance(err, RateLimitError):
        wait = DEFAULT_WAIT if err.retry_after is None else err.retry_after
        placeholders["seconds"] = str(math.ceil(min(max(wait, 1.0), MAX_WAIT)))
    is_impossible = isinstance(err, ConflictError | InvalidRequestError)
    return (ServiceValidationError if is_impossible else HomeAssistantError)(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


def to_read_error(err: PoderoError) -> HomeAssistantError:
    """Map an API error of a read by the user to a Home Assistant exception."""
    if isinstance(err, RateLimitError):
        return to_write_error(err)
    key = "not_offered" if isinstance(err, NOT_OFFERED) else err.key
    return HomeAssistantError(translation_domain=DOMAIN, translation_key=key)


def digest(text: str) -> str:
    """Return a hash of a text, for ids of issues that must not contain the text."""
    return sha256(text.encode()).hexdigest()[:16]


def statistics_source(subentry: ConfigSubentry) -> tuple[str, datetime | None]:
    """Return the vehicle id in the ids of a vehicle's statistics, and their start.

    If the vehicle replaced another one, the id is still the first one's, and rows before
    the start, which are the earlier vehicle's, must not be changed. Otherwise the start
    is None.
    """
    since = subentry.data.get(CONF_STATISTICS_SINCE)
    return (
        subentry.data.get(CONF_STATISTICS_ID) or str(subentry.unique_id),
        dt_util.parse_datetime(since) if since else None,
    )


def targeted_devices(hass: HomeAssistant, target: TargetSelection) -> set[str]:
    """Return the devices in a target, and the devices of the entities in it."""
    selected = async_extract_referenced_entity_ids(
        hass, target, primary_entities_only=False
    )
    return selected.referenced_devices | devices_of(
        hass, selected.referenced | selected.indirectly_referenced
    )


def devices_of(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the devices of entities."""
    registry = er.async_get(hass)
    return {
        entry.device_id
        for entity_id in entity_ids
        if (entry := registry.async_get(entity_id)) and entry.device_id
    }
