"""What strangers meet: pages, workflows and forms."""

from importlib.util import find_spec
import os
from pathlib import Path
import re
from typing import Any, cast

import pytest

from homeassistant.components.automation.config import async_validate_config_item
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
from homeassistant.util.yaml import parse_yaml
from scripts.entities import PAGE, descriptions, fill, name_of

from .repository import (
    INTEGRATION,
    LANGUAGES,
    ROOT,
    anchors,
    files,
    flatten,
    read_texts,
    read_yaml,
    resolves,
)

PAGES = files("*.md")
README = (ROOT / "README.md").read_text("utf-8")
LANGUAGE_NAMES = {
    "de": "German",
    "en": "English",
    "et": "Estonian",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sv": "Swedish",
}
FORMS = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*_*.yml"))
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file of the repository finds it."""
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in map("".join, links):
        if link.startswith("#"):
            assert link[1:] in anchors(text), link
        elif not re.match(r"[a-z]+:", link):
            assert resolves(link, page.parent), link


def test_commands_exist() -> None:
    """Each script that a page or a workflow speaks of can be run."""
    for path in [*PAGES, *WORKFLOWS, ROOT / ".devcontainer/devcontainer.json"]:
        for name in re.findall(r"\bscripts/\w+\b(?!\.)", path.read_text("utf-8")):
            script = ROOT / name
            assert script.is_dir() or os.access(script, os.X_OK), f"{path.name}: {name}"
    for path in PAGES:
        for name in re.findall(r"python -m ([\w.]+)", path.read_text("utf-8")):
            assert find_spec(name), f"{path.name}: {name}"


def test_table_comes_from_the_code() -> None:
    """The table of entities is what `python -m scripts.entities` writes."""
    text = PAGE.read_text("utf-8")
    assert fill(text) == text


def test_readme_explains_what_is_on() -> None:
    """The README says what each entity means that is on by default, and of no other."""
    text = README.partition("<!-- entities")[2].partition("<!-- /entities")[0]
    explained = re.findall(r"\*\*(.+?)\*\*", text)
    assert sorted(explained) == sorted(
        name_of(platform, description)
        for platform, description in descriptions()
        if description.entity_registry_enabled_default
    )


def test_readme_is_short() -> None:
    """Whoever has to scroll for long does not read it."""
    assert len(README.split()) <= 1400


def test_readme_knows_all_that_automations_use() -> None:
    """Each trigger, condition, action, blueprint and language stands in the README."""
    texts = read_texts("en")
    for trigger in texts["triggers"].values():
        assert re.search(rf"^\|.*\b{trigger['name']}\b.*\|", README, re.MULTILINE)
    for condition in texts["conditions"].values():
        assert f"*{condition['name']}*" in README
    for action in texts["services"]:
        assert f"`podero.{action}`" in README
    for path in ROOT.glob("blueprints/automation/podero/*.yaml"):
        assert f"podero%2F{path.name})" in README, path.name
    for language in LANGUAGES:
        assert LANGUAGE_NAMES[language] in README, language


def test_layout_names_every_file() -> None:
    """The layout in docs/architecture.md is that of the integration."""
    layout = (ROOT / "docs/architecture.md").read_text("utf-8").split("```")[1]
    named = set(re.findall(r"[\w/]+\.py", layout))
    there = {
        path.name
        for path in INTEGRATION.rglob("*.py")
        if path.name not in ("__init__.py", "const.py")
    }
    assert named == there


def test_quotes_are_what_is_said() -> None:
    """What the tables of the pages quote, people get to read in Home Assistant."""
    said = [re.sub(r"{\w+}", "…", message) for _, message in flatten(read_texts("en"))]
    quotes = [
        quote
        for page in PAGES
        for quote in re.findall(r'^\| "([^"]+)"', page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(quotes) > 6
    for quote in quotes:
        assert any(message.startswith(quote) for message in said), quote


def _examples(text: str) -> list[dict[str, Any]]:
    """Return the YAML of a page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [cast(dict[str, Any], parse_yaml(block)) for block in blocks]


async def test_examples_are_automations(hass: HomeAssistant) -> None:
    """What the README shows as an automation, Home Assistant accepts as one."""
    assert await async_setup_component(hass, "automation", {})
    automations = [config for config in _examples(README) if "triggers" in config]
    assert automations
    for config in automations:
        config |= {"alias": "Example"}
        validated = await async_validate_config_item(hass, "example", config)
        assert validated is not None
        assert validated.validation_error is None


def test_examples_name_what_is_there() -> None:
    """An entity of an example is one that is on by default, of a car called "My car"."""
    there = {
        f"{platform}.my_car_{slugify(name_of(platform, description))}"
        for platform, description in descriptions()
        if description.entity_registry_enabled_default
    }
    named = set(re.findall(r"\w+\.my_car_\w+", README))
    assert named
    assert named <= there


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_careful(workflow: Path) -> None:
    """Actions are pinned by commit, nothing is allowed but what a job asks for."""
    text = workflow.read_text("utf-8")
    for use in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"\./\S+|[\w./-]+@[0-9a-f]{40} # \S+", use), use
    content = read_yaml(workflow)
    assert content["permissions"] == {}
    assert "concurrency" in content
    for job in content["jobs"].values():
        assert job["permissions"]
        assert "uses" in job or job["timeout-minutes"]
    assert "${{ github.event." not in text


def test_the_newest_release_may_fail() -> None:
    """A workflow does not fail because Home Assistant's next release does."""
    jobs = read_yaml(ROOT / ".github/workflows/test.yml")["jobs"]
    assert jobs["beta"]["continue-on-error"] is True
    assert not any("continue-on-error" in jobs[name] for name in ("test", "long"))


def test_dependabot_watches_all() -> None:
    """Actions and packages are kept up to date."""
    updates = read_yaml(ROOT / ".github/dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {
        "github-actions",
        "pip",
    }


@pytest.mark.parametrize("name", ["bug_report", "first_experience"])
def test_forms_ask_for_diagnostics(name: str) -> None:
    """Whoever reports a problem is asked for the diagnostics, which hold nothing personal."""
    form = read_yaml(ROOT / f".github/ISSUE_TEMPLATE/{name}.yml")
    required = {
        field["id"]
        for field in form["body"]
        if field.get("validations", {}).get("required")
    }
    assert "diagnostics" in required


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_forms(path: Path) -> None:
    """GitHub shows a form only if it has a name, a description and fields with ids."""
    form = read_yaml(path)
    assert form["name"]
    assert form["description"]
    for field in form["body"]:
        assert field["type"] == "markdown" or (
            field["id"] and field["attributes"]["label"]
        )
