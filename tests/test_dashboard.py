"""The ready-made dashboard: one view per car, with whatever its entities are called."""

from collections.abc import Iterator
from http import HTTPStatus
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.const import MAJOR_VERSION, MINOR_VERSION
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, yaml as yaml_util

from .home import Home
from .repository import read_json, read_texts
from custom_components.podero.charging.statistics import SERIES
from custom_components.podero.const import DOMAIN
from custom_components.podero.dashboard import NAME, STRATEGY, TEMPLATE


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home with two cars."""
    return home.with_vehicles(0, 1)


async def get_dashboard(hass: HomeAssistant, **data: Any) -> list[dict[str, Any]]:
    """Return the views of the dashboard."""
    response = await hass.services.async_call(
        DOMAIN, "get_dashboard", data, blocking=True, return_response=True
    )
    assert response is not None
    views: list[dict[str, Any]] = json.loads(json.dumps(response))["views"]
    return views


def texts(node: Any) -> Iterator[str]:
    """Yield all that is written in a part of the dashboard."""
    match node:
        case str():
            yield node
        case list():
            for item in node:
                yield from texts(item)
        case dict():
            yield from texts([*node.values()])


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_views(home: Home) -> None:
    """Every car has a view, in which every name of the template is filled in."""
    await home.set_up()
    views = await get_dashboard(home.hass)
    assert [(view["title"], view["path"]) for view in views] == [
        ("Car 1", "car_1"),
        ("Car 2", "car_2"),
    ]
    for view in views:
        assert not any(text.startswith("$") for text in texts(view))
    assert "Up next" in texts(views[0])
    for entity_id in ("sensor.car_1_battery", "device_tracker.car_1_location"):
        assert home.hass.states.get(entity_id)
        assert entity_id in texts(views[0])
        assert entity_id not in texts(views[1])


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_the_template_names_what_exists(home: Home) -> None:
    """It names entities and texts that exist, so that nothing is left out by a wrong name."""
    await home.set_up()
    known = (
        {"vehicle", "path", "entity", "failure", *read_texts("en")["common"]}
        | {f"statistics.{series}" for series in SERIES}
        | {f"{entity.domain}.{entity.translation_key}" for entity in home.entities()}
    )
    template = yaml_util.load_yaml_dict(str(TEMPLATE))
    named = {name for text in texts(template) for name in NAME.findall(text)}
    assert named <= known


async def test_conditions(home: Home) -> None:
    """A card without a value is hidden, and so is a section without a card."""
    await home.set_up()
    view, *_ = await get_dashboard(home.hass)
    sections = {
        section["cards"][0]["heading"]: (
            section["visibility"],
            [card for card in section["cards"] if card["type"] != "heading"],
        )
        for section in view["sections"]
    }
    _, (battery, *_) = sections["Now"]
    known = {
        "condition": "state",
        "entity": "sensor.car_1_battery",
        "state_not": ["unknown", "unavailable"],
    }
    assert battery["entity"] == "sensor.car_1_battery"
    assert battery["visibility"] == [known]
    for (condition,), cards in sections.values():
        assert condition["condition"] == "or"
        assert condition["conditions"] == [
            {"condition": "and", "conditions": card["visibility"]} for card in cards
        ]


@pytest.mark.parametrize("is_set_up_before", [True, False])
async def test_outage(home: Home, is_set_up_before: bool) -> None:
    """During an outage the dashboard shows why and since when."""
    await home.set_up()
    home.simulator.add_fault(status=503)
    if is_set_up_before:
        await home.refresh()
    else:
        await home.hass.config_entries.async_reload(home.entry.entry_id)
    view, *_ = await get_dashboard(home.hass)
    (attention, *_) = view["sections"]
    _, outage, *_ = attention["cards"]
    assert outage["visibility"][0]["state"] == "unavailable"
    state = home.get_state(outage["visibility"][0]["entity"])
    assert state.state == "unavailable"
    reason = "Podero could not be reached."
    if not is_set_up_before and (MAJOR_VERSION, MINOR_VERSION) < (2026, 10):
        # An entry that is retried does not tell why.
        reason = "There are no values from Podero."
    assert Template(outage["content"], home.hass).async_render() == (
        f'<ha-alert alert-type="error">{reason}'
        f" Since {dt_util.as_local(state.last_changed):%H:%M}.</ha-alert>"
    )
    # The editor shows hidden cards, too.
    home.hass.states.async_set(state.entity_id, "60")
    assert Template(outage["content"], home.hass).async_render() == ""


@pytest.mark.parametrize("are_entities_disabled", [False, True])
async def test_disabled_car(
    home: Home,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
    are_entities_disabled: bool,
) -> None:
    """A car that is disabled, itself or with all its entities, has no view."""
    await home.set_up()
    device = home.device()
    if are_entities_disabled:
        for entity in er.async_entries_for_device(entity_registry, device.id):
            entity_registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    else:
        device_registry.async_update_device(
            device.id, disabled_by=dr.DeviceEntryDisabler.USER
        )
    await home.hass.async_block_till_done()
    assert [view["title"] for view in await get_dashboard(home.hass)] == ["Car 2"]


async def test_other_names(
    home: Home, device_registry: dr.DeviceRegistry, entity_registry: er.EntityRegistry
) -> None:
    """Renamed entities are found; disabled ones are left out with their cards."""
    await home.set_up()
    device = home.device()
    device_registry.async_update_device(device.id, name_by_user="Unser Flitzer")
    entity_registry.async_update_entity(
        "sensor.car_1_battery", new_entity_id="sensor.flitzer_akku"
    )
    entity_registry.async_update_entity(
        "device_tracker.car_1_location", disabled_by=er.RegistryEntryDisabler.USER
    )
    entity_registry.async_update_entity(
        "sensor.car_1_charging_power", disabled_by=er.RegistryEntryDisabler.USER
    )
    await home.hass.async_block_till_done()
    (view,) = await get_dashboard(home.hass, device_id=device.id)
    assert (view["title"], view["path"]) == ("Unser Flitzer", "unser_flitzer")
    written = [*texts(view)]
    assert "sensor.flitzer_akku" in written
    for gone in (
        "sensor.car_1_battery",
        "sensor.car_1_charging_power",
        "device_tracker.car_1_location",
        "map",
    ):
        assert gone not in written


async def test_hidden_entities(home: Home, entity_registry: er.EntityRegistry) -> None:
    """They are left out, as in Home Assistant's own dashboards."""
    await home.set_up()
    hidden = "sensor.car_1_cost_this_month"
    assert hidden in texts(await get_dashboard(home.hass))
    entity_registry.async_update_entity(hidden, hidden_by=er.RegistryEntryHider.USER)
    assert hidden not in texts(await get_dashboard(home.hass))


async def test_cars_of_one_name(home: Home, device_registry: dr.DeviceRegistry) -> None:
    """Cars of the same name have different paths."""
    await home.set_up()
    for number in (0, 1):
        device_registry.async_update_device(
            home.device(number).id, name_by_user="Flitzer"
        )
    views = await get_dashboard(home.hass)
    assert [(view["title"], view["path"]) for view in views] == [
        ("Flitzer", "flitzer"),
        ("Flitzer", "flitzer_2"),
    ]
    first, second = (set(texts(view)) for view in views)
    assert "sensor.car_1_battery" in first
    assert "sensor.car_2_battery" in second


async def test_no_car(home: Home) -> None:
    """Without an account, or for another integration's device, the error says why."""
    assert await async_setup_component(home.hass, DOMAIN, {})
    with pytest.raises(ServiceValidationError) as failure:
        await get_dashboard(home.hass)
    assert failure.value.translation_key == "no_vehicle_set_up"
    await home.set_up()
    with pytest.raises(ServiceValidationError) as failure:
        await get_dashboard(home.hass, device_id=["lamp"])
    assert failure.value.translation_key == "no_vehicle"


async def test_strategy_is_offered(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    hass_storage: dict[str, Any],
) -> None:
    """The frontend's page loads the script, under another address with each version."""
    done = ["user", "core_config", "analytics", "integration"]
    hass_storage["onboarding"] = {"version": 4, "data": {"done": done}}
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client_no_auth()
    version = read_json("manifest.json")["version"]
    url = f"/podero/dashboard.js?v={version}"
    assert f'import("{url}")' in await (await client.get("/")).text()
    response = await client.get(url)
    assert response.status == HTTPStatus.OK
    assert response.content_type == "text/javascript"
    assert await response.read() == STRATEGY.read_bytes()


async def test_no_frontend(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Without the frontend all else works, and nothing is served for it."""
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client_no_auth()
    response = await client.get("/podero/dashboard.js")
    assert response.status == HTTPStatus.NOT_FOUND
    assert "frontend" not in hass.config.components


def test_each_text_is_shown() -> None:
    """The template, the script or the module names each text of the dashboard."""
    sources = (TEMPLATE, STRATEGY, TEMPLATE.with_suffix(".py"))
    source = "".join(path.read_text("utf-8") for path in sources)
    for key in read_texts("en")["common"]:
        if key.startswith(("dashboard_", "section_")):
            assert key in source, key
