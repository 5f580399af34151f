"""Who may import whom: down the floors of the house, never up, never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from .repository import INTEGRATION, ROOT, modules
from custom_components.podero.const import PLATFORMS

# Lowest first. What is not named stands beside the platforms.
FLOORS = (
    {"api", "const"},
    {"charging", "helpers"},
    {"sessions"},
    {"coordinator"},
    {"entity"},
)
BESIDE_THE_PLATFORMS, TOP = len(FLOORS), len(FLOORS) + 1

# The simulator's, lowest first: the cloud, and above it what knows HTTP.
CLOUD_FLOORS = (
    {"account", "clock", "faults", "habits", "preferences", "prices", "requests"},
    {"actions", "policy", "sessions", "tokens"},
    {"history", "life"},
    {"living"},
    {"document"},
    {"car"},
    {"connections", "sign_in", "state"},
    {"cloud"},
)
SIMULATOR_FLOORS = (
    *CLOUD_FLOORS,
    {"errors"},
    {"routing"},
    {"auth", "failures", "maker"},
    {"api", "control", "cues", "onboarding", "users"},
    {"server"},
    {"__init__", "__main__"},
)


def _floor(name: str) -> int:
    if name == "__init__":
        return TOP
    return next(
        (floor for floor, names in enumerate(FLOORS) if name in names),
        BESIDE_THE_PLATFORMS,
    )


def _imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what is imported: how many folders up, and the name from there."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.level, node.module
            else:
                for alias in node.names:
                    yield node.level, alias.name


def _neighbours(module: ast.Module) -> set[str]:
    """Return the modules of the same folder that a module imports."""
    return {name.split(".")[0] for level, name in _imports(module) if level == 1}


def test_imports_go_down() -> None:
    """A module imports from lower floors, and beside itself only what is no platform."""
    for name, module in modules().items():
        for neighbour in _neighbours(module):
            assert _floor(neighbour) <= _floor(name), f"{name} imports {neighbour}"
            assert neighbour not in PLATFORMS, f"{name} imports {neighbour}"
        assert all(level <= 1 for level, _ in _imports(module)), name


@pytest.mark.parametrize(
    "folder",
    [INTEGRATION, INTEGRATION / "api", ROOT / "simulator", ROOT / "scripts/demo"],
)
def test_no_circle(folder: Path) -> None:
    """No module imports itself, not even by way of others."""
    graph = {name: _neighbours(module) for name, module in modules(folder).items()}
    TopologicalSorter(graph).prepare()


def test_simulator_imports_go_down() -> None:
    """A module of the simulator imports only from lower floors."""
    floors = {
        name: floor for floor, names in enumerate(SIMULATOR_FLOORS) for name in names
    }
    simulator = modules(ROOT / "simulator")
    assert floors.keys() == simulator.keys()
    for name, module in simulator.items():
        for neighbour in _neighbours(module):
            assert floors[neighbour] < floors[name], f"{name} imports {neighbour}"


def test_the_cloud_knows_no_http() -> None:
    """Only what stands above the cloud imports aiohttp."""
    simulator = modules(ROOT / "simulator")
    for name in set().union(*CLOUD_FLOORS):
        roots = {imported.split(".")[0] for _, imported in _imports(simulator[name])}
        assert "aiohttp" not in roots, name


def test_the_api_could_leave() -> None:
    """The API package knows nothing of Home Assistant, nor of this integration."""
    for name, module in modules(INTEGRATION / "api").items():
        for level, imported in _imports(module):
            assert level <= 1, f"api/{name} imports {imported}"
            assert imported.split(".")[0] not in ("homeassistant", "custom_components")


def test_charging_stands_on_the_api() -> None:
    """What is made of readings knows the API and names, and nothing above."""
    for name, module in modules(INTEGRATION / "charging").items():
        for level, imported in _imports(module):
            assert level < 2 or imported.split(".")[0] in FLOORS[0], (
                f"charging/{name} imports {imported}"
            )


def test_only_what_is_shipped_is_imported() -> None:
    """The integration needs no test tool, no script and not the simulator."""
    for module in modules().values():
        roots = {name.split(".")[0] for level, name in _imports(module) if not level}
        assert not roots & {"custom_components", "simulator", "scripts", "tests"}


def test_sensors_are_a_table() -> None:
    """One tuple of descriptions, longer than all the code around it that could go wrong."""
    body = modules()["sensor"].body
    (table,) = (
        node.value
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Tuple)
    )
    assert all(isinstance(row, ast.Call) for row in table.elts)
    code = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert sum(map(_lines, code)) < _lines(table)


def test_platforms_are_short() -> None:
    """No function of a platform needs a second look."""
    for platform in PLATFORMS:
        for node in ast.walk(modules()[platform]):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert _lines(node) <= 20, f"{platform}: {node.name}"


def _lines(node: ast.stmt | ast.expr) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1
