"""Save the state to a file, and load it after a restart."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any

from .actions import Action
from .habits import Trip
from .life import Boost, Life, Reading
from .policy import DayPolicy, WeeklyPolicy
from .preferences import Preferences
from .sessions import Charged, Session


@dataclass(slots=True)
class State:
    """The content of the state file."""

    now: datetime
    lives: dict[str, Life]
    connected: list[tuple[str, int]] = field(default_factory=list)
    """The owner and the model of each car that was connected since the first start."""


_KINDS: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        Action,
        Boost,
        Charged,
        DayPolicy,
        Life,
        Preferences,
        Reading,
        Session,
        State,
        Trip,
        WeeklyPolicy,
    )
}


def save(path: Path, state: State) -> None:
    """Write the file atomically."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(state, default=_encode, indent=1), encoding="utf-8")
    draft.replace(path)


def load(path: Path) -> State | None:
    """Load the file, or return None if it is missing. Raises ValueError if invalid."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        state = json.loads(text, object_hook=_decode)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a state file of this simulator") from error
    if not isinstance(state, State):
        raise ValueError(f"{path} is not a state file of this simulator")
    # The running session is the same object as in the list, not a copy of it.
    for life in state.lives.values():
        if (running := life.session) is not None:
            life.session = next(
                session for session in life.sessions if session.id == running.id
            )
    return state


def _encode(value: Any) -> dict[str, Any]:
    if isinstance(value, datetime):
        return {"$at": value.isoformat()}
    if is_dataclass(value):
        content = {entry.name: getattr(value, entry.name) for entry in fields(value)}
        return {"$kind": type(value).__name__} | content
    # The only other values in a Life are timedeltas.
    return {"$seconds": value.total_seconds()}


def _decode(value: dict[str, Any]) -> Any:
    if "$at" in value:
        return datetime.fromisoformat(value["$at"])
    if "$seconds" in value:
        return timedelta(seconds=value["$seconds"])
    if "$kind" in value:
        return _KINDS[value.pop("$kind")](**value)
    return value
