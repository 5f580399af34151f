"""Config flow of an account, and subentry flow of its vehicles."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import chain, count
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType

from .api import (
    ForbiddenError,
    InvalidRequestError,
    InvalidResponseError,
    MethodNotAllowedError,
    NotFoundError,
    PoderoClient,
    PoderoError,
    TokenRefusedError,
    Vehicle,
)
from .const import (
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_USER_ID,
    DOMAIN,
    SUBENTRY_VEHICLE,
)
from .coordinator import PoderoConfigEntry
from .forms import (
    CONF_SERVER,
    CONF_USER,
    CONF_VEHICLE,
    CREDENTIALS,
    ENVIRONMENTS,
    PRODUCTION,
    InputError,
    account_error_fields,
    account_schema,
    choice_schema,
    complete_ids,
    errors_at,
    escape_markdown,
    ids_schema,
    parse_account,
    parse_ids,
    parse_secret,
    secret_schema,
    suggest_account,
)
from .new_vehicles import async_ignore_vehicle
from .onboarding import OnboardingSteps
from .vehicle_steps import VehicleSteps
from .vehicles import async_add_vehicles, async_list_vehicles, vehicle_labels


class PoderoConfigFlow(
    VehicleSteps[ConfigFlowContext, ConfigFlowResult, str], ConfigFlow, domain=DOMAIN
):
    """Add an account with its vehicles, reauthenticate or reconfigure it."""

    _data: dict[str, Any]
    _users: Mapping[str, str]
    _asks_vehicle = False
    _connects = False

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: PoderoConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the flow that adds vehicles."""
        return {SUBENTRY_VEHICLE: VehicleSubentryFlow}

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the kind of credentials."""
        return self.async_show_menu(step_id="user", menu_options=list(CREDENTIALS))

    async def async_step_password(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a username and a password."""
        return await self._async_step_account("password", user_input)

    async def async_step_client_credentials(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a client id and a client secret."""
        return await self._async_step_account("client_credentials", user_input)

    async def _async_step_account(
        self, grant: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for the credentials and the organization."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input != self._typed.get(grant):
                # The input of later steps was for other credentials.
                self._typed = {grant: user_input}
                self._asks_vehicle = False
            try:
                self._data = parse_account(grant, user_input)
                return await self._async_sign_in(user_input)
            except InputError as err:
                errors = err.errors
        schema = account_schema(grant, is_new=True, shows_server=CONF_SERVER in errors)
        return self._show(grant, schema, errors, placeholders=_PLACEHOLDERS)

    async def _async_sign_in(self, user_input: Mapping[str, Any]) -> ConfigFlowResult:
        """Sign in, and continue with the user whose vehicles to add."""
        self._client = self._open_client(self._data)
        with errors_at(account_error_fields(self._data)):
            await self._client.authenticate()
            ids = complete_ids({CONF_ORGANIZATION_ID: user_input[CONF_ORGANIZATION_ID]})
            if CONF_USER_ID in ids:
                ids[CONF_ORGANIZATION_ID] = self._data[CONF_ORGANIZATION_ID]
                is_corrected = self._typed.get("enter_user", ids) != ids
                return await self.async_step_enter_user(None if is_corrected else ids)
            if users := await _async_list_users(self._client):
                return await self._async_offer_users(users)
        return await self.async_step_enter_user()

    async def _async_offer_users(self, users: Mapping[str, str]) -> ConfigFlowResult:
        """Continue with the only user, or ask which. Raises PoderoError."""
        if len(users) == 1:
            return await self._async_pick_user(*users)
        organization_id = self._data[CONF_ORGANIZATION_ID]
        configured = {
            entry.unique_id for entry in self.hass.config_entries.async_entries(DOMAIN)
        }
        self._users = {
            user_id: name
            for user_id, name in users.items()
            if f"{organization_id}_{user_id}" not in configured
        }
        if not self._users:
            return self.async_abort(reason="already_configured")
        return await self.async_step_choose_user()

    async def async_step_choose_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whose vehicles to add, of the organization's users."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if self._goes_back("choose_user", user_input):
                return await self.async_step_back()
            if user_id := user_input.get(CONF_USER):
                try:
                    with errors_at({}):
                        return await self._async_pick_user(user_id)
                except InputError as err:
                    errors = err.errors
            else:
                errors[CONF_USER] = "no_choice"
        schema = choice_schema(CONF_USER, self._users)
        return self._show("choose_user", schema, errors)

    async def async_step_enter_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the id of a user, if the service does not list them."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if self._goes_back("enter_user", user_input):
                return await self.async_step_back()
            try:
                return await self._async_take_ids(user_input)
            except InputError as err:
                errors = err.errors
        elif "enter_user" not in self._typed:
            self._typed["enter_user"] = {
                CONF_ORGANIZATION_ID: self._data[CONF_ORGANIZATION_ID]
            }
        fields = [CONF_ORGANIZATION_ID, CONF_USER_ID]
        if self._asks_vehicle:
            fields.append(CONF_VEHICLE)
        return self._show("enter_user", ids_schema(*fields), errors)

    async def _async_take_ids(self, user_input: Mapping[str, Any]) -> ConfigFlowResult:
        """Continue with the entered ids. Raises InputError."""
        user_input = complete_ids(user_input)
        if CONF_USER_ID not in user_input:
            # The service may list the users of the organization as it is entered now.
            self._data |= parse_ids(user_input, CONF_ORGANIZATION_ID)
            self._client = self._open_client(self._data)
            with errors_at({}):
                if users := await _async_list_users(self._client):
                    return await self._async_offer_users(users)
        self._data |= parse_ids(user_input, CONF_ORGANIZATION_ID, CONF_USER_ID)
        await self._async_set_account()
        self._client = self._open_client(self._data)
        if CONF_VEHICLE in user_input:
            self._asks_vehicle = True
            return await self._async_finish(
                [await self._async_read_vehicle(user_input)]
            )
        with errors_at({}):
            try:
                vehicles = await self._client.get_vehicles()
            except MethodNotAllowedError, InvalidResponseError:
                vehicles = None
            except ForbiddenError, NotFoundError, InvalidRequestError:
                # Perhaps only the list is refused: ask for a vehicle id, and read that.
                self._asks_vehicle = True
                raise InputError({CONF_USER_ID: "not_listed"}) from None
        return await self._async_offer(vehicles)

    async def _async_pick_user(self, user_id: str) -> ConfigFlowResult:
        """Continue with a listed user. Raises PoderoError."""
        self._data[CONF_USER_ID] = user_id
        await self._async_set_account()
        self._client = self._client.with_user(user_id)
        try:
            vehicles = await async_list_vehicles(self._client)
        except ForbiddenError, NotFoundError:
            vehicles = None
        return await self._async_offer(vehicles)

    async def _async_set_account(self) -> None:
        """Set the unique id of the account. Raises AbortFlow if it is configured."""
        self._new = {}
        # A flow whose dialog was closed must not block this one.
        await self.async_set_unique_id(
            f"{self._data[CONF_ORGANIZATION_ID]}_{self._data[CONF_USER_ID]}",
            raise_on_progress=False,
        )
        self._abort_if_unique_id_configured()

    async def _async_offer(
        self, vehicles: Collection[Vehicle] | None
    ) -> ConfigFlowResult:
        """Show the vehicles that can be added, or another step if there are none."""
        if vehicles is None:
            return await self.async_step_enter_vehicle()
        self._offer_vehicles(vehicles)
        if not self._new:
            return await self.async_step_no_vehicles()
        return await self.async_step_vehicles()

    async def async_step_no_vehicles(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that there is no vehicle to add, and ask how to continue."""
        self._add_to_history("no_vehicles")
        return self.async_show_menu(
            step_id="no_vehicles",
            menu_options=["connect", "enter_vehicle", "back"],
        )

    async def async_step_connect(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Create the entry without vehicles: connecting one needs the entry."""
        self._connects = True
        return await self._async_finish([])

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Continue with the subentry flow that connects a vehicle, if chosen."""
        if self._connects:
            subentries = self.hass.config_entries.subentries
            handler = result["result"].entry_id, SUBENTRY_VEHICLE
            flow = await subentries.async_init(
                handler, context=SubentryFlowContext(source=SOURCE_USER)
            )
            if flow["type"] is FlowResultType.MENU:
                flow_id = flow["flow_id"]
                await subentries.async_configure(flow_id, {"next_step_id": "connect"})
                result["next_flow"] = FlowType.CONFIG_SUBENTRIES_FLOW, flow_id
        return result

    @override
    async def _async_finish(
        self, vehicles: list[ConfigSubentryData]
    ) -> ConfigFlowResult:
        """Create the entry, and ignore the vehicles that were not chosen."""
        added = {vehicle["unique_id"] for vehicle in vehicles}
        for vehicle_id, label in vehicle_labels(self._new).items():
            if added and vehicle_id not in added:
                async_ignore_vehicle(self.hass, vehicle_id, label)
        return self.async_create_entry(
            title=_account_title(self.hass),
            data=self._data,
            subentries=self._still_new(vehicles),
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
        grant = entry.data[CONF_GRANT]
        name, secret = CREDENTIALS[grant]
        errors: dict[str, str] = {}
        if user_input is None:
            # The flow outlives its dialog: do not suggest the secret to somebody else.
            self._typed.pop("reauth_confirm", None)
        else:
            self._typed["reauth_confirm"] = user_input
            self._data = {**entry.data, secret: parse_secret(grant, user_input[secret])}
            try:
                with errors_at({"invalid_auth": secret}):
                    await self._async_try_account(entry)
            except InputError as err:
                errors = err.errors
            else:
                return self._async_update(entry, "reauth_successful")
        return self._show(
            "reauth_confirm",
            secret_schema(grant),
            errors,
            placeholders={"account": escape_markdown(entry.data[name])},
            last_step=True,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for changed credentials or another server."""
        entry: PoderoConfigEntry = self._get_reconfigure_entry()
        grant = entry.data[CONF_GRANT]
        errors: dict[str, str] = {}
        if user_input is not None:
            self._typed["reconfigure"] = user_input
            try:
                self._data = parse_account(grant, user_input, entry.data)
                with errors_at(account_error_fields(self._data)):
                    await self._async_try_account(entry)
            except InputError as err:
                errors = err.errors
            else:
                return self._async_update(entry, "reconfigure_successful")
        else:
            self._typed["reconfigure"] = suggest_account(entry.data)
        schema = account_schema(grant, is_new=False, shows_server=CONF_SERVER in errors)
        return self._show(
            "reconfigure", schema, errors, placeholders=_PLACEHOLDERS, last_step=True
        )

    async def _async_try_account(self, entry: PoderoConfigEntry) -> None:
        """Check the credentials and the access to the user. Raises PoderoError."""
        self._client = self._open_client(self._data)
        await self._client.authenticate()
        try:
            # Not every server has the list.
            with suppress(NotFoundError):
                await async_list_vehicles(self._client)
        except ForbiddenError:
            # An account may read its vehicles without the right to list them.
            if await self._async_is_refused(entry):
                raise

    async def _async_is_refused(self, entry: PoderoConfigEntry) -> bool:
        """Return whether the vehicles of an entry are refused. Raises PoderoError.

        One that can be read decides, and one that is gone says nothing.
        """
        # If all are gone, only a name that may be another account's is refused.
        is_refused = self.source != SOURCE_REAUTH
        for subentry in entry.subentries.values():
            try:
                await self._client.get_vehicle(str(subentry.unique_id))
            except ForbiddenError:
                is_refused = True
            except NotFoundError:
                pass
            else:
                return False
        return is_refused

    @callback
    def _async_update(self, entry: PoderoConfigEntry, reason: str) -> ConfigFlowResult:
        """Store the checked data, and reload the entry even if nothing changed."""
        # The update listener reloads a loaded entry, but only after a change.
        is_reloaded = entry.update_listeners and self._data != entry.data
        result = self.async_update_and_abort(entry, data=self._data, reason=reason)
        if not is_reloaded:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result


class VehicleSubentryFlow(OnboardingSteps):
    """Add vehicles to an account."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """List the vehicles, and ask how to add one."""
        entry: PoderoConfigEntry = self._get_entry()
        # A client of its own: a reload of the account closes the account's.
        self._client = self._open_client(entry.data)
        try:
            await self._client.authenticate()
            vehicles = await async_list_vehicles(self._client)
        except ForbiddenError, NotFoundError:
            vehicles = None
        except PoderoError as err:
            return self.async_abort(reason=err.key)
        if vehicles is None:
            return await self.async_step_not_listed()
        self._vehicles = vehicles
        self._offer_vehicles(vehicles)
        if self._new:
            return self._show_menu("user", "vehicles")
        if vehicles:
            return await self.async_step_none_left()
        return await self.async_step_no_vehicles()

    async def async_step_none_left(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show that all listed vehicles are configured, and ask how to add one."""
        return self._show_menu("none_left")

    async def async_step_no_vehicles(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show that the account has no vehicle, and ask how to add one."""
        return self._show_menu("no_vehicles")

    async def async_step_not_listed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show that the service does not list vehicles, and ask how to add one."""
        return self._show_menu("not_listed")

    def _show_menu(self, step_id: str, *options: str) -> SubentryFlowResult:
        """Show a menu with the ways to add a vehicle."""
        self._add_to_history(step_id)
        return self.async_show_menu(
            step_id=step_id,
            menu_options=[*options, "connect", "enter_vehicle"],
        )

    @override
    async def _async_finish(
        self, vehicles: list[ConfigSubentryData]
    ) -> SubentryFlowResult:
        """Add the vehicles: a subentry flow creates only one itself."""
        entry: PoderoConfigEntry = self._get_entry()
        if not (vehicles := self._still_new(vehicles)):
            return self.async_abort(reason="already_configured")
        *others, last = vehicles
        async_add_vehicles(self.hass, entry, others)
        return self.async_create_entry(
            title=last["title"], data=last["data"], unique_id=last["unique_id"]
        )


_PLACEHOLDERS = {
    "example_url": ENVIRONMENTS[PRODUCTION],
    "applications_url": f"{ENVIRONMENTS[PRODUCTION]}/oauth2/applications/register/",
}


async def _async_list_users(client: PoderoClient) -> dict[str, str]:
    """Return the names of the organization's users by id; none if they are not listed.

    Users with vehicles come first. Raises PoderoError.
    """
    try:
        users = await client.get_users()
    except (
        ForbiddenError,
        NotFoundError,
        InvalidRequestError,
        InvalidResponseError,
        # The sign-in itself was accepted.
        TokenRefusedError,
    ):
        return {}

    return {
        user.id: user.name or user.id
        for user in sorted(users, key=lambda user: not user.num_electric_vehicles)
        if user.id
    }


def _account_title(hass: HomeAssistant) -> str:
    """Return an unused title for an entry; it is logged, so it has no personal data."""
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    names = chain(["Podero"], (f"Podero {number}" for number in count(2)))
    return next(name for name in names if name not in taken)
