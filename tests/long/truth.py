"""The expected events, derived from the served documents alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import compress
from typing import Any

PLUG, CHARGE, FULL = "is_plugged_in", "is_charging", "is_fully_charged"
REPORTED_AT = "current_state_last_updated_at"
MISSED = " (missed)"
"""Marks an event that happened while Home Assistant was down."""

EVENTS = (
    "plugged_in",
    "charging_started",
    "charging_stopped",
    "charging_interrupted",
    "fully_charged",
    "unplugged",
)
"""The triggers, in the order in which a reading fires them."""

TOLD_WHEN_MISSED = {"plugged_in", "unplugged", "fully_charged"}


@dataclass
class Truth:
    """The events that each reading of a car shows, given the ones before it."""

    known: dict[str, bool] = field(default_factory=dict)
    battery_at_plug_in: float | None = None
    was_full: bool = False
    """Whether it was full at an earlier reading since it was plugged in."""

    is_stop_unexplained: bool = False
    """Whether it charged, and no later reading has explained the end."""

    is_stop_planned: bool = True
    """Whether Podero itself may stop the charging."""

    is_first_after_downtime: bool = False
    reported_at: str | None = field(default=None, compare=False)

    def read(self, document: Mapping[str, Any]) -> list[str]:
        """Return the events since the last reading, in the order of firing."""
        now = {
            name: document[name]
            for name in (PLUG, CHARGE, FULL)
            if isinstance(document.get(name), bool)
        }
        if now.get(PLUG) is False and now.get(CHARGE):
            return []
        before, self.known = self.known, self.known | now
        changed = {
            name: value
            for name, value in now.items()
            if before.get(name, value) is not value
        }
        self._note_session(document, before, is_plugged_in=changed.get(PLUG) is True)
        happened = (
            changed.get(PLUG) is True,
            changed.get(CHARGE) is True,
            changed.get(CHARGE) is False,
            self._is_interrupted(document, now),
            changed.get(FULL) is True and not self.was_full,
            changed.get(PLUG) is False,
        )
        events = list(compress(EVENTS, happened))
        before_at, self.reported_at = self.reported_at, document[REPORTED_AT]
        if not self.is_first_after_downtime:
            return events
        self.is_first_after_downtime = False
        if before_at is None or self.reported_at is None:
            return []
        is_news = self.reported_at > before_at
        return [
            event + MISSED for event in events if is_news and event in TOLD_WHEN_MISSED
        ]

    def _note_session(
        self,
        document: Mapping[str, Any],
        before: Mapping[str, bool],
        *,
        is_plugged_in: bool,
    ) -> None:
        """Detect whether the car was unplugged between two readings."""
        at_plug_in = document.get("battery_at_plug_in")
        is_another = (
            at_plug_in is not None
            and self.battery_at_plug_in is not None
            and at_plug_in != self.battery_at_plug_in
        )
        if at_plug_in is not None:
            self.battery_at_plug_in = at_plug_in
        if is_plugged_in or (self.known.get(PLUG) and is_another):
            self.was_full = False
        elif before.get(FULL):
            self.was_full = True

    def _is_interrupted(
        self, document: Mapping[str, Any], now: Mapping[str, bool]
    ) -> bool:
        """Return whether charging stopped without a known reason."""
        if now.get(CHARGE):
            self.is_stop_unexplained = True
            self.is_stop_planned = (
                document["is_smart_optimization_active"] is not False
                and document["boost_state"] != "ongoing"
            )
            return False
        if now.get(PLUG) is False:
            self.is_stop_unexplained = False
        if (
            not self.is_stop_unexplained
            or self.known.get(CHARGE)
            or not now.keys() >= {PLUG, FULL}
        ):
            return False
        self.is_stop_unexplained = False
        return not (
            now[FULL] or document["is_pause_power_active"] or self.is_stop_planned
        )

    def interrupt(self, *, is_too_long: bool) -> None:
        """Record a downtime of Home Assistant, perhaps too long for missed events."""
        if is_too_long:
            self.known = {}
            self.reported_at = None
        self.known = {
            name: value for name, value in self.known.items() if name != CHARGE
        }
        self.is_stop_unexplained = False
        self.is_first_after_downtime = True


class Watch:
    """Compare what was fired for a car with what its readings showed.

    It is not known which reading was the last before Home Assistant stopped. So all
    candidates are tracked, as long as the fired events agree with them.
    """

    def __init__(self) -> None:
        """Start before the first reading."""
        self.fired: list[str] = []
        self.readings: list[tuple[float, Mapping[str, Any]]] = []
        """When each document was served since the last start, and the document."""

        self._truths = [Truth()]

    def close(self, certain_until: float, *, is_too_long: bool = False) -> Comparison:
        """Compare at the end of a run; readings served after `certain_until` may be lost."""
        ends = [
            end for truth in self._truths for end in self._ends(truth, certain_until)
        ]
        best = min(
            (_compare(events, self.fired) for _, events in ends),
            key=lambda comparison: comparison.errors,
        )
        truths: list[Truth] = []
        for truth, events in ends:
            if _compare(events, self.fired).errors == best.errors:
                truth.interrupt(is_too_long=is_too_long)
                if truth not in truths:
                    truths.append(truth)
        self._truths = truths
        self.fired, self.readings = [], []
        return best

    def _ends(
        self, start: Truth, certain_until: float
    ) -> list[tuple[Truth, list[str]]]:
        """Return how the run may have ended, and the events that it showed until then."""
        truth, events = copy(start), list[str]()
        ends: list[tuple[Truth, list[str]]] = []
        for at, document in self.readings:
            if at > certain_until and (not ends or ends[-1][0] != truth):
                ends.append((copy(truth), list(events)))
            events += truth.read(document)
        return [*ends, (truth, events)]


@dataclass(frozen=True)
class Comparison:
    """The events that the readings showed, those that were fired, and what is wrong."""

    shown: Sequence[str]
    fired: Sequence[str]
    matched: int

    @property
    def errors(self) -> int:
        """Return how many events are false or missed."""
        return len(self.shown) + len(self.fired) - 2 * self.matched

    @property
    def counts(self) -> Counter[str]:
        """Return the numbers."""
        return Counter(
            {
                "events": len(self.shown),
                "told afterwards": sum(MISSED in event for event in self.shown),
                "fired": len(self.fired),
                "false": len(self.fired) - self.matched,
                "missed": len(self.shown) - self.matched,
            }
        )


def _compare(shown: Sequence[str], fired: Sequence[str]) -> Comparison:
    """Count how many of one are found in the other, in the same order."""
    matcher = SequenceMatcher(a=shown, b=fired, autojunk=False)
    matched = sum(block.size for block in matcher.get_matching_blocks())
    return Comparison(shown, fired, matched)
