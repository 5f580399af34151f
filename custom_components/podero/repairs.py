"""Repair flows, one for each kind of issue."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.components.repairs import (
    RepairsFlow,
    RepairsFlowResult,
    repairs_flow_manager,
)
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow, FlowManager
from homeassistant.helpers import issue_registry as ir

from .api import (
    Action,
    ForbiddenError,
    InformationAction,
    NotFoundError,
    PoderoError,
    ResolutionLink,
    SignInState,
    Vehicle,
)
from .const import DOMAIN, NEW_VEHICLE
from .coordinator import PoderoConfigEntry, PoderoCoordinator
from .external_step import ExternalStep
from .forms import (
    CONF_VEHICLE,
    TEXT_SELECTOR,
    InputError,
    at_field,
    errors_at,
    escape_markdown,
    parse_ids,
    vehicle_schema,
)
from .http import request_language
from .issues import NOT_FOUND, pending_actions
from .new_vehicles import find_vehicle
from .replacement import async_replace_vehicle
from .vehicles import (
    async_add_vehicles,
    async_list_vehicles,
    configured_vehicles,
    unconfigured_vehicles,
    vehicle_labels,
    vehicle_subentry,
)

SIGN_IN_TIMEOUT = 15 * 60.0
"""Seconds to wait for the browser to return from a sign-in."""

_ANSWER: Final = vol.Schema({vol.Required("answer"): vol.All(str, vol.Length(min=1))})


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that fixes an issue."""
    flows: dict[str, type[RepairsFlow]] = {
        "reauthenticate": ReauthenticateFlow,
        NOT_FOUND: VehicleNotFoundFlow,
        "information": MessageFlow,
        NEW_VEHICLE: NewVehicleFlow,
        "unknown_action": UnknownActionFlow,
    }
    return next(flow for kind, flow in flows.items() if issue_id.startswith(kind))()


@callback
def _async_ignore(flow: RepairsFlow, if_gone: str) -> None:
    """Ignore the issue of a flow. Raises AbortFlow with a reason if it is gone."""
    if ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.issue_id) is None:
        raise AbortFlow(if_gone)
    ir.async_ignore_issue(flow.hass, DOMAIN, flow.issue_id, True)


class VehicleRepairFlow(RepairsFlow):
    """A repair flow for an issue of one vehicle."""

    @property
    def _entry(self) -> PoderoConfigEntry | None:
        """Return the vehicle's entry, or None if it was removed."""
        assert self.data is not None
        return self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))

    @property
    def _subentry_id(self) -> str:
        """Return the id of the vehicle's subentry."""
        assert self.data is not None
        return str(self.data["subentry_id"])

    @property
    def _coordinator(self) -> PoderoCoordinator:
        """Return the vehicle's coordinator. Raises AbortFlow if it is not loaded."""
        entry = self._entry
        if entry is not None and entry.state is ConfigEntryState.LOADED:
            coordinator = entry.runtime_data.coordinators.get(self._subentry_id)
            if coordinator is not None:
                return coordinator
        raise AbortFlow("not_loaded")

    @property
    def _is_gone(self) -> bool:
        """Return whether the vehicle is no longer configured."""
        entry = self._entry
        return entry is None or self._subentry_id not in entry.subentries

    async def _async_refresh(self) -> PoderoCoordinator:
        """Refresh the vehicle's data, and return its coordinator."""
        await self._coordinator.async_refresh()
        return self._coordinator

    def _show(
        self,
        step_id: str,
        schema: vol.Schema | None = None,
        errors: dict[str, str] | None = None,
        **placeholders: str,
    ) -> RepairsFlowResult:
        """Show a form that names the vehicle."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema or vol.Schema({}),
            errors=errors,
            description_placeholders={"vehicle": self._vehicle, **placeholders},
        )

    @property
    def _vehicle(self) -> str:
        """Return the vehicle's name, escaped for Markdown."""
        return escape_markdown(self._coordinator.subentry.title)


class ActionFlow(VehicleRepairFlow):
    """A repair flow for a pending action."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start with the confirmation."""
        return await self.async_step_confirm()

    @abstractmethod
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Explain what to do, and continue once the user confirms."""

    def _pending(self) -> Action | None:
        """Return the action, or None if the last reading does not have it."""
        coordinator = self._coordinator
        actions = pending_actions(coordinator.subentry.subentry_id, coordinator.data)
        return actions.get(self.issue_id)

    async def _async_read(self) -> Action | None:
        """Return the action of a new reading, with a new link, or None if it is resolved.

        Raises AbortFlow if that is not known.
        """
        coordinator = await self._async_refresh()
        if not coordinator.last_update_success:
            cause = getattr(coordinator.last_exception, "__cause__", None)
            key = cause.key if isinstance(cause, PoderoError) else "cannot_connect"
            raise AbortFlow(key)
        action = self._pending()
        if action is None and not coordinator.data.are_actions_known:
            raise AbortFlow("invalid_response")
        return action


class PendingActionFlow(ActionFlow):
    """A repair flow that resolves an action with its link."""

    always_sent: tuple[str, ...] = ()
    """Parameters that are sent even if the link does not require them."""

    def __init__(self) -> None:
        """Start without answers of the user."""
        self._asked = ""
        self._answers: dict[str, str] = {}

    async def async_step_parameter(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start the action, after a form for each required parameter that is not known."""
        if user_input is not None:
            self._answers[self._asked] = user_input["answer"]
        if (action := await self._async_read()) is None:
            return self.async_create_entry(data={})
        link = action.resolution_link
        if link is None or link.url is None:
            raise AbortFlow("no_link")
        parameters = {**await self._async_parameters(), **self._answers}
        wanted = {*self.always_sent, *(link.required_parameters or ())}
        if missing := sorted(wanted - parameters.keys()):
            self._asked = missing[0]
            return self._show("parameter", _ANSWER, parameter=self._asked)
        try:
            url = await self._coordinator.client.resolve_action(
                link, {name: parameters[name] for name in wanted}
            )
        except PoderoError as err:
            raise AbortFlow(_link_reason(err)) from None
        return await self._async_started(link, url)

    async def _async_parameters(self) -> dict[str, str]:
        """Return the parameters that the user does not have to enter."""
        return {"language": request_language(self.hass)}

    @abstractmethod
    async def _async_started(
        self, link: ResolutionLink, url: str | None
    ) -> RepairsFlowResult:
        """Continue after the service has started the action."""


def _link_reason(err: PoderoError) -> str:
    """Return the reason of an abort: a refused link may have expired or been used."""
    is_about_link = isinstance(err, ForbiddenError | NotFoundError)
    return f"link_{err.key}" if is_about_link else err.key


class UnknownActionFlow(ActionFlow):
    """Refer to Podero's app, and check whether the action is resolved."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Refer to the app, and check the action once the user confirms."""
        if user_input is None:
            return self._show("confirm")
        if await self._async_read() is None:
            return self.async_create_entry(data={})
        return self._show("confirm", errors={"base": "still_pending"})


class MessageFlow(PendingActionFlow):
    """Show a message, and mark it as read."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Show the message."""
        if user_input is not None:
            return await self.async_step_parameter()
        action = self._pending() or await self._async_read()
        if not isinstance(action, InformationAction):
            return self.async_create_entry(data={})
        message = escape_markdown((action.message or "").strip())
        return self._show("confirm", message=message or "…")

    @override
    async def _async_started(
        self, link: ResolutionLink, url: str | None
    ) -> RepairsFlowResult:
        """Check that the message is gone."""
        if await self._async_read() is None:
            return self.async_create_entry(data={})
        raise AbortFlow("still_pending")


class ReauthenticateFlow(ExternalStep[Any, RepairsFlowResult, str], PendingActionFlow):
    """Send the user to the car maker's sign-in, and wait for the outcome.

    The outcome is "solved", "unsolved" or the reason of an abort.
    """

    always_sent = ("successUrl", "cancelUrl")

    @property
    @override
    def _manager(self) -> FlowManager[Any, RepairsFlowResult, str]:
        """Return the manager of repairs."""
        manager = repairs_flow_manager(self.hass)
        assert manager is not None
        return manager

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Explain what will happen: an external step shows no text."""
        if user_input is None:
            return self._show("confirm")
        return await self.async_step_parameter()

    @override
    async def _async_parameters(self) -> dict[str, str]:
        """Add the URLs that the browser returns to."""
        parameters = await super()._async_parameters()
        ticket = self._issue_ticket(parameters["language"])
        return {
            **parameters,
            "successUrl": ticket.url("success"),
            "cancelUrl": ticket.url("fail"),
        }

    @override
    async def _async_started(
        self, link: ResolutionLink, url: str | None
    ) -> RepairsFlowResult:
        """Open the sign-in, and wait for its outcome in the background."""
        self._raise_if_removed()
        if url is None:
            raise AbortFlow("no_address")
        self._begin_watching(url, self._async_wait_for_outcome(link))
        return await self.async_step_sign_in()

    async def async_step_sign_in(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Wait for the end of the sign-in."""
        return self._show_external("sign_in", "result")

    async def async_step_result(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Finish, offer a retry or abort, depending on the outcome."""
        self._stop_watching()
        match self._outcome:
            case "solved":
                return self.async_create_entry(data={})
            case "unsolved":
                return await self.async_step_retry()
        assert self._outcome is not None
        return self.async_abort(reason=self._outcome)

    async def async_step_retry(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Offer to check again, and to sign in again if necessary."""
        if user_input is None:
            return self._show("retry")
        return await self.async_step_parameter()

    async def _async_wait_for_outcome(self, link: ResolutionLink) -> str:
        """Return the outcome, once the browser has returned or a reading shows it."""
        outcome = await self._async_wait_for_return(SIGN_IN_TIMEOUT, self._async_check)
        if outcome is not None:
            return outcome
        assert self._ticket is not None
        try:
            return await self._async_report_outcome(link, self._ticket.state.result())
        except AbortFlow as err:
            return err.reason

    async def _async_check(self) -> str | None:
        """Return the outcome, if it is known before the browser returns."""
        if self._is_gone:
            return "not_loaded"
        try:
            if self._coordinator.last_update_success and not await self._async_read():
                return "solved"
        except AbortFlow:
            pass
        # While polls fail, the coordinator decides when to retry.
        return None

    async def _async_report_outcome(
        self, link: ResolutionLink, state: SignInState
    ) -> str:
        """Report the result of the sign-in if the action is still pending."""
        if await self._async_read() is None:
            return "solved"
        try:
            await self._coordinator.client.report_action(link, state)
        except NotFoundError:
            # Podero's own website has reported it.
            pass
        except PoderoError as err:
            return _link_reason(err)
        if await self._async_read() is None:
            return "solved"
        return "unsolved" if state == "success" else "cancelled"


class NewVehicleFlow(RepairsFlow):
    """Add a new vehicle of an account, or ignore it."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask whether to add the vehicle or to ignore it."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        names = (issue and issue.translation_placeholders) or {}
        return self.async_show_menu(
            step_id="init",
            menu_options=["add", "ignore"],
            description_placeholders={
                "vehicle": escape_markdown(names.get("vehicle", ""))
            },
        )

    async def async_step_add(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Add the vehicle, if it is still listed."""
        entry: PoderoConfigEntry | None = self.hass.config_entries.async_get_entry(
            str((self.data or {}).get("entry_id"))
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow("not_loaded")
        try:
            vehicles = await async_list_vehicles(entry.runtime_data.client)
        except ForbiddenError, NotFoundError:
            vehicles = None
        except PoderoError as err:
            raise AbortFlow(err.key) from None
        vehicle = find_vehicle(vehicles or (), self.issue_id)
        if vehicle is None:
            raise AbortFlow("not_listed")
        added = [
            vehicle_subentry(self.hass, *item)
            for item in unconfigured_vehicles(self.hass, [vehicle]).items()
        ]
        if not added:
            raise AbortFlow("already_configured")
        async_add_vehicles(self.hass, entry, added)
        return self.async_create_entry(data={})

    async def async_step_ignore(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ignore the issue, unless the vehicle is no longer listed."""
        _async_ignore(self, if_gone="not_listed")
        return self.async_abort(reason="ignored")


class VehicleNotFoundFlow(VehicleRepairFlow):
    """Replace, remove or keep a vehicle that Podero no longer knows."""

    _names: Mapping[str, str]
    """The names of the possible replacements, by id."""

    _replacement: Vehicle

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask whether to replace, remove or keep the vehicle."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["replace", "remove", "keep"],
            description_placeholders={"vehicle": self._vehicle},
        )

    def _raise_if_found(self) -> None:
        """Raise AbortFlow if Podero knows the vehicle again."""
        if not self._coordinator.is_missing:
            raise AbortFlow("found")

    async def async_step_remove(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Remove the vehicle, unless Podero knows it again."""
        coordinator = await self._async_refresh()
        self._raise_if_found()
        self.hass.config_entries.async_remove_subentry(
            coordinator.config_entry, coordinator.subentry.subentry_id
        )
        return self.async_create_entry(data={})

    async def async_step_replace(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask which of the listed vehicles replaces it."""
        if user_input is not None:
            if CONF_VEHICLE in user_input:
                return await self._async_choose(user_input)
            errors = {CONF_VEHICLE: "no_choice"}
            return self._show("replace", vehicle_schema(self._names), errors)
        coordinator = await self._async_refresh()
        self._raise_if_found()
        try:
            vehicles = await async_list_vehicles(coordinator.client)
        except ForbiddenError, NotFoundError:
            vehicles = None
        except PoderoError as err:
            return self._show_id({"base": err.key})
        if vehicles is None:
            return self._show_id()
        # Configured vehicles come last: the car may have been added again already.
        new = unconfigured_vehicles(self.hass, vehicles)
        self._names = vehicle_labels(new)
        titles = {
            str(subentry.unique_id): subentry.title
            for subentry in coordinator.config_entry.subentries.values()
        }
        listed = {vehicle.id for vehicle in vehicles if vehicle.deleted_at is None}
        listed.discard(coordinator.vehicle_id)
        self._names |= {key: titles[key] for key in titles if key in listed}
        if not self._names:
            raise AbortFlow("no_other")
        # Only a new one is suggested: one with a subentry would lose its device.
        suggested = next(iter(new)) if len(new) == 1 else None
        return self._show("replace", vehicle_schema(self._names, suggested))

    async def async_step_enter_new(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask for the id of the replacement, if the service does not list vehicles."""
        if user_input is None:
            return self._show_id()
        try:
            typed = parse_ids(user_input, CONF_VEHICLE)
        except InputError as err:
            return self._show_id(err.errors, user_input)
        return await self._async_choose(typed, user_input)

    async def _async_choose(
        self, chosen: dict[str, str], typed: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Read the chosen vehicle, and replace the missing one with it."""
        vehicle_id = chosen[CONF_VEHICLE]
        try:
            self._replacement = await self._async_read_replacement(vehicle_id)
        except InputError as err:
            if typed is not None:
                return self._show_id(err.errors, typed)
            schema = vehicle_schema(self._names, vehicle_id)
            return self._show("replace", schema, err.errors)
        if self._other is not None:
            return await self.async_step_merge()
        return await self._async_replace()

    async def _async_read_replacement(self, vehicle_id: str) -> Vehicle:
        """Read the replacement. Raises InputError, AbortFlow if none is needed."""
        self._raise_if_found()
        entry = self._coordinator.config_entry
        ours = {subentry.unique_id for subentry in entry.subentries.values()}
        if vehicle_id in configured_vehicles(self.hass) - ours:
            raise InputError({CONF_VEHICLE: "already_configured"})
        with errors_at(at_field(CONF_VEHICLE)):
            vehicle = await self._coordinator.client.get_vehicle(vehicle_id)
            if vehicle.deleted_at is not None:
                raise NotFoundError("The vehicle was deleted")
        if vehicle_id == self._coordinator.vehicle_id:
            raise AbortFlow("found")
        return replace(vehicle, id=vehicle_id)

    async def async_step_merge(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Explain what happens to a replacement that is configured already."""
        if user_input is not None or self._other is None:
            return await self._async_replace()
        return self._show("merge", other=escape_markdown(self._other.title))

    @property
    def _other(self) -> ConfigSubentry | None:
        """Return the replacement's own subentry, or None."""
        subentries = self._coordinator.config_entry.subentries.values()
        return next(
            (
                subentry
                for subentry in subentries
                if subentry.unique_id == self._replacement.id
            ),
            None,
        )

    async def _async_replace(self) -> RepairsFlowResult:
        """Replace the vehicle."""
        self._raise_if_found()
        coordinator = self._coordinator
        await async_replace_vehicle(
            self.hass,
            coordinator.config_entry,
            coordinator.subentry.subentry_id,
            self._replacement,
        )
        return self.async_create_entry(data={}, description="replaced")

    def _show_id(
        self,
        errors: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
    ) -> RepairsFlowResult:
        """Show the form for the id of the replacement."""
        schema = vol.Schema({vol.Required(CONF_VEHICLE): TEXT_SELECTOR})
        suggested = self.add_suggested_values_to_schema(schema, typed)
        return self._show("enter_new", suggested, errors)

    async def async_step_keep(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Keep the vehicle, and ignore the issue."""
        _async_ignore(self, if_gone="found")
        return self.async_abort(reason="kept")
