"""Ask for an account, for its vehicles, and again where the account changed."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import chain, count
from typing import Any, Final, override
from uuid import UUID

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_PASSWORD,
    CONF_USERNAME,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import slugify

from .api import (
    AuthenticationError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    PoderoConnectionError,
    PoderoError,
    RateLimitError,
    Vehicle,
    parse_base_url,
)
from .const import (
    CONF_BASE_URL,
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_USER_ID,
    DOMAIN,
    GRANT_CLIENT_CREDENTIALS,
    GRANT_PASSWORD,
    SUBENTRY_VEHICLE,
)
from .coordinator import PoderoConfigEntry
from .helpers import async_create_client

CONF_ENVIRONMENT: Final = "environment"
CONF_SERVER: Final = "server"
CONF_VEHICLE: Final = "vehicle"

CUSTOM: Final = "custom"
PRODUCTION: Final = "production"
ENVIRONMENTS: Final = {
    PRODUCTION: "https://app.podero.com",
    "sandbox": "https://sandbox-app.podero.com",
}

MAX_NAME_LENGTH: Final = 100
"""What a name may take of the 255 characters of an entity's id."""

# What each grant asks for: a name, and the secret that goes with it.
CREDENTIALS: Final = {
    GRANT_PASSWORD: (CONF_USERNAME, CONF_PASSWORD),
    GRANT_CLIENT_CREDENTIALS: (CONF_CLIENT_ID, CONF_CLIENT_SECRET),
}

TEXT_SELECTOR: Final = TextSelector()
NAME_SELECTOR: Final = TextSelector(TextSelectorConfig(autocomplete="username"))
SECRET_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
)


class InputError(Exception):
    """Say which fields of a form cannot be used, and why."""

    def __init__(self, errors: dict[str, str]) -> None:
        """Remember the keys of the messages, by field."""
        super().__init__(errors)
        self.errors = errors


class PoderoConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask for an account and its first vehicle, or for what changed of an account."""

    _data: dict[str, Any]
    _vehicles: Collection[Vehicle]

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: PoderoConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what an account can hold."""
        return {SUBENTRY_VEHICLE: VehicleSubentryFlow}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how to sign in."""
        return self.async_show_menu(step_id="user", menu_options=list(CREDENTIALS))

    async def async_step_password(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for an account with a user name and a password."""
        return await self._async_step_account(GRANT_PASSWORD, user_input)

    async def async_step_client_credentials(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for an account with a client id and a client secret."""
        return await self._async_step_account(GRANT_CLIENT_CREDENTIALS, user_input)

    async def _async_step_account(
        self, grant: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for an account."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                self._data = _parse_account(grant, user_input)
                # A flow that a closed window left behind must not lock the account.
                await self.async_set_unique_id(
                    f"{self._data[CONF_ORGANIZATION_ID]}_{self._data[CONF_USER_ID]}",
                    raise_on_progress=False,
                )
                self._abort_if_unique_id_configured()
                with _errors_at(_account_places(self._data)):
                    self._vehicles = await _async_get_vehicles(self.hass, self._data)
            except InputError as err:
                errors = err.errors
            else:
                return await self.async_step_vehicle()
        return self._async_show_account_form(grant, grant, user_input, errors)

    async def async_step_vehicle(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the first vehicle."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                vehicle = await _async_try_vehicle(
                    self.hass, self._data, self._vehicles, user_input
                )
            except InputError as err:
                errors = err.errors
            else:
                return self.async_create_entry(
                    title=_account_title(self.hass),
                    data=self._data,
                    subentries=[vehicle],
                )
        return self.async_show_form(
            step_id="vehicle",
            data_schema=self.add_suggested_values_to_schema(
                _vehicle_schema(self.hass, self._vehicles), user_input
            ),
            errors=errors,
            last_step=True,
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask again for the secret that is no longer accepted."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the secret."""
        entry: PoderoConfigEntry = self._get_reauth_entry()
        name, secret = CREDENTIALS[entry.data[CONF_GRANT]]
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {**entry.data, secret: user_input[secret]}
            try:
                with _errors_at({"invalid_auth": secret}):
                    await _async_get_vehicles(self.hass, data)
            except InputError as err:
                errors = err.errors
            else:
                return self._async_update(entry, data, "reauth_successful")
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(secret): SECRET_SELECTOR}), user_input
            ),
            errors=errors,
            description_placeholders={"account": entry.data[name]},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what changed of an account."""
        entry: PoderoConfigEntry = self._get_reconfigure_entry()
        grant = entry.data[CONF_GRANT]
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                data = _parse_account(grant, user_input, entry.data)
                with _errors_at(_account_places(data)):
                    await _async_get_vehicles(self.hass, data)
            except InputError as err:
                errors = err.errors
            else:
                return self._async_update(entry, data, "reconfigure_successful")
        return self._async_show_account_form(
            "reconfigure", grant, user_input or _suggest_account(entry.data), errors
        )

    def _async_show_account_form(
        self,
        step_id: str,
        grant: str,
        values: Mapping[str, Any] | None,
        errors: dict[str, str],
    ) -> ConfigFlowResult:
        """Show the form with all fields of an account."""
        is_new = step_id != "reconfigure"
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _account_schema(
                    grant, keeps_secret=not is_new, shows_server=CONF_SERVER in errors
                ),
                values,
            ),
            errors=errors,
            description_placeholders={"example_url": ENVIRONMENTS[PRODUCTION]},
            last_step=not is_new,
        )

    def _async_update(
        self, entry: PoderoConfigEntry, data: dict[str, Any], reason: str
    ) -> ConfigFlowResult:
        """Store what was tried, and set the entry up again whether it changed or not."""
        # The listener of an entry that is set up reloads it, but only after a change.
        is_reloaded = entry.update_listeners and data != entry.data
        result = self.async_update_and_abort(entry, data=data, reason=reason)
        if not is_reloaded:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result


class VehicleSubentryFlow(ConfigSubentryFlow):
    """Ask for one more vehicle of an account."""

    _vehicles: Collection[Vehicle] = ()

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a vehicle."""
        entry: PoderoConfigEntry = self._get_entry()
        errors: dict[str, str] = {}
        try:
            if user_input is not None:
                vehicle = await _async_try_vehicle(
                    self.hass, entry.data, self._vehicles, user_input
                )
                return self.async_create_entry(
                    title=vehicle["title"],
                    data=vehicle["data"],
                    unique_id=vehicle["unique_id"],
                )
            with _errors_at({}):
                self._vehicles = await _async_get_vehicles(self.hass, entry.data)
        except InputError as err:
            errors = err.errors
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                _vehicle_schema(self.hass, self._vehicles), user_input
            ),
            errors=errors,
            description_placeholders={"account": entry.title},
        )


def _account_schema(
    grant: str, *, keeps_secret: bool, shows_server: bool
) -> vol.Schema:
    """Return the form with all fields of an account."""
    name, secret = CREDENTIALS[grant]
    secret_marker = vol.Optional if keeps_secret else vol.Required
    server_schema = vol.Schema(
        {
            vol.Required(CONF_ENVIRONMENT, default=PRODUCTION): SelectSelector(
                SelectSelectorConfig(
                    options=[*ENVIRONMENTS, CUSTOM],
                    mode=SelectSelectorMode.DROPDOWN,
                    translation_key=CONF_ENVIRONMENT,
                )
            ),
            vol.Optional(CONF_BASE_URL): TEXT_SELECTOR,
        }
    )
    return vol.Schema(
        {
            vol.Required(name): NAME_SELECTOR,
            secret_marker(secret): SECRET_SELECTOR,
            vol.Required(CONF_ORGANIZATION_ID): TEXT_SELECTOR,
            vol.Required(CONF_USER_ID): TEXT_SELECTOR,
            vol.Required(CONF_SERVER): section(
                server_schema, {"collapsed": not shows_server}
            ),
        }
    )


def _parse_account(
    grant: str, user_input: dict[str, Any], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the data of an account from what was typed.

    `stored` are those of the account that it has to be. Raises InputError.
    """
    name, secret = CREDENTIALS[grant]
    data: dict[str, Any] = {CONF_GRANT: grant, name: user_input[name].strip()}
    errors: dict[str, str] = {}
    for field in (CONF_ORGANIZATION_ID, CONF_USER_ID):
        try:
            data[field] = _parse_uuid(user_input[field])
        except ValueError:
            errors[field] = "invalid_uuid"
        else:
            if stored and data[field] != stored[field]:
                errors[field] = "wrong_account"
    try:
        data[CONF_BASE_URL] = _parse_server(user_input[CONF_SERVER])
    except ValueError:
        errors[CONF_SERVER] = "invalid_url"
    except InputError as err:
        errors |= err.errors
    if typed := user_input.get(secret):
        data[secret] = typed
    elif stored and data.get(CONF_BASE_URL) in (None, stored[CONF_BASE_URL]):
        data[secret] = stored[secret]
    else:
        # A secret goes to the server that it was typed for, and to no other.
        errors[secret] = "secret_required"
    if errors:
        raise InputError(errors)
    return data


def _parse_server(server: dict[str, str]) -> str:
    """Return the base URL that was chosen. Raises ValueError or InputError."""
    environment = server[CONF_ENVIRONMENT]
    address = server.get(CONF_BASE_URL, "").strip()
    if environment != CUSTOM and address:
        raise InputError({CONF_SERVER: "ambiguous_server"})
    return str(parse_base_url(ENVIRONMENTS.get(environment, address)).origin())


def _parse_uuid(text: str) -> str:
    """Return a UUID in its canonical form, whatever stands between its digits.

    Raises ValueError where it is none.
    """
    return str(UUID(bytes=bytes.fromhex("".join(filter(str.isalnum, text)))))


def _suggest_account(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to type for the data of an account, but for its secret."""
    name, _ = CREDENTIALS[data[CONF_GRANT]]
    server = {CONF_ENVIRONMENT: CUSTOM, CONF_BASE_URL: data[CONF_BASE_URL]}
    for environment, base_url in ENVIRONMENTS.items():
        if base_url == data[CONF_BASE_URL]:
            server = {CONF_ENVIRONMENT: environment}
    return {
        **{field: data[field] for field in (name, CONF_ORGANIZATION_ID, CONF_USER_ID)},
        CONF_SERVER: server,
    }


def _account_title(hass: HomeAssistant) -> str:
    """Return a name for one more account. It gets into logs, so it names nobody."""
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    names = chain(["Podero"], (f"Podero {number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _account_places(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that the failures of an account are shown at."""
    _, secret = CREDENTIALS[data[CONF_GRANT]]
    places = {"invalid_auth": secret, "forbidden": CONF_ORGANIZATION_ID}
    if data[CONF_BASE_URL] not in ENVIRONMENTS.values():
        # A section shows an error, a field inside of it does not.
        places |= {"cannot_connect": CONF_SERVER, "invalid_response": CONF_SERVER}
    return places


async def _async_get_vehicles(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> Collection[Vehicle]:
    """Try an account, and return its vehicles where the service lists them.

    Raises PoderoError where the account cannot be used.
    """
    with closing(async_create_client(hass, data)) as client:
        await client.authenticate()
        with suppress(NotFoundError, InvalidRequestError, InvalidResponseError):
            return await client.get_vehicles()
    return ()


async def _async_try_vehicle(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    vehicles: Collection[Vehicle],
    user_input: dict[str, Any],
) -> ConfigSubentryData:
    """Return the vehicle that was chosen by its label or typed. Raises InputError."""
    typed = user_input[CONF_VEHICLE]
    try:
        vehicle_id = _labels(vehicles).get(typed) or _parse_uuid(typed)
    except ValueError:
        raise InputError({CONF_VEHICLE: "invalid_uuid"}) from None
    if vehicle_id in _configured_vehicles(hass):
        raise InputError({CONF_VEHICLE: "already_configured"})
    with (
        _errors_at({"vehicle_not_found": CONF_VEHICLE}),
        closing(async_create_client(hass, data)) as client,
    ):
        try:
            vehicle = await client.get_vehicle(vehicle_id)
        except ForbiddenError:
            raise InputError({CONF_VEHICLE: "vehicle_forbidden"}) from None
        if vehicle.deleted_at is not None:
            raise NotFoundError("The vehicle was deleted")
    return ConfigSubentryData(
        data={},
        subentry_type=SUBENTRY_VEHICLE,
        title=_vehicle_name(vehicle) or "Electric vehicle",
        unique_id=vehicle_id,
    )


def _vehicle_schema(hass: HomeAssistant, vehicles: Collection[Vehicle]) -> vol.Schema:
    """Return the form for a vehicle: a choice where there is one, or else a text."""
    configured = _configured_vehicles(hass)
    options = [
        label
        for label, vehicle_id in _labels(vehicles).items()
        if vehicle_id not in configured
    ]
    if not options:
        return vol.Schema({vol.Required(CONF_VEHICLE): TEXT_SELECTOR})
    suggestion = {"suggested_value": options[0]} if len(options) == 1 else None
    return vol.Schema(
        {
            vol.Required(CONF_VEHICLE, description=suggestion): SelectSelector(
                SelectSelectorConfig(
                    # Of what can be typed as well, the frontend shows the value.
                    options=options,
                    custom_value=True,
                    mode=SelectSelectorMode.DROPDOWN,
                )
            )
        }
    )


def _labels(vehicles: Collection[Vehicle]) -> dict[str, str]:
    """Return the ids of the vehicles by what tells them apart."""
    names = {
        vehicle.id: _vehicle_name(vehicle) or vehicle.id
        for vehicle in vehicles
        if vehicle.id and vehicle.deleted_at is None
    }
    bearers = Counter(names.values())
    return {
        name
        if bearers[name] == 1
        else f"{name} …{_tail(vehicle_id, names)}": vehicle_id
        for vehicle_id, name in names.items()
    }


def _tail(vehicle_id: str, among: Collection[str]) -> str:
    """Return the end of an id, or all of it where others end alike."""
    tail = vehicle_id[-4:]
    return tail if sum(other.endswith(tail) for other in among) == 1 else vehicle_id


def _vehicle_name(vehicle: Vehicle) -> str | None:
    """Return what people call a vehicle, short enough for the ids made of it."""
    name = vehicle.device_model and vehicle.device_model.name
    if not name:
        return None
    name = name[:MAX_NAME_LENGTH]
    # Some letters become many.
    while len(slugify(name)) > MAX_NAME_LENGTH:
        name = name[:-1]
    return name.strip()


def _configured_vehicles(hass: HomeAssistant) -> set[str | None]:
    """Return the ids of the vehicles of all accounts."""
    return {
        subentry.unique_id
        for entry in hass.config_entries.async_entries(DOMAIN)
        for subentry in entry.subentries.values()
    }


@contextmanager
def _errors_at(places: Mapping[str, str]) -> Iterator[None]:
    """Turn a failed call into a message at a field, or else above the form."""
    try:
        yield
    except PoderoError as err:
        key = _error_key(err)
        raise InputError({places.get(key, "base"): key}) from err


def _error_key(err: PoderoError) -> str:
    """Return the key of the message for a failed call."""
    match err:
        case AuthenticationError():
            return "invalid_auth"
        case ForbiddenError():
            return "forbidden"
        case NotFoundError() | InvalidRequestError():
            return "vehicle_not_found"
        case RateLimitError():
            return "rate_limited"
        case PoderoConnectionError():
            return "cannot_connect"
        case _:
            return "invalid_response"
