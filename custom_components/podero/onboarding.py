"""Flow steps that connect a new vehicle on Podero's website."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigSubentryFlow,
    ConfigSubentryFlowManager,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.util import dt as dt_util

from .api import (
    ONBOARDING_LANGUAGES,
    AuthenticationError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    Onboarding,
    OnboardingLanguage,
    PoderoConnectionError,
    PoderoError,
    PriceZone,
    Vehicle,
)
from .external_step import ExternalStep
from .forms import with_back
from .http import request_language
from .vehicle_steps import VehicleSteps
from .vehicles import unconfigured_vehicles, vehicle_subentry

CONF_PRICE_ZONE: Final = "price_zone"

ONBOARDING_TIMEOUT = 30 * 60.0
"""Seconds to wait for the browser to return from Podero's website."""

# The countries with one price zone; in the others the user has to choose.
PRICE_ZONES: Final = {
    "AT": PriceZone.AT,
    "BE": PriceZone.BE,
    "CH": PriceZone.CH,
    "DE": PriceZone.DE_LU,
    "EE": PriceZone.EE,
    "GB": PriceZone.UK,
    "HU": PriceZone.HU,
    "LU": PriceZone.DE_LU,
    "PT": PriceZone.PT,
    "RO": PriceZone.RO,
}


class OnboardingSteps(
    VehicleSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    ExternalStep[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    ConfigSubentryFlow,
):
    """A subentry flow that sends the user to Podero's website and finds the new vehicle.

    The outcome is "connected", "not_connected" or the reason of an abort.
    """

    _vehicles: Collection[Vehicle] | None = None
    """The vehicles before a new one was connected, or None if they are not known."""

    _onboarding: Onboarding
    _connected: tuple[str, Vehicle] | None = None
    """The new vehicle with its id, once it is found."""

    @property
    @override
    def _manager(self) -> ConfigSubentryFlowManager:
        """Return the manager of subentry flows."""
        return self.hass.config_entries.subentries

    async def async_step_connect(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Explain what will happen, and ask for the price zone of the home."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if self._goes_back("connect", user_input):
                return await self.async_step_back()
            if zone := user_input.get(CONF_PRICE_ZONE):
                try:
                    await self._async_start(PriceZone(zone.upper()))
                except ForbiddenError, NotFoundError, InvalidRequestError:
                    errors["base"] = "not_offered"
                except PoderoError as err:
                    errors["base"] = err.key
                else:
                    return await self.async_step_onboarding()
            else:
                errors[CONF_PRICE_ZONE] = "no_choice"
        zone = default_price_zone(self.hass, self._vehicles or ())
        return self._show("connect", _price_zone_schema(zone), errors)

    async def async_step_onboarding(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Wait until the browser returns from Podero's website."""
        return self._show_external("onboarding", "connected")

    async def async_step_connected(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add the vehicle, or show why there is none."""
        self._stop_watching()
        if self._connected is not None:
            return await self._async_finish(
                [vehicle_subentry(self.hass, *self._connected)]
            )
        if self._outcome == "not_connected":
            return await self.async_step_not_connected()
        return self.async_abort(reason=str(self._outcome))

    async def async_step_not_connected(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show that there is no new vehicle yet, and ask how to continue."""
        self._add_to_history("not_connected")
        return self.async_show_menu(
            step_id="not_connected",
            menu_options=["look", "connect", "enter_vehicle"],
            # Changes each time, so that the user sees that Podero was asked again.
            description_placeholders={"time": f"{dt_util.now():%H:%M:%S}"},
        )

    async def async_step_look(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Look again for the new vehicle."""
        error = await self._async_find(in_list=True)
        self._outcome = error.key if error else "not_connected"
        return await self.async_step_connected()

    async def _async_start(self, price_zone: PriceZone) -> None:
        """Start the onboarding, and wait for its outcome in the background."""
        # A client of its own: a reload of the account closes the account's.
        self._client = self._open_client(self._get_entry().data)
        if self._vehicles is None:
            with suppress(PoderoError):
                self._vehicles = await self._client.get_vehicles()
        language = request_language(self.hass)
        ticket = self._issue_ticket(language)
        self._onboarding = await self._client.start_onboarding(
            language=onboarding_language(language),
            price_zone=price_zone,
            success_url=ticket.url("success"),
            cancel_url=ticket.url("fail"),
        )
        self._raise_if_removed()
        url = self._onboarding.authentication_url
        assert url is not None
        self._begin_watching(url, self._async_wait_for_vehicle())

    async def _async_wait_for_vehicle(self) -> str:
        """Return the outcome, once the browser has returned or the vehicle is known."""
        outcome = await self._async_wait_for_return(
            ONBOARDING_TIMEOUT, self._async_check
        )
        assert self._ticket is not None
        has_cancelled = outcome is None and self._ticket.state.result() == "fail"
        # After a cancellation, a car that is new in the list is not the one.
        error = await self._async_find(in_list=not has_cancelled)
        if self._connected is not None:
            return "connected"
        if has_cancelled:
            return "cancelled"
        return outcome or (error.key if error else "not_connected")

    async def _async_check(self) -> str | None:
        """Return the outcome, if it is known before the browser returns."""
        assert self._ticket is not None
        error = await self._async_find(in_list=False)
        if self._connected is not None:
            return "connected"
        if isinstance(error, AuthenticationError):
            return error.key
        if error is not None:
            # Leave the service alone for as long as it wants, or until the browser returns.
            await asyncio.wait({self._ticket.state}, timeout=error.retry_after or 0)
        expires: datetime | None = self._onboarding.expiration_date
        return "expired" if expires and expires < dt_util.utcnow() else None

    async def _async_find(
        self, *, in_list: bool
    ) -> AuthenticationError | PoderoConnectionError | None:
        """Find the new vehicle by the onboarding, or else as a new one in the list.

        Return the error of the last request if it leaves open whether there is one.
        """
        failure: PoderoError | None = None
        try:
            self._connected = await self._async_read_onboarding()
        except PoderoError as err:
            # The device may be something else than a vehicle, or not readable yet.
            failure = err
        if in_list and self._connected is None and self._vehicles is not None:
            try:
                self._connected = self._find_new(await self._client.get_vehicles())
            except PoderoError as err:
                failure = err
            else:
                failure = None
        if isinstance(failure, AuthenticationError | PoderoConnectionError):
            return failure
        return None

    async def _async_read_onboarding(self) -> tuple[str, Vehicle] | None:
        """Return the vehicle that the onboarding names. Raises PoderoError."""
        if self._onboarding.id is None:
            return None
        onboarding = await self._client.get_onboarding(self._onboarding.id)
        if (vehicle_id := onboarding.object_id) is None:
            return None
        return vehicle_id, await self._client.get_vehicle(vehicle_id)

    def _find_new(self, vehicles: Collection[Vehicle]) -> tuple[str, Vehicle] | None:
        """Return a vehicle that was not listed before, or None."""
        before = {vehicle.id for vehicle in self._vehicles or ()}
        found = [
            new
            for new in unconfigured_vehicles(self.hass, vehicles).items()
            if new[0] not in before
        ]
        return found[-1] if found else None


def onboarding_language(language: str) -> OnboardingLanguage:
    """Return the language of Podero's website for a user's language."""
    spoken = language.partition("-")[0]
    return next((known for known in ONBOARDING_LANGUAGES if known == spoken), "en")


def default_price_zone(
    hass: HomeAssistant, vehicles: Collection[Vehicle]
) -> PriceZone | None:
    """Return the price zone of most vehicles, or else of the country."""
    zones = Counter(vehicle.price_zone for vehicle in vehicles if vehicle.price_zone)
    if zones:
        return zones.most_common(1)[0][0]
    return PRICE_ZONES.get(hass.config.country or "")


def _price_zone_schema(suggestion: PriceZone | None) -> vol.Schema:
    """Return the schema of a price zone."""
    description = {"suggested_value": suggestion.lower()} if suggestion else None
    selector = SelectSelector(
        SelectSelectorConfig(
            options=[zone.lower() for zone in PriceZone],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key=CONF_PRICE_ZONE,
        )
    )
    return with_back({vol.Optional(CONF_PRICE_ZONE, description=description): selector})
