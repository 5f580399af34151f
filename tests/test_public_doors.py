"""Home Assistant is used by its public doors: what is private may change any month."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
import inspect
import re
from textwrap import dedent

import pytest

from .repository import INTEGRATION

PACKAGE = "custom_components.podero"
HOOKS = {
    "_abort_if_unique_id_configured",
    "_async_update_data",
    "_domain_specs",
    "_get_entry",
    "_get_reauth_entry",
    "_get_reconfigure_entry",
    "_handle_coordinator_update",
    "_should_include",
    "_states",
    "_trigger_event",
}
"""Underscore names that Home Assistant means integrations to override or to call."""

MODULES = sorted(
    ".".join(path.relative_to(INTEGRATION).with_suffix("").parts)
    for path in INTEGRATION.rglob("*.py")
    if path.stem != "__init__"
)


def _classes() -> Iterator[type]:
    """Yield the classes of the integration that have a base of somebody else's."""
    for name in MODULES:
        module = import_module(f"{PACKAGE}.{name}")
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                yield value


def _private_names(foreign: type) -> set[str]:
    """Return the underscore names of a class, those of its objects included."""
    names = {*vars(foreign)}
    # Some are written in another language.
    with suppress(OSError, TypeError):
        names |= set(re.findall(r"\bself\.(_\w+)", inspect.getsource(foreign)))
    return {
        name
        for name in names
        if name.startswith("_")
        and not name.startswith(("__", "_attr_", "_abc_"))
        and name not in HOOKS
    }


def _used_names(ours: type) -> set[str]:
    """Return the underscore names that a class defines or uses of any object."""
    tree = ast.parse(dedent(inspect.getsource(ours)))
    used: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name):
                used.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.Name(id=name):
                used.add(name)
    return used


CLASSES = [
    ours
    for ours in _classes()
    if any(not base.__module__.startswith(PACKAGE) for base in ours.__mro__[1:-1])
]


@pytest.mark.parametrize("ours", CLASSES, ids=lambda ours: ours.__qualname__)
def test_no_private_name_of_a_foreign_base(ours: type) -> None:
    """No class uses or shadows an underscore name of a base class that is not ours."""
    for base in ours.__mro__[1:-1]:
        if not base.__module__.startswith(PACKAGE):
            assert not _used_names(ours) & _private_names(base), base


def test_the_classes_are_found() -> None:
    """The test above looks at what it is about."""
    names = {ours.__name__ for ours in CLASSES}
    assert {"PoderoCoordinator", "PoderoEntity", "VehicleCondition"} <= names
    assert len(names) > 20


def test_private_names_are_found() -> None:
    """A name that is private to Home Assistant is known as such."""
    (coordinator,) = (ours for ours in CLASSES if ours.__name__ == "PoderoCoordinator")
    private = set[str]().union(*map(_private_names, coordinator.__mro__[1:-1]))
    assert {"_listeners", "_retry_after", "_async_refresh"} <= private


def test_no_import_of_private_names() -> None:
    """Nothing with an underscore is imported from Home Assistant."""
    for path in INTEGRATION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    assert not alias.name.startswith("_"), path
