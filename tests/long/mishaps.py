"""Random faults of a cloud, and random use of its cars."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from simulator import Car, Simulator
from simulator.car import BoostRefusedError

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
    {"body": b'{"error": {"code": "maintenance"}}'},
    {"reset": True},
    {"truncate_at": 100},
)


class Mishaps:
    """Random events, the same ones for the same seed."""

    def __init__(self, simulator: Simulator, seed: int) -> None:
        """Use a simulator and its cars."""
        self.counts: Counter[str] = Counter()
        self._simulator = simulator
        self._random = Random(seed)
        self._hidden: dict[str, int] = {}

    def minute(self) -> None:
        """Simulate a minute."""
        if self._happens(4):
            self._add_fault("outages", **self._random.choice(OUTAGES))
        if self._happens(6):
            # Some are within the client's timeout, some beyond.
            self._add_fault("slow answers", delay=self._random.choice((0.05, 0.2, 1.5)))
        if self._happens(1):
            self._simulator.revoke_tokens(refresh_tokens=self._random.random() < 0.5)
            self.counts["tokens revoked"] += 1
        for car in self._simulator.vehicles:
            self._hide_values(car)
            self._use(car)

    def _happens(self, times_a_day: float) -> bool:
        return self._random.random() < times_a_day / MINUTES_A_DAY

    def _add_fault(self, name: str, **options: Any) -> None:
        count = self._random.choice((1, 2, 5, 20, 60)) if name == "outages" else 2
        self._simulator.add_fault(kind="vehicle", count=count, **options)
        self.counts[name] += 1

    def _hide_values(self, car: Car) -> None:
        """Serve some fields as unknown for a while."""
        if car.id in self._hidden:
            self._hidden[car.id] -= 1
            if not self._hidden[car.id]:
                del self._hidden[car.id]
                car.clear_overrides()
        elif self._happens(2):
            names = ("is_plugged_in", "is_charging", "is_fully_charged")
            hidden = self._random.sample(names, self._random.randint(1, 3))
            car.override(**dict.fromkeys(hidden))
            self._hidden[car.id] = self._random.choice((1, 10, 120))
            self.counts["values unknown"] += 1

    def _use(self, car: Car) -> None:
        """Use a car, or send a command to Podero."""
        if not self._happens(6):
            return
        match self._random.choice(
            ("stop", "start", "boost", "pause", "smart", "plug", "unplug", "heat")
        ):
            case "stop":
                car.stop_charging()
            case "start" if not car.is_full:
                car.start_charging()
            case "boost":
                with suppress(BoostRefusedError):
                    car.boost()
            case "pause":
                until = self._simulator.clock.now() + timedelta(hours=2)
                car.write_preferences({"pause_power_until": until})
            case "smart":
                is_on = self._random.random() < 0.5
                car.write_preferences({"is_smart_optimization_active": is_on})
            case "plug":
                car.plug_in()
            case "unplug":
                car.unplug()
            case "heat" if car.is_full:
                # It charges again, and gets full a second time.
                car.set_battery_level(car.battery_level - 1)
        self.counts["actions"] += 1
