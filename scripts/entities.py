"""Write the tables of entities in README.md and docs/ from the code: python -m scripts.entities."""

from collections.abc import Iterator
from importlib import import_module
import json
from pathlib import Path
import re
from typing import Any, get_args, get_type_hints

from custom_components.podero.api import Vehicle
from custom_components.podero.const import PLATFORMS
from custom_components.podero.entity import PoderoEntityDescription

ROOT = Path(__file__).parent.parent
TEXTS: dict[str, Any] = json.loads(
    (ROOT / "custom_components/podero/translations/en.json").read_text("utf-8")
)["entity"]
FILES = {"README.md": True, "docs/entities.md": False}
FIELDS = get_type_hints(Vehicle)
SHOWS = {
    "binary_sensor": "on or off",
    "button": "when it was pressed last",
    "device_tracker": "home, another zone, or not home",
    "event": "when it happened, and what",
    "switch": "on or off",
    "time": "time of day",
}
DERIVED = {
    "charging_state": (
        "is_charging",
        "is_plugged_in",
        "is_fully_charged",
        "boost_state",
        "is_pause_power_active",
    ),
    "charge_deadline": ("charge_deadline_at", "is_charge_policy_enabled"),
    "charging_finishes_at": ("charge_time_remaining", "is_charging"),
    "location": ("latitude", "longitude"),
}
"""What the entities are made of that show more than one field."""

MARKED = re.compile(r"(<!-- entities -->\n).*?(<!-- /entities -->)", re.DOTALL)


def descriptions() -> Iterator[tuple[str, PoderoEntityDescription]]:
    """Yield each platform with the descriptions of its entities, in the code's order."""
    for platform in PLATFORMS:
        module = import_module(f"custom_components.podero.{platform}")
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, PoderoEntityDescription):
                    yield platform.value, item


def fields_of(description: PoderoEntityDescription) -> tuple[str, ...]:
    """Return the fields of the API that an entity shows."""
    fields = DERIVED.get(description.key, (description.source,))
    return tuple(field for field in fields if field in FIELDS)


def rows(*, only_enabled: bool) -> Iterator[str]:
    """Yield the rows of a table: the entities that are on, or all of them with more columns."""
    header = ["Entity", "Kind", "Shows"]
    if not only_enabled:
        header += ["API fields", "Category", "On by default"]
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for platform, description in descriptions():
        enabled = description.entity_registry_enabled_default
        if only_enabled and not enabled:
            continue
        text = TEXTS.get(platform, {}).get(description.key, {})
        cells = [
            f"**{text.get('name', 'Battery')}**",
            platform.replace("_", " "),
            _shows(platform, description, text),
        ]
        if not only_enabled:
            cells += [
                ", ".join(f"`{field}`" for field in fields_of(description)),
                description.entity_category or "",
                "yes" if enabled else "",
            ]
        yield f"| {' | '.join(cells)} |"


def _shows(
    platform: str, description: PoderoEntityDescription, text: dict[str, Any]
) -> str:
    """Return what the state of an entity looks like."""
    unit = getattr(description, "suggested_unit_of_measurement", None) or getattr(
        description, "native_unit_of_measurement", None
    )
    states = text.get("state", {}).values()
    if unit:
        return str(unit)
    if platform in SHOWS:
        return SHOWS[platform]
    if getattr(description, "device_class", None) == "timestamp":
        return "date and time"
    if states:
        return ", ".join(states) if len(states) < 8 else f"one of {len(states)}"
    return "text" if str in get_args(FIELDS[description.key]) else "number"


def fill(text: str, *, only_enabled: bool) -> str:
    """Return a page with its table brought up to date."""
    table = "\n".join(rows(only_enabled=only_enabled))
    return MARKED.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", text)


def main() -> None:
    """Bring the tables of all pages up to date."""
    for name, only_enabled in FILES.items():
        page = ROOT / name
        page.write_text(
            fill(page.read_text("utf-8"), only_enabled=only_enabled), "utf-8"
        )


if __name__ == "__main__":
    main()
