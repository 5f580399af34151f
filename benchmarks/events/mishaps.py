"""What goes wrong in a cloud, and what people do with their cars: at random."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

from simulator import Car, Simulator

MINUTES_A_DAY = 24 * 60

OUTAGES: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 502, "body": b"<html>Bad gateway</html>", "content_type": "text/html"},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 403},
    {"status": 404},
    {"body": b"no JSON"},
    {"body": b"[]"},
    {"reset": True},
    {"truncate_at": 100},
)


class Mishaps:
    """Let something happen now and then."""

    def __init__(self, simulator: Simulator, seed: int) -> None:
        """Be the same for the same seed."""
        self.counts: Counter[str] = Counter()
        self._simulator = simulator
        self._random = Random(seed)
        self._hidden: dict[str, int] = {}

    def minute(self) -> None:
        """Live through a minute."""
        if self._comes(4):
            self._add("outages", **self._random.choice(OUTAGES))
        if self._comes(6):
            # Late, but not too late; and too late.
            self._add("slow answers", delay=self._random.choice((0.05, 0.2, 0.8)))
        if self._comes(1):
            self._simulator.revoke_tokens(refresh_tokens=self._random.random() < 0.5)
            self.counts["tokens revoked"] += 1
        for car in self._simulator.vehicles:
            self._hide(car)
            self._handle(car)

    def _comes(self, times_a_day: float) -> bool:
        return self._random.random() < times_a_day / MINUTES_A_DAY

    def _add(self, name: str, **options: Any) -> None:
        count = self._random.choice((1, 2, 5, 20, 60)) if name == "outages" else 2
        self._simulator.add_fault(kind="vehicle", count=count, **options)
        self.counts[name] += 1

    def _hide(self, car: Car) -> None:
        """Let a field be unknown for a while."""
        if car.id in self._hidden:
            self._hidden[car.id] -= 1
            if not self._hidden[car.id]:
                del self._hidden[car.id]
                car.clear_overrides()
        elif self._comes(2):
            names = ("is_plugged_in", "is_charging", "is_fully_charged")
            hidden = self._random.sample(names, self._random.randint(1, 3))
            car.override(**dict.fromkeys(hidden))
            self._hidden[car.id] = self._random.choice((1, 10, 120))
            self.counts["values unknown"] += 1

    def _handle(self, car: Car) -> None:
        """Let a hand be laid on the car."""
        if not self._comes(3):
            return
        match self._random.choice(("stop", "start", "pause", "plug", "unplug")):
            case "stop":
                car.stop_charging()
            case "start" if not car.is_full:
                car.start_charging()
            case "pause":
                until = self._simulator.clock.now() + timedelta(hours=2)
                car.write_preferences({"pause_power_until": until})
            case "plug":
                car.plug_in()
            case "unplug":
                car.unplug()
        self.counts["hands laid on"] += 1
