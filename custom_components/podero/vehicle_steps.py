"""Flow steps that select vehicles, for the config flow and the subentry flow."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult

from .api import NotFoundError, PoderoClient, Vehicle
from .forms import (
    CONF_BACK,
    CONF_VEHICLE,
    CONF_VEHICLES,
    InputError,
    at_field,
    choice_schema,
    errors_at,
    ids_schema,
    parse_ids,
)
from .helpers import async_create_client
from .vehicles import (
    configured_vehicles,
    unconfigured_vehicles,
    vehicle_labels,
    vehicle_subentry,
)


class VehicleSteps[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT]
):
    """Flow steps that select vehicles from a list or by an entered id.

    The input of every form is kept, so that the user can go back and forth.
    """

    _client: PoderoClient
    """The client of the user whose vehicles are selected."""

    _new: Mapping[str, Vehicle] = MappingProxyType({})
    """The vehicles that can be selected, by id."""

    def __init__(self) -> None:
        """Start without input."""
        super().__init__()
        self._shown: list[str] = []
        self._typed: dict[str, dict[str, Any]] = {}
        self._clients: list[PoderoClient] = []

    async def async_step_vehicles(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Ask which of the listed vehicles to add."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if self._goes_back("vehicles", user_input):
                return await self.async_step_back()
            if chosen := user_input.get(CONF_VEHICLES):
                return await self._async_finish(
                    [vehicle_subentry(self.hass, key, self._new[key]) for key in chosen]
                )
            errors[CONF_VEHICLES] = "no_choice"
        labels = vehicle_labels(self._new)
        schema = choice_schema(CONF_VEHICLES, labels, is_multiple=True)
        return self._show("vehicles", schema, errors, last_step=True)

    async def async_step_enter_vehicle(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Ask for the id of a vehicle."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if self._goes_back("enter_vehicle", user_input):
                return await self.async_step_back()
            try:
                vehicle = await self._async_read_vehicle(user_input)
            except InputError as err:
                errors = err.errors
            else:
                return await self._async_finish([vehicle])
        schema = ids_schema(CONF_VEHICLE)
        return self._show("enter_vehicle", schema, errors, last_step=True)

    async def async_step_back(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Show the previous step."""
        if len(self._shown) > 1:
            self._shown.pop()
        result: ResultT = await getattr(self, f"async_step_{self._shown[-1]}")()
        return result

    @abstractmethod
    async def _async_finish(self, vehicles: list[ConfigSubentryData]) -> ResultT:
        """Add the vehicles."""

    async def _async_read_vehicle(
        self, user_input: Mapping[str, Any]
    ) -> ConfigSubentryData:
        """Read the vehicle whose id was entered. Raises InputError."""
        vehicle_id = parse_ids(user_input, CONF_VEHICLE)[CONF_VEHICLE]
        if vehicle_id in configured_vehicles(self.hass):
            raise InputError({CONF_VEHICLE: "already_configured"})
        with errors_at(at_field(CONF_VEHICLE)):
            vehicle = await self._client.get_vehicle(vehicle_id)
            if vehicle.deleted_at is not None:
                raise NotFoundError("The vehicle was deleted")
        return vehicle_subentry(self.hass, vehicle_id, vehicle)

    def _offer_vehicles(self, vehicles: Collection[Vehicle]) -> None:
        """Let the user choose from the vehicles that are not configured."""
        self._new = unconfigured_vehicles(self.hass, vehicles)
        chosen = self._typed.get("vehicles", {}).get(CONF_VEHICLES, ())
        if not self._new.keys() >= set(chosen):
            # An earlier choice is no longer offered.
            del self._typed["vehicles"]

    def _still_new(
        self, vehicles: Iterable[ConfigSubentryData]
    ) -> list[ConfigSubentryData]:
        """Return those of the vehicles that were not added since they were offered."""
        configured = configured_vehicles(self.hass)
        return [one for one in vehicles if one["unique_id"] not in configured]

    def _goes_back(self, step_id: str, user_input: dict[str, Any]) -> bool:
        """Store the input of a step, and return whether the user goes back."""
        goes_back = bool(user_input.pop(CONF_BACK, False))
        self._typed[step_id] = user_input
        return goes_back

    def _show(
        self,
        step_id: str,
        schema: vol.Schema,
        errors: dict[str, str],
        *,
        placeholders: Mapping[str, str] | None = None,
        last_step: bool = False,
    ) -> ResultT:
        """Show a form with the input that it had before."""
        self._add_to_history(step_id)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                schema, self._typed.get(step_id)
            ),
            errors=errors,
            description_placeholders=placeholders,
            last_step=last_step,
        )

    def _open_client(self, data: Mapping[str, Any]) -> PoderoClient:
        """Return a client for account data, which is closed when the flow is removed."""
        client = async_create_client(self.hass, data)
        self._clients.append(client)
        return client

    @callback
    @override
    def async_remove(self) -> None:
        """Close the clients."""
        super().async_remove()
        for client in self._clients:
            client.close()

    def _add_to_history(self, step_id: str) -> None:
        """Add a step to the history for going back, unless it is shown again."""
        if self._shown[-1:] != [step_id]:
            self._shown.append(step_id)
