"""Keep what was charged between plugging in and unplugging."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .clock import iso

_EUR_PER_KWH = 0.21
_SAVED_EUR_PER_KWH = 0.055


@dataclass(slots=True)
class Session:
    """Record one time at the plug."""

    id: str
    plug_in_time: datetime
    initial_soc_pct: int
    target_soc_pct: int
    charge_deadline: str | None
    is_at_home: bool
    energy_kwh: float = 0.0
    charging_seconds: float = 0.0
    charging_started_at: datetime | None = None
    charging_ended_at: datetime | None = None
    peak_power_w: int = 0
    final_soc_pct: int | None = None
    unplug_time: datetime | None = None

    def add(
        self, energy_kwh: float, power_w: int, since: datetime, until: datetime
    ) -> None:
        """Count energy that flowed at a power in a span of time."""
        self.energy_kwh += energy_kwh
        self.charging_seconds += (until - since).total_seconds()
        self.peak_power_w = max(self.peak_power_w, power_w)
        self.charging_started_at = self.charging_started_at or since
        self.charging_ended_at = until

    def document(self) -> dict[str, Any]:
        """Return the session as the API serves it."""
        is_over = self.unplug_time is not None
        hours = self.charging_seconds / 3600
        return {
            "id": self.id,
            "plug_in_time": iso(self.plug_in_time),
            "unplug_time": iso(self.unplug_time),
            "inferred_session_end": iso(self.charging_ended_at) if is_over else None,
            "desired_charging_start_time": iso(self.charging_started_at),
            "desired_charging_end_time": iso(self.charging_ended_at),
            "charge_deadline": self.charge_deadline,
            "target_soc_pct": self.target_soc_pct,
            "initial_soc_pct": self.initial_soc_pct,
            "final_soc_pct": self.final_soc_pct,
            "energy_charged_kwh": round(self.energy_kwh, 2),
            "avg_charge_power_kw": round(self.energy_kwh / hours, 2) if hours else None,
            "peak_charge_power_kw": round(self.peak_power_w / 1000, 2)
            if hours
            else None,
            "actual_cost_eur": round(self.energy_kwh * _EUR_PER_KWH, 2)
            if is_over
            else None,
            "expected_savings_eur": round(self.energy_kwh * _SAVED_EUR_PER_KWH, 2),
            "actual_savings_eur": (
                round(self.energy_kwh * _SAVED_EUR_PER_KWH, 2) if is_over else None
            ),
            "is_at_home": self.is_at_home,
            "session_outcome": "completed" if is_over else "ongoing",
        }


@dataclass(slots=True)
class Charged:
    """Record the energy of one hour."""

    hour: datetime
    energy_kwh: float


def energy_since(log: Sequence[Charged], start: datetime) -> float:
    """Return the energy charged since a time, to the hour."""
    return sum(
        (charged.energy_kwh for charged in log if charged.hour >= start), start=0.0
    )


def log_energy(log: list[Charged], at: datetime, energy_kwh: float) -> None:
    """Add energy to the log, and forget what no window can reach anymore."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if log and log[-1].hour == hour:
        log[-1].energy_kwh += energy_kwh
        return
    log.append(Charged(hour, energy_kwh))
    while log[0].hour < hour - timedelta(days=31):
        del log[0]
