"""The dashboard: one view per vehicle, made from the template dashboard.yaml."""

from collections.abc import Iterator, Mapping
from pathlib import Path
import re
from typing import Any, Final

import voluptuous as vol

from homeassistant.components.http import StaticPathConfig
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.translation import async_get_translations
from homeassistant.loader import async_get_integration
from homeassistant.util import ensure_unique_string, slugify
from homeassistant.util.yaml import load_yaml_dict

from .charging.statistics import SERIES, statistic_id
from .const import DOMAIN
from .coordinator import PoderoConfigEntry
from .helpers import statistics_source

TEMPLATE: Final = Path(__file__).with_suffix(".yaml")

STRATEGY: Final = Path(__file__).parent / "frontend" / "dashboard.js"
STRATEGY_URL: Final = f"/{DOMAIN}/{STRATEGY.name}"

NAME: Final = re.compile(r"\$([a-z_]+(?:\.[a-z_]+)?)")

DASHBOARD_SCHEMA: Final = vol.Schema(
    {vol.Optional(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string])}
)


async def async_register_strategy(hass: HomeAssistant) -> None:
    """Register the dashboard strategy, which the frontend offers for new dashboards."""
    if "frontend" not in hass.config.components:
        return
    # Imported here: Home Assistant can run without the frontend.
    from homeassistant.components.frontend import add_extra_js_url  # noqa: PLC0415

    await hass.http.async_register_static_paths(
        [StaticPathConfig(STRATEGY_URL, str(STRATEGY))]
    )
    # Browsers cache the file by its URL: the version makes them load a new one.
    integration = await async_get_integration(hass, DOMAIN)
    add_extra_js_url(hass, f"{STRATEGY_URL}?v={integration.version}")


async def async_get_dashboard(call: ServiceCall) -> ServiceResponse:
    """Return a dashboard with a view for each chosen vehicle, or for all of them.

    Raises ServiceValidationError if there is no vehicle, or none among the chosen
    devices.
    """
    hass = call.hass
    chosen = call.data.get(ATTR_DEVICE_ID)
    vehicles = [
        (entry, device, entities)
        for entry, device, entities in _vehicles(hass)
        if chosen is None or device.id in chosen
    ]
    if not vehicles:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_vehicle_set_up" if chosen is None else "no_vehicle",
        )
    view = await hass.async_add_executor_job(load_yaml_dict, str(TEMPLATE))
    texts = await _async_get_texts(hass, "common")
    failures = await _async_get_texts(hass, "exceptions")
    views: list[Any] = []
    for entry, device, entities in vehicles:
        name = device.name_by_user or device.name or ""
        path = ensure_unique_string(slugify(name), [made["path"] for made in views])
        names = {
            **texts,
            **entities,
            **_statistics(entry, device),
            "vehicle": name,
            "path": path,
            "entity": min(entities.values()),
            "failure": failures.get(
                _failure(entry, device), texts["dashboard_failure"]
            ),
        }
        views.append(_fill(view, names))
    return {"views": views}


async def _async_get_texts(hass: HomeAssistant, category: str) -> dict[str, str]:
    """Return the translations of a category by key, with Jinja variables."""
    prefix = f"component.{DOMAIN}.{category}."
    translations = await async_get_translations(
        hass, hass.config.language, category, [DOMAIN]
    )
    return {
        key.removeprefix(prefix).removesuffix(".message"): (
            text.replace("{", "{{ ").replace("}", " }}")
        )
        for key, text in translations.items()
    }


def _vehicles(
    hass: HomeAssistant,
) -> Iterator[tuple[PoderoConfigEntry, dr.DeviceEntry, dict[str, str]]]:
    """Yield each vehicle with visible entities: its account, its device, and these."""
    registry = dr.async_get(hass)
    entry: PoderoConfigEntry
    for entry in hass.config_entries.async_entries(DOMAIN):
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
            if entities := _entities(hass, device):
                yield entry, device, entities


def _entities(hass: HomeAssistant, device: dr.DeviceEntry) -> dict[str, str]:
    """Return the ids of a vehicle's visible entities, by platform and key."""
    return {
        f"{entry.domain}.{entry.translation_key}": entry.entity_id
        for entry in er.async_entries_for_device(er.async_get(hass), device.id)
        if entry.platform == DOMAIN and entry.hidden_by is None
    }


def _statistics(entry: PoderoConfigEntry, device: dr.DeviceEntry) -> dict[str, str]:
    """Return the ids of a vehicle's statistics, by series."""
    vehicle_id, _ = statistics_source(entry.subentries[str(device.config_subentry_id)])
    return {
        f"statistics.{series}": statistic_id(vehicle_id, series) for series in SERIES
    }


def _failure(entry: PoderoConfigEntry, device: dr.DeviceEntry) -> str:
    """Return the key of the error that makes a vehicle unavailable, or an empty string."""
    if entry.state is not ConfigEntryState.LOADED:
        return entry.error_reason_translation_key or ""
    coordinator = entry.runtime_data.coordinators.get(str(device.config_subentry_id))
    if coordinator is None or coordinator.last_update_success:
        return ""
    error = coordinator.last_exception
    return (isinstance(error, HomeAssistantError) and error.translation_key) or ""


def _fill(node: Any, names: Mapping[str, str]) -> Any:
    """Return a part of the template with each `$name` replaced.

    Items of a list that show a missing, disabled or hidden entity are left out.
    """
    if isinstance(node, str):
        if node.startswith("$"):
            return names.get(node[1:])
        return NAME.sub(lambda match: names[match[1]], node)
    if isinstance(node, list):
        return [part for item in node if (part := _fill(item, names)) is not None]
    if isinstance(node, dict):
        parts = {str(key): _fill(value, names) for key, value in node.items()}
        if not all(
            parts[key] for key in ("entity", "entities", "cards") if key in parts
        ):
            return None
        if "visibility" in parts:
            parts["visibility"] = [
                _known(parts["entity"]) if condition == "known" else condition
                for condition in parts["visibility"]
            ]
        return _section(parts) if "cards" in parts else parts
    return node


def _known(entity_id: str) -> dict[str, Any]:
    """Return the visibility condition that an entity has a value."""
    return {
        "condition": "state",
        "entity": entity_id,
        "state_not": [STATE_UNKNOWN, STATE_UNAVAILABLE],
    }


def _section(section: dict[str, Any]) -> dict[str, Any] | None:
    """Return a section that is hidden while all its cards are, or None without cards."""
    cards = [card for card in section["cards"] if card["type"] != "heading"]
    if not cards:
        return None
    if all("visibility" in card for card in cards):
        shown = [
            {"condition": "and", "conditions": card["visibility"]} for card in cards
        ]
        section["visibility"] = [{"condition": "or", "conditions": shown}]
    return section
