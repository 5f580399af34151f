"""Write the table of entities in docs/entities.md from the code: python -m scripts.entities."""

from collections.abc import Iterator
from importlib import import_module
import json
from pathlib import Path
import re
from typing import Any, get_args, get_type_hints

from homeassistant.helpers.entity import EntityDescription

from custom_components.podero.api import ChargingSession, Vehicle
from custom_components.podero.const import PLATFORMS

ROOT = Path(__file__).parent.parent
TEXTS: dict[str, Any] = json.loads(
    (ROOT / "custom_components/podero/translations/en.json").read_text("utf-8")
)["entity"]
PAGE = ROOT / "docs/entities.md"
FIELDS = get_type_hints(ChargingSession) | get_type_hints(Vehicle)
SHOWS = {
    "binary_sensor": "on or off",
    "button": "when it was pressed last",
    "calendar": "whether charging is planned for now, and past sessions",
    "device_tracker": "home, another zone, or not home",
    "event": "when it happened, and what",
    "switch": "on or off",
    "time": "time of day",
}
DERIVED = {
    "sensor.charging_state": (
        "is_charging",
        "is_plugged_in",
        "is_fully_charged",
        "boost_state",
        "is_pause_power_active",
    ),
    "sensor.session_energy": ("energy_charged_kwh",),
    "sensor.session_cost": ("actual_cost_eur",),
    "sensor.session_savings": ("actual_savings_eur", "expected_savings_eur"),
    "sensor.month_energy": ("energy_charged_kwh",),
    "sensor.month_cost": ("actual_cost_eur",),
    "sensor.month_savings": ("actual_savings_eur",),
    "sensor.planned_start": ("desired_charging_start_time",),
    "sensor.planned_end": ("desired_charging_end_time",),
    "sensor.charge_deadline": ("charge_deadline_at", "is_charge_policy_enabled"),
    "sensor.charging_finishes_at": ("charge_time_remaining", "is_charging"),
    "device_tracker.location": ("latitude", "longitude"),
    "time.charge_deadline": ("charge_deadline_at",),
}
"""The fields of entities that show a computed value, or a field of another name."""

MARKED = re.compile(r"(<!-- entities -->\n).*?(<!-- /entities -->)", re.DOTALL)


def descriptions() -> Iterator[tuple[str, EntityDescription]]:
    """Yield each platform with the descriptions of its entities, in the code's order."""
    for platform in PLATFORMS:
        module = import_module(f"custom_components.podero.{platform}")
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                # Home Assistant's own descriptions are no instances of EntityDescription.
                if hasattr(item, "key") and hasattr(item, "translation_key"):
                    yield platform.value, item


def fields_of(platform: str, description: EntityDescription) -> tuple[str, ...]:
    """Return the fields of the API that an entity shows."""
    source = getattr(description, "source", description.key)
    fields = DERIVED.get(f"{platform}.{description.key}", (source,))
    return tuple(field for field in fields if field in FIELDS)


def name_of(platform: str, description: EntityDescription) -> str:
    """Return the English name of an entity."""
    texts = TEXTS.get(platform, {}).get(description.key, {})
    return str(texts.get("name", "Battery"))


def rows() -> Iterator[str]:
    """Yield the rows of the table."""
    yield "| Entity | Kind | Shows | API fields | Category | On by default |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for platform, description in descriptions():
        cells = (
            f"**{name_of(platform, description)}**",
            platform.replace("_", " "),
            _shows(platform, description),
            ", ".join(f"`{field}`" for field in fields_of(platform, description)),
            description.entity_category or "",
            "yes" if description.entity_registry_enabled_default else "",
        )
        yield f"| {' | '.join(cells)} |"


def _shows(platform: str, description: EntityDescription) -> str:
    """Return a description of an entity's states."""
    unit = getattr(description, "suggested_unit_of_measurement", None) or getattr(
        description, "native_unit_of_measurement", None
    )
    texts = TEXTS.get(platform, {}).get(description.key, {})
    states = texts.get("state", {}).values()
    if unit:
        return str(unit)
    if platform in SHOWS:
        return SHOWS[platform]
    if getattr(description, "device_class", None) == "timestamp":
        return "date and time"
    if states:
        return ", ".join(states) if len(states) < 8 else f"one of {len(states)}"
    return "text" if str in get_args(FIELDS[description.key]) else "number"


def fill(text: str) -> str:
    """Return the page with an updated table."""
    table = "\n".join(rows())
    return MARKED.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", text)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text("utf-8")), "utf-8")
