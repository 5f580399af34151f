"""The translation keys that the code uses, found in its syntax tree."""

import ast
from collections.abc import Iterator

from custom_components.podero.api import PoderoError, UntrustedLinkError, errors

ERROR_KEYS = {
    error.key
    for error in vars(errors).values()
    if isinstance(error, type)
    and issubclass(error, PoderoError)
    # Only the link of a repair can be untrusted.
    and error not in (PoderoError, UntrustedLinkError)
}
"""The translation keys of the API's errors."""


def translation_keys(module: ast.Module, kind: str) -> set[str]:
    """Return the translation keys of exceptions, issues or options in a module."""
    found: set[str] = set()
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and _kind(call) == kind:
            for argument in call.keywords:
                if argument.arg == "translation_key":
                    found |= set(_values(module, argument.value))
    return found


def _kind(call: ast.Call) -> str | None:
    """Return the part of the translations that a call takes a text from."""
    name = _name(call.func) or ""
    if name in ("async_create_issue", "create_issue"):
        return "issues"
    if name.endswith("SelectorConfig"):
        return "selector"
    if any(argument.arg == "translation_domain" for argument in call.keywords):
        return "exceptions"
    return None


def _name(node: ast.expr) -> str | None:
    """Return the last part of a dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _values(module: ast.Module, node: ast.expr) -> Iterator[str]:
    """Yield the possible string values of an expression."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.Attribute(attr="key"):
            yield from ERROR_KEYS
        case ast.Attribute(attr="reason"):
            yield from errors.CONFLICT_REASONS
        case ast.JoinedStr(
            values=[ast.Constant(str(prefix)), ast.FormattedValue(value=value)]
        ):
            for key in _values(module, value):
                yield f"{prefix}{key}"
        case ast.IfExp():
            yield from _values(module, node.body)
            yield from _values(module, node.orelse)
        case ast.Dict():
            for value in node.values:
                yield from _values(module, value)
        case ast.Subscript():
            yield from _values(module, node.value)
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
            for expression in (table, *default):
                yield from _values(module, expression)
        case ast.Call(
            func=ast.Name("next"),
            args=[
                ast.GeneratorExp(generators=[ast.comprehension(iter=ast.Name(name))])
            ],
        ):
            # One of the keys of a table.
            for rows in _assignments(module, name):
                assert isinstance(rows, ast.Dict)
                for row in filter(None, rows.keys):
                    yield from _values(module, row)
        case ast.Name():
            yield from _values_of_name(module, node)
        case _:
            raise AssertionError(f"cannot follow {ast.unparse(node)}")


def _values_of_name(module: ast.Module, name: ast.Name) -> Iterator[str]:
    """Yield what is assigned to a name, or passed where it is a parameter."""
    scopes = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and name in ast.walk(node)
    ]
    # The innermost function that defines the name, or else the module.
    for scope in [*reversed(scopes), module]:
        assigned = list(_assignments(scope, name.id))
        for value in assigned:
            yield from _values(module, value)
        if assigned:
            return
        if isinstance(scope, ast.Module):
            break
        parameters = [argument.arg for argument in scope.args.args]
        if name.id in parameters:
            is_method = parameters[0] in ("self", "cls")
            position = parameters.index(name.id) - is_method
            for call in ast.walk(module):
                if isinstance(call, ast.Call) and _name(call.func) == scope.name:
                    yield from _values(module, call.args[position])
            return
    raise AssertionError(f"cannot follow {name.id}")


def _assignments(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yield the values that a name is given in a scope."""
    for node in ast.walk(scope):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=value)
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value)
            ) if target == name:
                yield value
