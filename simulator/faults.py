"""The failures to simulate: what goes wrong, on which requests, and how often."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

type Kind = Literal[
    "token",
    "users",
    "vehicle",
    "vehicles",
    "preferences",
    "boost",
    "sessions",
    "current_session",
    "charge_policy",
    "cues",
    "onboarding",
]

# The other endpoints are only in the guide, not in the contract.
CONTRACT_KINDS: frozenset[Kind] = frozenset({"token", "vehicle", "cues"})
KINDS: tuple[str, ...] = get_args(Kind.__value__)


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """A failure to simulate.

    Without `status` and `body` the true answer is served, but delayed, with other
    headers, or in pieces.
    """

    kind: Kind | None = None  # None: every request to the API
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    delay: float = 0  # seconds before the answer
    body_delay: float = 0  # seconds in the middle of the body, or at `truncate_at`
    truncate_at: int | None = None  # close the connection after so many body bytes
    reset: bool = False  # reset the connection instead of answering
    count: int | None = None  # how many requests it affects; None: all

    def matches(self, kind: Kind, path: str) -> bool:
        """Return whether it affects a request."""
        return self.kind in (None, kind)

    async def wait(self) -> None:
        """Wait for as long as the answer is delayed."""
        await asyncio.sleep(self.delay)


class Faults:
    """The faults in effect: the first that matches a request is used."""

    def __init__(self) -> None:
        """Start without any."""
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        """Return how many are in effect."""
        return len(self._faults)

    def add(self, fault: Fault) -> None:
        """Add a fault behind those in effect."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def take(self, kind: Kind, path: str) -> Fault | None:
        """Return the fault for a request, and count the request."""
        for fault in self._faults:
            if not fault.matches(kind, path):
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
            return fault
        return None


def parse_fault(body: Mapping[str, Any]) -> Fault:
    """Return the fault that a JSON object describes. Raises ValueError."""
    options = dict(body)
    if options.get("kind") not in (None, *KINDS):
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    if isinstance(options.get("body"), str):
        options["body"] = options["body"].encode()
    try:
        return Fault(**options)
    except TypeError as error:
        raise ValueError("no such option of a fault") from error
