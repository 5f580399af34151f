"""The repository itself: what hassfest and HACS ask of it, and what keeps it whole."""

import ast
import json
import os
import re
import subprocess
from typing import Any
from urllib.parse import urlsplit

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from PIL import Image
import pytest
import voluptuous as vol

from homeassistant.const import Platform

from .repository import INTEGRATION, ROOT, files, modules, read_json
from custom_components import podero
from custom_components.podero.const import DOMAIN

MANIFEST = read_json("manifest.json")
HACS: dict[str, Any] = json.loads((ROOT / "hacs.json").read_text("utf-8"))

# What an integration may import without naming it in its manifest.
INTERNAL = {"diagnostics", "homeassistant", "repairs", "system_health", *Platform}


def test_manifest() -> None:
    """The keys are there, in their order, and say what is allowed."""
    https = vol.Match(r"^https://github\.com/podero-ha/home-assistant-podero")
    version = vol.Coerce(
        lambda value: AwesomeVersion(
            value, ensure_strategy=[AwesomeVersionStrategy.SEMVER]
        )
    )
    vol.Schema(
        {
            vol.Required("domain"): INTEGRATION.name,
            vol.Required("name"): "Podero",
            vol.Required("codeowners"): [vol.Match(r"^@[\w-]+$")],
            vol.Required("config_flow"): True,
            vol.Required("documentation"): https,
            vol.Required("integration_type"): vol.In(["hub", "service"]),
            vol.Required("iot_class"): "cloud_polling",
            vol.Required("issue_tracker"): https,
            "dependencies": [str],
            "after_dependencies": [str],
            "loggers": [f"custom_components.{DOMAIN}"],
            "quality_scale": "custom",
            vol.Required("version"): version,
        }
    )(MANIFEST)
    first, rest = list(MANIFEST)[:2], list(MANIFEST)[2:]
    assert first == ["domain", "name"]
    assert rest == sorted(rest)
    assert MANIFEST["codeowners"]
    assert (INTEGRATION / "config_flow.py").exists()


def test_dependencies_are_named() -> None:
    """An integration of Home Assistant that is imported is a dependency."""
    named = {
        *MANIFEST.get("dependencies", ()),
        *MANIFEST.get("after_dependencies", ()),
        *INTERNAL,
    }
    for name, module in modules().items():
        for node in ast.walk(module):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            if node.module == "homeassistant.components":
                imported = {alias.name for alias in node.names}
            elif node.module.startswith("homeassistant.components."):
                imported = {node.module.split(".")[2]}
            else:
                continue
            assert imported <= named, name


def test_yaml_is_refused() -> None:
    """An integration that sets itself up says that it has no configuration in YAML."""
    assert hasattr(podero, "CONFIG_SCHEMA")


def test_only_translations_are_shipped() -> None:
    """What Home Assistant's own integrations have is of no use in another's."""
    assert not (INTEGRATION / "strings.json").exists()
    for path in files("custom_components/podero/*.json"):
        assert "[%key:" not in path.read_text("utf-8"), path.name


def test_hacs() -> None:
    """HACS refuses keys that it does not know."""
    vol.Schema(
        {
            vol.Required("name"): MANIFEST["name"],
            vol.Required("homeassistant"): vol.Match(r"^\d{4}\.\d+\.\d+$"),
            vol.Required("hide_default_branch"): True,
        }
    )(HACS)
    integrations = {path.parent for path in files("*/manifest.json")}
    assert integrations == {INTEGRATION}
    assert (ROOT / "README.md").exists()


def test_the_floor_is_one() -> None:
    """What HACS asks for is what the README promises and the workflow tests."""
    floor = HACS["homeassistant"].removesuffix(".0")
    assert f"Home Assistant {floor} or newer" in (ROOT / "README.md").read_text("utf-8")
    assert f'"{floor}"' in (ROOT / ".github/workflows/test.yml").read_text("utf-8")


def test_licence() -> None:
    """It is one that GitHub and HACS recognize."""
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert licence.startswith("MIT License\n")
    assert "Permission is hereby granted, free of charge" in licence


@pytest.mark.parametrize("name", ["icon", "logo", "dark_icon", "dark_logo"])
def test_brand(name: str) -> None:
    """The pictures have the sizes of Home Assistant's brands, no edge and no background."""
    small = Image.open(INTEGRATION / f"brand/{name}.png")
    large = Image.open(INTEGRATION / f"brand/{name}@2x.png")
    assert large.size == (small.width * 2, small.height * 2)
    if name.endswith("icon"):
        assert small.size == (256, 256)
    else:
        assert 128 <= min(small.size) <= 256
    for image in (small, large):
        assert (image.format, image.mode) == ("PNG", "RGBA")
        alpha = image.getchannel("A")
        assert alpha.getpixel((0, 0)) == 0
        left, top, right, bottom = alpha.getbbox() or (0, 0, 0, 0)
        assert (top, bottom) == (0, image.height)
        assert left + image.width - right <= image.width * 0.04


def test_release_news() -> None:
    """A release tells the news of its version; another version is refused."""
    script = ROOT / "scripts/news"
    news = subprocess.check_output([script, MANIFEST["version"]], text=True)
    assert news.strip()
    assert "## " not in news
    for wrong in ("main", "999.0.0"):
        done = subprocess.run([script, wrong], check=False, capture_output=True)
        assert done.returncode, wrong


def test_the_version_has_its_news() -> None:
    """The change log speaks of the version that is worked on, at its top."""
    news = (ROOT / "docs/changelog.md").read_text("utf-8")
    versions = re.findall(r"^## (\S+)", news, re.MULTILINE)
    assert versions[0] == MANIFEST["version"]
    assert versions == sorted(versions, key=AwesomeVersion, reverse=True)


def test_requirements_are_pinned() -> None:
    """The tests of today are the tests of tomorrow."""
    lines = (ROOT / "requirements_test.txt").read_text("utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+(\[[a-z-]+\])?==\d[\w.]*", line), line


def test_no_trace_of_a_machine() -> None:
    """No file names a folder of a machine, or where its packages came from."""
    folder = re.compile(r"(?<![\w.~}-])/(home|root|Users|work|tmp)/\w")
    hosts = {"pypi.org", "pythonhosted.org", "npmjs.org"}
    for variable in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        if host := urlsplit(os.environ.get(variable, "")).hostname:
            hosts.add(host)
    for path in files():
        if path.suffix == ".png" or path.samefile(__file__):
            continue
        text = path.read_text("utf-8")
        assert not folder.search(text), path
        assert not [host for host in hosts if host in text], path
