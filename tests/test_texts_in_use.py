"""Each thing that people see has its name and icon, and no text stands unused."""

import ast
from importlib import import_module
import json
from pathlib import Path
from typing import Any

import hass_frontend
import pytest
import voluptuous as vol

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import selector
from homeassistant.setup import async_setup_component

from .home import Home
from .keys import ERROR_KEYS, translation_keys
from .repository import INTEGRATION, flatten, modules, read_json, read_texts, read_yaml
from custom_components.podero.const import DOMAIN

TEXTS = read_texts("en")
ICONS = read_json("icons.json")

KEY = vol.Match(r"^[a-z0-9_-]+$")
ICON = vol.Match(r"^mdi:[a-z0-9-]+$")
STATES = {"default": ICON, "state": {KEY: ICON}, "range": {vol.Match(r"^-?\d+$"): ICON}}
ICON_TREE = vol.Schema(
    {
        "entity": {
            vol.In([*Platform]): {KEY: {**STATES, "state_attributes": {KEY: STATES}}}
        },
        "services": {
            KEY: {vol.Required("service"): ICON, "sections": {KEY: ICON}},
        },
        "triggers": {KEY: {vol.Required("trigger"): ICON}},
        "conditions": {KEY: {vol.Required("condition"): ICON}},
    }
)


def test_icons_are_such_as_hassfest_accepts() -> None:
    """The tree is right, and no state repeats the default."""
    ICON_TREE(ICONS)
    for path, icon in flatten(ICONS["entity"]):
        if path[-2] in ("state", "range"):
            branch = ICONS["entity"]
            for key in path[:-2]:
                branch = branch[key]
            assert icon != branch.get("default"), path


def test_icons_exist() -> None:
    """Home Assistant's frontend has each icon."""
    listed = Path(hass_frontend.__file__).parent / "static/mdi/iconList.json"
    known = {f"mdi:{icon['name']}" for icon in json.loads(listed.read_text("utf-8"))}
    assert {icon for _, icon in flatten(ICONS)} <= known


@pytest.mark.parametrize("kind", ["exceptions", "issues", "selector"])
def test_what_the_code_speaks_of_has_a_text(kind: str) -> None:
    """Each exception, issue and list of choices has its texts, and none is left over."""
    keys: set[str] = set()
    for module in modules().values():
        keys |= translation_keys(module, kind)
    assert keys == TEXTS.get(kind, {}).keys()


def test_no_text_of_a_flow_is_left_over() -> None:
    """Each step, error and way to end of a flow is one that the code knows."""
    subentries = TEXTS["config_subentries"].values()
    fix_flows = [issue.get("fix_flow", {}) for issue in TEXTS["issues"].values()]
    # What Home Assistant itself ends a flow with.
    known = {"already_configured", "untrusted_link", *ERROR_KEYS}
    known |= {f"link_{key}" for key in ERROR_KEYS}
    steps = {"vehicle_steps", "onboarding", "external_step"}
    for names, trees in (
        ({"config_flow", "forms", *steps}, [TEXTS["config"], *subentries]),
        ({"repairs", "external_step"}, fix_flows),
    ):
        nodes = [
            node for name in names | {"const"} for node in ast.walk(modules()[name])
        ]
        nodes += ast.walk(modules(INTEGRATION / "api")["ids"])
        words = known | {
            node.value
            for node in nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        offered = {
            node.name.removeprefix("async_step_")
            for node in nodes
            if isinstance(node, ast.AsyncFunctionDef)
        }
        for tree in trees:
            assert tree.get("step", {}).keys() <= offered, names
            assert {*tree.get("error", ()), *tree.get("abort", ())} <= words, names


def _fields(described: dict[str, Any] | None) -> dict[str, Any]:
    return (described or {}).get("fields") or {}


@pytest.mark.parametrize("kind", ["service", "trigger", "condition"])
async def test_automation_parts_are_described(hass: HomeAssistant, kind: str) -> None:
    """Each action, trigger and condition of the code has fields, texts and an icon."""
    if kind == "service":
        assert await async_setup_component(hass, DOMAIN, {})
        offered = hass.services.async_services_for_domain(DOMAIN).keys()
    else:
        module = import_module(f"custom_components.{DOMAIN}.{kind}")
        offered = (await getattr(module, f"async_get_{kind}s")(hass)).keys()
    described = read_yaml(INTEGRATION / f"{kind}s.yaml")
    texts = TEXTS[f"{kind}s"]
    assert offered
    assert offered == described.keys() == texts.keys() == ICONS[f"{kind}s"].keys()
    for name, description in described.items():
        fields = _fields(description)
        assert fields.keys() == texts[name].get("fields", {}).keys(), name
        for field in fields.values():
            selector(field["selector"])


async def test_each_entity_has_a_name_and_an_icon(home: Home) -> None:
    """Each has a name of its own or its class's, likewise an icon; none is left over."""
    await home.set_up()
    seen: set[tuple[str, str]] = set()
    for entity in home.entities():
        key = entity.translation_key
        assert key
        seen.add((entity.domain, key))
        text = TEXTS["entity"].get(entity.domain, {}).get(key, {})
        icons = ICONS["entity"].get(entity.domain, {}).get(key, {})
        device_class = entity.original_device_class
        # What these classes measure is what an entity of theirs is called.
        assert "name" in text or device_class == "battery", entity.entity_id
        # The class of enums has no icon.
        assert icons or device_class not in (None, "enum"), entity.entity_id

        capabilities = entity.capabilities or {}
        options = set(capabilities.get("options") or ())
        # Of a class, or else on and off unless it has words of its own.
        said = options or ({"on", "off"} if "state" in text else set())
        assert text.get("state", {}).keys() == said, entity.entity_id
        attributes = text.get("state_attributes", {})
        events = set(capabilities.get("event_types") or ())
        named = attributes.get("event_type", {}).get("state", {})
        assert named.keys() == events, entity.entity_id

        shown = options or {"on", "off", "home", "not_home"}
        assert icons.get("state", {}).keys() <= shown, entity.entity_id
        shown = icons.get("state_attributes", {}).get("event_type", {})
        assert shown.get("state", {}).keys() <= events, entity.entity_id
    for tree in (TEXTS["entity"], ICONS["entity"]):
        assert {(domain, key) for domain in tree for key in tree[domain]} <= seen
