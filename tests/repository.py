"""The paths and files of the repository."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
import string
import subprocess
from typing import Any

from homeassistant.util.yaml import load_yaml_dict

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components/podero"
BLUEPRINTS = ROOT / "blueprints/automation/podero"
LANGUAGES = sorted(path.stem for path in INTEGRATION.glob("translations/*.json"))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, in which no key may occur twice."""
    assert len(pairs) == len(dict(pairs)), f"a key stands twice in {dict(pairs)}"
    return dict(pairs)


def read_json(path: str) -> dict[str, Any]:
    """Return a JSON file of the integration."""
    text = (INTEGRATION / path).read_text("utf-8")
    content: dict[str, Any] = json.loads(text, object_pairs_hook=_unique)
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file."""
    return load_yaml_dict(str(path))


def read_texts(language: str) -> dict[str, Any]:
    """Return the translations of a language."""
    return read_json(f"translations/{language}.json")


def flatten(tree: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text of a tree with its path of keys."""
    if not isinstance(tree, dict):
        yield path, tree
        return
    for key, branch in tree.items():
        yield from flatten(branch, *path, key)


def placeholders(text: str) -> set[str]:
    """Return the placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def modules(folder: Path = INTEGRATION) -> dict[str, ast.Module]:
    """Return the parsed modules of a folder by their name."""
    return {
        path.stem: ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py")
    }


def files(*patterns: str) -> list[Path]:
    """Return the files of the repository, including those that are not committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        [*command, "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = {ROOT / name for name in listed.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def resolves(link: str, folder: Path) -> bool:
    """Return whether a link leads to a file, and to a heading of it."""
    name, _, anchor = link.partition("#")
    path = folder / name
    return path.exists() and (not anchor or anchor in anchors(path.read_text("utf-8")))
