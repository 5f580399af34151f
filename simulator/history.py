"""Make up the month before a car's first day, as its driver's habits would have had it."""

from datetime import UTC, datetime, time, timedelta
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from .habits import Habits, Model, plan_day
from .sessions import Charged, Session, log_energy

_DAYS = 31
_UNPLUGGED_AT = time(6, 50)
_LOWEST_LEVEL = 5


def past_month(
    seed: str, model: Model, habits: Habits, zone: ZoneInfo, until: datetime
) -> tuple[list[Session], list[Charged]]:
    """Return the sessions that were over by then, and the energy of their hours."""
    sessions: list[Session] = []
    charged: list[Charged] = []
    target = model.charge_target_max or 100
    used_kwh = 0.0
    for days_ago in range(_DAYS, 0, -1):
        day = until.astimezone(zone).date() - timedelta(days=days_ago)
        plan = plan_day(seed, habits, day, zone)
        if plan.trip is None:
            continue
        used_kwh += 2 * plan.trip.kilometers * model.kwh_per_km
        begins_at = datetime.combine(day, plan.cheap_from, zone).astimezone(UTC)
        unplugged_at = datetime.combine(
            day + timedelta(days=1), _UNPLUGGED_AT, zone
        ).astimezone(UTC)
        if not plan.trip.plugs_in or unplugged_at > until:
            continue
        used_level = round(used_kwh / model.capacity_kwh * 100)
        session = Session(
            id=str(uuid5(NAMESPACE_URL, f"{seed}/{day}")),
            plug_in_time=plan.trip.home_at,
            initial_soc_pct=max(target - used_level, _LOWEST_LEVEL),
            target_soc_pct=target,
            charge_deadline=None,
            is_at_home=True,
            final_soc_pct=target,
            unplug_time=unplugged_at,
        )
        hours = timedelta(hours=used_kwh / (model.ac_power_w / 1000))
        session.add(used_kwh, model.ac_power_w, begins_at, begins_at + hours)
        log_energy(charged, begins_at, used_kwh)
        sessions.append(session)
        used_kwh = 0.0
    return sessions, charged
