"""Charging sessions, from plugging in to unplugging."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .clock import iso


@dataclass(frozen=True, slots=True)
class Plan:
    """When a car will charge, and the expected savings."""

    starts_at: datetime
    ends_at: datetime
    expected_savings_eur: float


@dataclass(slots=True)
class Session:
    """A charging session: the time between plugging in and unplugging."""

    id: str
    plug_in_time: datetime
    initial_soc_pct: int
    target_soc_pct: int
    charge_deadline: str | None
    is_at_home: bool
    energy_kwh: float = 0.0
    cost_eur: float = 0.0
    # Compared with charging at full power from the moment of plugging in.
    savings_eur: float = 0.0
    expected_savings_eur: float | None = None
    charging_seconds: float = 0.0
    charging_started_at: datetime | None = None
    charging_ended_at: datetime | None = None
    peak_power_w: int = 0
    final_soc_pct: int | None = None
    unplug_time: datetime | None = None
    # Properties that are served instead of the true ones.
    corrections: dict[str, Any] = field(default_factory=dict)

    @property
    def is_completed(self) -> bool:
        """Return whether the car was unplugged."""
        return self.unplug_time is not None

    def add(
        self,
        energy_kwh: float,
        cost_eur: float,
        power_w: int,
        since: datetime,
        until: datetime,
    ) -> None:
        """Add energy that flowed at a power in a span of time."""
        self.energy_kwh += energy_kwh
        self.cost_eur += cost_eur
        self.charging_seconds += (until - since).total_seconds()
        self.peak_power_w = max(self.peak_power_w, power_w)
        self.charging_started_at = self.charging_started_at or since
        self.charging_ended_at = until

    def document(self, plan: Plan | None = None) -> dict[str, Any]:
        """Return the session as the API serves it, with the plan if there is one."""
        hours = self.charging_seconds / 3600
        starts_at: datetime | None = None
        ends_at: datetime | None = None
        expected_savings_eur = self.expected_savings_eur
        if plan is not None:
            starts_at, ends_at = plan.starts_at, plan.ends_at
            expected_savings_eur = plan.expected_savings_eur
        elif expected_savings_eur is not None:
            # It was charged by an earlier plan: serve the actual times.
            starts_at, ends_at = self.charging_started_at, self.charging_ended_at
        return {
            "id": self.id,
            "plug_in_time": iso(self.plug_in_time),
            "unplug_time": iso(self.unplug_time),
            "inferred_session_end": (
                iso(self.charging_ended_at) if self.is_completed else None
            ),
            "desired_charging_start_time": iso(starts_at),
            "desired_charging_end_time": iso(ends_at),
            "charge_deadline": self.charge_deadline,
            "target_soc_pct": self.target_soc_pct,
            "initial_soc_pct": self.initial_soc_pct,
            "final_soc_pct": self.final_soc_pct,
            "energy_charged_kwh": round(self.energy_kwh, 3),
            "avg_charge_power_kw": round(self.energy_kwh / hours, 2) if hours else None,
            "peak_charge_power_kw": (
                round(self.peak_power_w / 1000, 2) if hours else None
            ),
            "actual_cost_eur": round(self.cost_eur, 2),
            "expected_savings_eur": _rounded(expected_savings_eur),
            "actual_savings_eur": round(self.savings_eur, 2),
            "is_at_home": self.is_at_home,
            "session_outcome": self._outcome(),
        } | self.corrections

    def _outcome(self) -> str:
        if not self.is_completed:
            return "ongoing"
        return "completed" if self.is_at_home else "not_at_home"


@dataclass(slots=True)
class Charged:
    """The energy charged in one hour."""

    hour: datetime
    energy_kwh: float


def energy_since(log: Sequence[Charged], start: datetime) -> float:
    """Return the energy charged since a time, to the hour."""
    return sum(
        (charged.energy_kwh for charged in log if charged.hour >= start), start=0.0
    )


def log_energy(log: list[Charged], at: datetime, energy_kwh: float) -> None:
    """Add energy to the log, and drop hours that no consumption property covers."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if log and log[-1].hour == hour:
        log[-1].energy_kwh += energy_kwh
        return
    log.append(Charged(hour, energy_kwh))
    while log[0].hour < hour - timedelta(days=31):
        del log[0]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
