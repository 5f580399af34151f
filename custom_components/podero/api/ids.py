"""Find ids in pasted text, for example in a URL of the API."""

from collections.abc import Mapping
import re
from typing import ClassVar, Literal
from urllib.parse import unquote
from uuid import UUID

type IdKind = Literal["organization", "user", "vehicle"]
"""What an id identifies."""

# How a path, a query or a label names the kind of the id after it.
_NAMES: Mapping[str, IdKind] = {
    "org": "organization",
    "user": "user",
    "vehicle": "vehicle",
}
_NAME = rf"({'|'.join(_NAMES)})[a-z]{{0,20}}(?:[\W_]id)?[\W_]{{1,6}}"
_GAP = r"[\W_]{0,3}"
_UUID = rf"[\da-f]{{8}}(?:{_GAP}[\da-f]{{4}}){{3}}{_GAP}[\da-f]{{12}}"
_ID = rf"(?ai)(?:{_NAME})?(?<![^\W_])({_UUID})(?![^\W_])"


class IdError(ValueError):
    """The text contains no id of the kind."""

    key: ClassVar[str] = "no_id"


class SeveralIdsError(IdError):
    """The text contains more than one id of the kind."""

    key = "several_ids"


def parse_id(text: str, kind: IdKind) -> str:
    """Return the one id in a text that may be of this kind, in its canonical form.

    An id that is named is of that kind only, as in ".../users/<id>" or "org_id=<id>".
    Raises IdError if there is none, SeveralIdsError if there are more than one.
    """
    found = _find(text)
    ids = found.get(kind) or found.get(None, set())
    if len(ids) > 1:
        raise SeveralIdsError("More than one id")
    if ids:
        return ids.pop()
    # Accept any separators between the digits of an id.
    digits = "".join(filter(str.isalnum, text))
    if found or not re.fullmatch(r"(?ai)[\da-f]{32}", digits):
        raise IdError("No id")
    return str(UUID(digits))


def find_named_ids(text: str) -> dict[IdKind, str]:
    """Return the ids whose kind the text names, unless it has several of that kind."""
    return {
        kind: ids.pop()
        for kind, ids in _find(text).items()
        if kind is not None and len(ids) == 1
    }


def _find(text: str) -> dict[IdKind | None, set[str]]:
    """Return all ids in a text, in their canonical form, by named kind or None."""
    found: dict[IdKind | None, set[str]] = {}
    for name, digits in re.findall(_ID, unquote(text)):
        kind = _NAMES.get(name.lower())
        uuid = str(UUID("".join(filter(str.isalnum, digits))))
        found.setdefault(kind, set()).add(uuid)
    return found
