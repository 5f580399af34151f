"""The client of an account, made from what its entry holds."""

from collections.abc import Mapping
from typing import Any, override

from aiohttp import ClientSession, DummyCookieJar

from homeassistant.const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_PASSWORD,
    CONF_USERNAME,
    EVENT_HOMEASSISTANT_CLOSE,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.singleton import singleton

from .api import ClientCredentialsAuth, PasswordAuth, PoderoClient, Transport
from .const import (
    CONF_BASE_URL,
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_USER_ID,
    DOMAIN,
    GRANT_PASSWORD,
)


class NoCookies(DummyCookieJar):
    """Take no cookies, and do not look at them: older releases of aiohttp log their names."""

    @override
    def update_cookies_from_headers(self, *_: Any) -> None:
        """Pass over what a server sets."""


@singleton(f"{DOMAIN}_session")
@callback
def _async_get_session(hass: HomeAssistant) -> ClientSession:
    """Return the session of all accounts: no cookie set for one is sent for another."""
    session = async_create_clientsession(
        hass, auto_cleanup=False, cookie_jar=NoCookies()
    )

    @callback
    def detach(_: Event) -> None:
        session.detach()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, detach)
    return session


def async_create_client(hass: HomeAssistant, data: Mapping[str, Any]) -> PoderoClient:
    """Return a client for the account data of an entry. Close it after use."""
    transport = Transport(_async_get_session(hass), data[CONF_BASE_URL])
    auth = (
        PasswordAuth(transport, data[CONF_USERNAME], data[CONF_PASSWORD])
        if data[CONF_GRANT] == GRANT_PASSWORD
        else ClientCredentialsAuth(
            transport, data[CONF_CLIENT_ID], data[CONF_CLIENT_SECRET]
        )
    )
    return PoderoClient(transport, auth, data[CONF_ORGANIZATION_ID], data[CONF_USER_ID])
