"""Schemas of the config flow's forms, and parsing of their input."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
import re
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_PASSWORD,
    CONF_USERNAME,
)
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .api import IdError, IdKind, PoderoError, find_named_ids, parse_base_url, parse_id
from .const import (
    CONF_BASE_URL,
    CONF_GRANT,
    CONF_ORGANIZATION_ID,
    CONF_USER_ID,
    GRANT_CLIENT_CREDENTIALS,
    GRANT_PASSWORD,
)

CONF_BACK: Final = "back"
CONF_ENVIRONMENT: Final = "environment"
CONF_SERVER: Final = "server"
CONF_USER: Final = "user"
CONF_VEHICLE: Final = "vehicle"
CONF_VEHICLES: Final = "vehicles"

CUSTOM: Final = "custom"
PRODUCTION: Final = "production"
ENVIRONMENTS: Final = {
    PRODUCTION: "https://app.podero.com",
    "sandbox": "https://sandbox-app.podero.com",
}

# The fields of each grant: a name and its secret.
CREDENTIALS: Final = {
    GRANT_PASSWORD: (CONF_USERNAME, CONF_PASSWORD),
    GRANT_CLIENT_CREDENTIALS: (CONF_CLIENT_ID, CONF_CLIENT_SECRET),
}

ID_KINDS: Final[Mapping[str, IdKind]] = {
    CONF_ORGANIZATION_ID: "organization",
    CONF_USER_ID: "user",
    CONF_VEHICLE: "vehicle",
}

TEXT_SELECTOR: Final = TextSelector()
NAME_SELECTOR: Final = TextSelector(TextSelectorConfig(autocomplete="username"))
SECRET_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
)


def escape_markdown(text: str) -> str:
    """Escape each line of a text for Markdown."""
    return "\n".join(
        re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", line.strip())
        for line in text.splitlines()
    )


class InputError(Exception):
    """The input of a form is invalid. `errors` has the translation keys by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        """Keep the errors."""
        super().__init__(errors)
        self.errors = errors


@contextmanager
def errors_at(fields: Mapping[str, str]) -> Iterator[None]:
    """Turn an API error into an InputError at the field for its key, or above the form."""
    try:
        yield
    except PoderoError as err:
        raise InputError({fields.get(err.key, "base"): err.key}) from err


def at_field(field: str) -> dict[str, str]:
    """Map the errors that the value of a field can cause to that field."""
    return dict.fromkeys(("forbidden", "not_found", "invalid_request"), field)


def account_schema(
    grant: str, *, is_new: bool, shows_server: bool = False
) -> vol.Schema:
    """Return the schema of the credentials and the server of an account.

    A new account also needs its organization; a stored one already has a secret.
    """
    name, secret = CREDENTIALS[grant]
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
    fields: dict[vol.Marker, Any] = {vol.Required(name): NAME_SELECTOR}
    if is_new:
        fields[vol.Required(secret)] = SECRET_SELECTOR
        fields[vol.Required(CONF_ORGANIZATION_ID)] = TEXT_SELECTOR
    else:
        fields[vol.Optional(secret)] = SECRET_SELECTOR
    fields[vol.Required(CONF_SERVER)] = section(
        server_schema, {"collapsed": not shows_server}
    )
    return vol.Schema(fields)


def secret_schema(grant: str) -> vol.Schema:
    """Return the schema of a secret."""
    _, secret = CREDENTIALS[grant]
    return vol.Schema({vol.Required(secret): SECRET_SELECTOR})


def choice_schema(
    field: str, names: Mapping[str, str], *, is_multiple: bool = False
) -> vol.Schema:
    """Return the schema of a choice by name; if several are allowed, all are suggested.

    The field is optional, so that the user can go back without a choice.
    """
    return with_back(
        {
            vol.Optional(
                field,
                description={"suggested_value": [*names]} if is_multiple else None,
            ): _choice_selector(names, is_multiple=is_multiple)
        }
    )


def _choice_selector(
    names: Mapping[str, str], *, is_multiple: bool = False
) -> SelectSelector:
    """Return a selector that shows the names and returns the keys."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=key, label=label)
                for key, label in _distinct_labels(names).items()
            ],
            multiple=is_multiple,
            mode=SelectSelectorMode.LIST
            if is_multiple
            else SelectSelectorMode.DROPDOWN,
        )
    )


def _distinct_labels(names: Mapping[str, str]) -> dict[str, str]:
    """Return distinct labels by id: names, with the end of the id if not unique."""
    counts = Counter(names.values())
    return {
        key: name if counts[name] == 1 else f"{name} …{_tail(key, names)}"
        for key, name in names.items()
    }


def _tail(key: str, among: Collection[str]) -> str:
    """Return the end of an id, or all of it if another id ends the same."""
    tail = key[-4:]
    return tail if sum(other.endswith(tail) for other in among) == 1 else key


def vehicle_schema(names: Mapping[str, str], chosen: str | None = None) -> vol.Schema:
    """Return the schema of a choice of one vehicle by name.

    Optional, as the frontend selects the first option of a required choice by itself.
    """
    suggestion = {"suggested_value": chosen}
    marker = vol.Optional(CONF_VEHICLE, description=suggestion if chosen else None)
    return vol.Schema({marker: _choice_selector(names)})


def ids_schema(*fields: str) -> vol.Schema:
    """Return the schema of ids, optional so that the user can go back without one."""
    return with_back({vol.Optional(field): TEXT_SELECTOR for field in fields})


def with_back(fields: dict[vol.Marker, Any]) -> vol.Schema:
    """Return a schema with a checkbox to go back."""
    back = vol.Optional(CONF_BACK, default=False)
    return vol.Schema({**fields, back: BooleanSelector()})


def complete_ids(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Fill empty fields with ids that the text in another field contains.

    For example, a pasted URL of the API contains the ids of all three fields.
    """
    kinds = {kind: field for field, kind in ID_KINDS.items()}
    named = {
        kinds[kind]: found
        for field in ID_KINDS
        for kind, found in find_named_ids(user_input.get(field, "")).items()
    }
    return named | {field: typed for field, typed in user_input.items() if typed}


def parse_ids(user_input: Mapping[str, Any], *fields: str) -> dict[str, str]:
    """Return the ids in the fields of a form. Raises InputError."""
    ids: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        try:
            ids[field] = parse_id(user_input.get(field, ""), ID_KINDS[field])
        except IdError as err:
            errors[field] = err.key
    if errors:
        raise InputError(errors)
    return ids


def parse_secret(grant: str, typed: str) -> str:
    """Return an entered secret. A client secret has no blanks around it: it is pasted."""
    return typed.strip() if grant == GRANT_CLIENT_CREDENTIALS else typed


def parse_account(
    grant: str, user_input: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the entry data for the input of a form. Raises InputError.

    `stored` is the data of an existing entry, which the input updates.
    """
    name, secret = CREDENTIALS[grant]
    data: dict[str, Any] = {
        **(stored or {}),
        CONF_GRANT: grant,
        name: user_input[name].strip(),
    }
    errors: dict[str, str] = {}
    try:
        if stored is None:
            data |= parse_ids(user_input, CONF_ORGANIZATION_ID)
    except InputError as err:
        errors |= err.errors
    try:
        data[CONF_BASE_URL] = _parse_server(user_input[CONF_SERVER])
    except ValueError:
        errors[CONF_SERVER] = "invalid_url"
    except InputError as err:
        errors |= err.errors
    if typed := parse_secret(grant, user_input.get(secret, "")):
        data[secret] = typed
    elif stored is None or data[CONF_BASE_URL] != stored[CONF_BASE_URL]:
        # Never send a stored secret to another server.
        errors[secret] = "secret_required"
    if errors:
        raise InputError(errors)
    return data


def _parse_server(server: Mapping[str, str]) -> str:
    """Return the base URL of the chosen server. Raises ValueError or InputError."""
    environment = server[CONF_ENVIRONMENT]
    address = server.get(CONF_BASE_URL, "").strip()
    if environment != CUSTOM and address:
        raise InputError({CONF_SERVER: "ambiguous_server"})
    return str(parse_base_url(ENVIRONMENTS.get(environment, address)).origin())


def suggest_account(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form input that matches stored entry data, without the secret."""
    name, _ = CREDENTIALS[data[CONF_GRANT]]
    server = {CONF_ENVIRONMENT: CUSTOM, CONF_BASE_URL: data[CONF_BASE_URL]}
    for environment, base_url in ENVIRONMENTS.items():
        if base_url == data[CONF_BASE_URL]:
            server = {CONF_ENVIRONMENT: environment}
    return {name: data[name], CONF_SERVER: server}


def account_error_fields(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields at which errors of signing in are shown, by error key."""
    _, secret = CREDENTIALS[data[CONF_GRANT]]
    fields = {"invalid_auth": secret}
    if data[CONF_BASE_URL] not in ENVIRONMENTS.values():
        # The frontend shows the error of a section, but not of a field inside it.
        fields |= {"cannot_connect": CONF_SERVER, "invalid_response": CONF_SERVER}
    return fields
