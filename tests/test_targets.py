"""What the editor offers as the target of triggers, conditions and actions."""

from typing import Any

import pytest

from homeassistant.helpers import entity_registry as er

from .home import Home
from .repository import INTEGRATION, read_yaml
from custom_components.podero.const import DOMAIN

ENTITY = {"domain": "binary_sensor", "device_class": "plug"}
TARGETS: dict[str, dict[str, Any]] = {
    f"{kind}.{name}": description["target"]
    for kind in ("triggers", "conditions", "services")
    for name, description in read_yaml(INTEGRATION / f"{kind}.yaml").items()
    if "target" in description
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_same_everywhere(target: dict[str, Any]) -> None:
    """Everything offers the same, by what the editor can count: not by integration."""
    assert target["entity"] == ENTITY


@pytest.mark.parametrize("name", TARGETS)
def test_cars_only(name: str) -> None:
    """Other devices are not offered; hassfest forbids to say so of an action."""
    expected = None if name.startswith("services.") else {"integration": DOMAIN}
    assert TARGETS[name].get("device") == expected


async def test_one_thing_per_car(
    home: Home, entity_registry: er.EntityRegistry
) -> None:
    """Of each car the filter lets one entity through, which is on and primary."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    for number in (1, 2):
        entities = er.async_entries_for_device(
            entity_registry, home.device(number - 1).id
        )
        offered = [
            entity.entity_id
            for entity in entities
            if entity.domain == ENTITY["domain"]
            and entity.original_device_class == ENTITY["device_class"]
            and entity.entity_category is None
        ]
        assert offered == [f"binary_sensor.car_{number}_plugged_in"]
