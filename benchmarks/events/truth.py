"""What readings show to have happened, told from nothing but the documents that were served."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

PLUG, CHARGE, FULL = "is_plugged_in", "is_charging", "is_fully_charged"


class Truth:
    """Say what each reading shows, given the ones before it."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._known: dict[str, bool] = {}
        self._stop_to_explain = False

    def read(self, document: Mapping[str, Any]) -> list[str]:
        """Return what happened since, in the order in which it is to be told."""
        readable = {
            name: document[name]
            for name in (PLUG, CHARGE, FULL)
            if isinstance(document.get(name), bool)
        }
        moved = {
            name: value
            for name, value in readable.items()
            if self._known.get(name) is not value and name in self._known
        }
        self._known |= readable
        if CHARGE in moved:
            self._stop_to_explain = not moved[CHARGE]
        was_interrupted = False
        if self._stop_to_explain and PLUG in readable and FULL in readable:
            self._stop_to_explain = False
            was_interrupted = (
                readable[PLUG]
                and not readable[FULL]
                and document.get("is_pause_power_active") is not True
            )
        shown = {
            "plugged_in": moved.get(PLUG) is True,
            "charging_started": moved.get(CHARGE) is True,
            "charging_stopped": moved.get(CHARGE) is False,
            "charging_interrupted": was_interrupted,
            "fully_charged": moved.get(FULL) is True,
            "unplugged": moved.get(PLUG) is False,
        }
        return [event for event, is_shown in shown.items() if is_shown]


@dataclass(slots=True)
class Run:
    """One car, from a start of the integration to its end."""

    truth: Truth = field(default_factory=Truth)
    shown: list[tuple[float, str]] = field(default_factory=list)
    """What the readings showed, and when they were served."""

    fired: list[str] = field(default_factory=list)

    def read(self, document: Mapping[str, Any], at: float) -> None:
        """Take a reading."""
        self.shown += ((at, event) for event in self.truth.read(document))

    def tally(self, certain_until: float) -> Counter[str]:
        """Count what was shown, fired, false and missed.

        What was served later than `certain_until` may have been too late to be heard.
        """
        events = [event for _, event in self.shown]
        certain = sum(at <= certain_until for at, _ in self.shown)
        for count in range(certain, len(events) + 1):
            if self.fired == events[:count]:
                expected = events[:count]
                break
        else:
            expected = events[:certain]
        matched = _matched(expected, self.fired)
        return Counter(
            changes=len(expected),
            fired=len(self.fired),
            false=len(self.fired) - matched,
            missed=len(expected) - matched,
            cut_off=len(events) - len(expected),
        )


def _matched(expected: Sequence[str], fired: Sequence[str]) -> int:
    """Return how many of one are found in the other, in the same order."""
    matcher = SequenceMatcher(a=expected, b=fired, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())
