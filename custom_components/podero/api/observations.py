"""Record the form of the service's responses, for the diagnostics.

Nothing personal is recorded: only what is in an allow-list or has the form of a key or an
enum value of the API (a "word"). The amount is bounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
import re
import time
from typing import Any

MAX_ANSWERS, MAX_KEYS, MAX_WORDS, MAX_ITEMS, MAX_DEPTH = 100, 200, 30, 20, 5

FIRST_DOCUMENTS, LATER_DOCUMENTS = 3, 5
"""How many of the first documents of an Answer are recorded, and every how many later."""

# The fixed segments of the API's paths; any other segment is an id or a secret.
_SEGMENTS = frozenset(
    {
        *("", "api", "partners", "v2.0", "auth", "oauth2", "token"),
        *("org", "users", "electric-vehicles", "boost", "charge-policy"),
        *("charging-config", "current", "data", "savings", "sessions"),
        *("cues", "device-onboarding", "information", "resolve", "state"),
    }
)

# The keys of nested objects that are recorded; others may be personal or use ids as keys.
_NESTED = frozenset(
    {
        *("actions", "data", "device_model", "device_type", "items", "owner"),
        *("resolution_link", "session", "savings", "consumption", "period", "metadata"),
        *("mon", "tue", "wed", "thu", "fri", "sat", "sun", "detail"),
    }
)
# Objects with arbitrary content, which are not recorded.
_OPAQUE = frozenset({"actions.metadata", "external_metadata"})

# The keys with enum values that are not documented completely, by the path of the object.
# Error messages are not among them, as they may repeat what was sent.
_WORD_KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            *("actual_steering_state", "boost_state", "connection_status"),
            *("current_mode", "last_boost_end_reason", "lifecycle_state"),
            *("monitoring_status", "price_zone", "role", "steering_status"),
            *("session_outcome", "token_type"),
        }
    ),
    "actions.": frozenset({"code"}),
    "actions.resolution_link.": frozenset({"required_parameters"}),
    "detail.": frozenset({"type"}),
    "device_model.device_type.": frozenset({"short_name"}),
    "items.": frozenset({"session_outcome"}),
    "session.": frozenset({"session_outcome"}),
}
_TYPES = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "number",
    list: "list",
    str: "string",
    type(None): "null",
}
_HEADER = r"(?i)limit|quota|retry|cache|etag|expires|^age$|last-modified|^vary$"


@dataclass(eq=False)
class Answer:
    """The responses of one endpoint with one status."""

    words: dict[str, set[str]]
    """Shared by all answers."""

    times: int = 0
    documents: int = 0
    headers: set[str] = field(default_factory=set)
    """The names of the headers about rate limits or caching."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    """The JSON types of the values of each key; nested keys have a dot."""

    def note(self, document: object) -> None:
        """Record the keys and words of a decoded body."""
        self.documents += 1
        if self.documents > FIRST_DOCUMENTS and self.documents % LATER_DOCUMENTS:
            return
        for path, item in _objects(document, ""):
            for key in _WORD_KEYS.get(path, frozenset()) & item.keys():
                self._note_words(key, item[key])
            self._note_keys(path, item)

    def _note_words(self, key: str, value: object) -> None:
        """Record the words in the value of a key."""
        words = self.words.setdefault(key, set())
        for word in value[:MAX_ITEMS] if isinstance(value, list) else [value]:
            if (
                isinstance(word, str)
                and word not in words
                and len(words) < MAX_WORDS
                and is_word(word)
            ):
                words.add(word)

    def _note_keys(self, path: str, item: Mapping[str, Any]) -> None:
        """Record the keys of an object with their types."""
        for key, value in item.items():
            name = f"{path}{key}"
            if (types := self.keys.get(name)) is None:
                if len(self.keys) >= MAX_KEYS or not is_word(key):
                    continue
                types = self.keys[name] = set()
            types.add(_TYPES.get(type(value), "other"))

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {
            "times": self.times,
            "headers": sorted(self.headers),
            "keys": {key: sorted(self.keys[key]) for key in sorted(self.keys)},
        }


class Observations:
    """The record of one server's responses."""

    def __init__(self) -> None:
        """Start an empty record."""
        self._answers: dict[tuple[str, str, int], Answer] = {}
        self._words: dict[str, set[str]] = {}
        self._date: tuple[str, float] | None = None

    def note(
        self, method: str, path: str, status: int, headers: Mapping[str, str]
    ) -> Answer:
        """Record a response, and return the Answer that records its body."""
        if date := headers.get("Date"):
            self._date = date, time.time()
        key = method, _template(path), status
        answer = self._answers.get(key)
        if answer is None:
            answer = Answer(self._words)
            if len(self._answers) < MAX_ANSWERS:
                self._answers[key] = answer
            answer.headers.update(
                name.lower()
                for name in headers
                if re.search(_HEADER, name) and is_word(name)
            )
        answer.times += 1
        return answer

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON."""
        endpoints: dict[str, dict[str, Any]] = {}
        for (method, path, status), answer in sorted(
            self._answers.items(), key=lambda item: item[0]
        ):
            endpoint = endpoints.setdefault(f"{method} {path}", {})
            endpoint[str(status)] = answer.as_json()
        return {
            "endpoints": endpoints,
            "words": {key: sorted(self._words[key]) for key in sorted(self._words)},
            "clock_difference": self._clock_difference(),
        }

    def _clock_difference(self) -> int | None:
        """Return the seconds by which the service's clock is ahead of ours."""
        if self._date is None:
            return None
        text, received_at = self._date
        try:
            return round(parsedate_to_datetime(text).timestamp() - received_at)
        except ValueError, OverflowError:
            return None


def is_word(text: str) -> bool:
    """Return whether a text looks like a key or an enum value of the API.

    Sentences, addresses, ids, tokens and telephone numbers do not.
    """
    return (
        len(text) <= 64
        and sum(map(str.isdigit, text)) <= 6
        and re.fullmatch(r"[A-Za-z][A-Za-z0-9]{,23}([_-][A-Za-z0-9]{1,24})*", text)
        is not None
    )


@lru_cache(maxsize=256)
def _template(path: str) -> str:
    """Return a path with a placeholder for each id or secret."""
    path, _, _ = path.partition("?")
    return "/".join(
        segment if segment in _SEGMENTS else "{id}" for segment in path.split("/")
    )


def _objects(document: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects in a document with their paths, up to MAX_ITEMS of a list."""
    for item in document[:MAX_ITEMS] if isinstance(document, list) else [document]:
        if not isinstance(item, dict):
            continue
        yield path, item
        if path.count(".") == MAX_DEPTH:
            continue
        for key in _NESTED & item.keys():
            if f"{path}{key}" not in _OPAQUE:
                yield from _objects(item[key], f"{path}{key}.")
