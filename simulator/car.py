"""A vehicle of the API: its document, Podero's commands, and controls for tests and demo."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from .account import Account
from .actions import ALL_PARAMETERS, INFORMATION, REAUTHENTICATE, Action
from .document import build_document
from .habits import Habits, Model
from .history import make_session
from .living import LivingCar, World
from .policy import WeeklyPolicy
from .preferences import POLICY_FIELDS
from .sessions import Session


class BoostRefusedError(Exception):
    """A boost is refused; the message is the API's reason."""


class _Absent:
    """Marks a property that is omitted from the document."""


ABSENT = _Absent()
_NOTHING = object()


class Car(LivingCar):
    """A vehicle of the API."""

    def __init__(
        self,
        vehicle_id: str,
        model: Model,
        habits: Habits,
        world: World,
        owner: Account,
        *,
        battery_level: int,
        is_plugged_in: bool,
        history_days: int,
    ) -> None:
        """Create a car."""
        super().__init__(
            vehicle_id,
            model,
            habits,
            world,
            owner,
            battery_level=battery_level,
            is_plugged_in=is_plugged_in,
            history_days=history_days,
        )
        self.lag: float = 0
        """How many readings are stale after a write: they still have the old value."""
        self.lists_sessions_by: Literal["plug_in_time", "unplug_time"] = "plug_in_time"
        """Which time of a session the query of the list is compared with."""
        self._late: list[tuple[float, dict[str, Any]]] = []
        self._replacement: Any = _NOTHING

    @property
    def name(self) -> str:
        """Return manufacturer and model."""
        return f"{self.model.manufacturer} {self.model.model}"

    @property
    def is_deleted(self) -> bool:
        """Return whether it was deleted."""
        return self.life.deleted_at is not None

    def document(self) -> Any:
        """Return the document as served: an object, unless a test replaced it."""
        now = self.catch_up()
        if self._replacement is not _NOTHING:
            return self._replacement
        document = build_document(self, now) | self.life.overrides
        for name in self.life.removed:
            document.pop(name, None)
        return document

    def read(self) -> Any:
        """Return the document for a client, and count the reading for pending writes."""
        document = self.document()
        late, self._late = self._late, []
        for lag, fields in late:
            if lag > 1:
                self._late.append((lag - 1, fields))
            else:
                self._write(fields)
        return document

    # What people do with a car, reported at once, so that a demo need not wait.

    def plug_in(self, *, at_home: bool = True) -> None:
        """Plug it in, at home or at its current location."""
        now = self.catch_up()
        self._disconnect(now)
        if at_home:
            self.life.trip = None
        self._connect(now, is_at_home=at_home)
        self._report(now)

    def unplug(self) -> None:
        """Unplug it."""
        now = self.catch_up()
        self._disconnect(now)
        self._report(now)

    def drive(self) -> None:
        """Start a trip, from which it returns later."""
        now = self.catch_up()
        self._start_trip(now)
        self._report(now)

    def start_charging(self) -> None:
        """Plug it in if necessary, and charge. Raises ValueError if it is full."""
        if self.is_full:
            raise ValueError("it is full")
        if self.life.session is None:
            self.plug_in()
        now = self.catch_up()
        self.life.wanted_by_hand = True
        self._begin_charging(now)
        self._report(now)

    def stop_charging(self) -> None:
        """Stop charging until it is plugged in again or commanded to charge."""
        now = self.catch_up()
        self.life.wanted_by_hand = False
        self.life.is_charging = False
        self._end_boost(now, "stopped")
        self._report(now)

    def fill_up(self) -> None:
        """Set the battery to its charge limit, plugged in."""
        if self.life.session is None:
            self.plug_in()
        now = self.catch_up()
        self.life.energy_kwh = self.model.limit_kwh
        self.life.is_charging = False
        self._end_boost(now, "fully_charged")
        self._report(now)

    def set_battery_level(self, percent: int) -> None:
        """Set the level of the battery itself, not only of the document."""
        now = self.catch_up()
        self.life.energy_kwh = self.model.capacity_kwh * percent / 100
        self._report(now)

    def delete(self) -> None:
        """Delete it, as the owner can in Podero's app."""
        self.life.deleted_at = self.life.updated_at = self.catch_up()

    # What Podero does with a car.

    def boost(self) -> None:
        """Start "charge now", or arm it while unplugged. Raises BoostRefusedError."""
        now = self.catch_up()
        boost = self.life.boost
        if not self.life.is_authenticated:
            raise BoostRefusedError("internal_error")
        if self.is_full:
            raise BoostRefusedError("fully_charged")
        if self.life.session is None:
            boost.is_armed = True
        elif not self.life.session.is_at_home:
            raise BoostRefusedError("no_active_session")
        elif self.life.is_charging or boost.requested_at is not None:
            raise BoostRefusedError("already_charging")
        else:
            boost.requested_at = now
        self.life.updated_at = now

    def disarm_boost(self) -> None:
        """Disarm the boost of the next session."""
        self.life.boost.is_armed = False
        self.life.updated_at = self.catch_up()

    def write_preferences(self, fields: dict[str, Any]) -> None:
        """Change preferences that `parse_preferences` returned, after `lag` readings."""
        if self.lag:
            self._late.append((self.lag, fields))
        else:
            self._write(fields)

    def _write(self, fields: dict[str, Any]) -> None:
        now = self.catch_up()
        for name, value in fields.items():
            setattr(self.life.preferences, name, value)
            # A written value replaces a test's override.
            self._drop_override(name)
        if POLICY_FIELDS & fields.keys():
            self.life.policy_updated_at = now
            self._update_deadline(now)
        if (
            self.is_paused(now)
            and self.life.is_charging
            and not self.life.boost.is_ongoing
        ):
            self.life.is_charging = False
            self.life.wanted_by_hand = None
            self._report(now)
        self.life.updated_at = now

    # Charging sessions.

    @property
    def current_session(self) -> Session | None:
        """Return the running session."""
        self.catch_up()
        return self.life.session

    @property
    def sessions(self) -> list[Session]:
        """Return all sessions, the latest first."""
        self.catch_up()
        return self.life.sessions[::-1]

    def current_session_document(self) -> dict[str, Any] | None:
        """Return the running session as the API serves it, with the plan."""
        now = self.catch_up()
        if (session := self.life.session) is None:
            return None
        self._update_savings(session)
        return session.document(self.plan(now))

    def completed_sessions(
        self, first: date = date.min, last: date = date.max
    ) -> list[Session]:
        """Return the completed sessions of some UTC days, the latest first."""
        return [
            session
            for session in self.sessions
            if session.is_completed and first <= self._day_of(session) <= last
        ]

    def _day_of(self, session: Session) -> date:
        # The guide does not say which of the two counts.
        at = session.plug_in_time
        if self.lists_sessions_by == "unplug_time" and session.unplug_time is not None:
            at = session.unplug_time
        return at.astimezone(UTC).date()

    def correct_session(self, session: Session, **properties: Any) -> None:
        """Serve these properties of a session instead of the true ones from now on."""
        session.corrections |= properties

    def delete_session(self, session: Session) -> None:
        """Delete a completed session. Raises ValueError if it is running."""
        if not session.is_completed:
            raise ValueError("the session is running")
        self.life.sessions.remove(session)

    def add_away_session(
        self, energy_kwh: float, *, hours_ago: float = 4, hours: float = 2
    ) -> Session:
        """Add a completed session away from home, which began some hours ago.

        It changes nothing else about the car.
        """
        plugged_in_at = self.catch_up() - timedelta(hours=hours_ago)
        session = make_session(
            self._seed,
            self.model,
            self.world.prices,
            energy_kwh,
            plugged_in_at=plugged_in_at,
            begins_at=plugged_in_at,
            unplugged_at=plugged_in_at + timedelta(hours=hours),
            is_at_home=False,
        )
        self.life.sessions.append(session)
        self.life.sessions.sort(key=lambda session: session.plug_in_time)
        return session

    # The weekly charge policy.

    def policy_document(self) -> dict[str, Any]:
        """Return the weekly charge policy as the API serves it."""
        life = self.life
        return life.policy.document(life.preferences, self.world.zone)

    def set_day_policy(
        self, weekday: str, charge_percentage: int, charge_deadline: str | None
    ) -> None:
        """Give a weekday ("mon" to "sun") a policy of its own. Raises ValueError."""
        self.life.policy.set_day(weekday, charge_percentage, charge_deadline)
        self._note_policy_change()

    def set_policy_zone(self, timezone: str | None) -> None:
        """Set the time zone of the deadlines (None: the home's). Raises ValueError."""
        self.life.policy.set_zone(timezone)
        self._note_policy_change()

    def clear_policy(self) -> None:
        """Let all weekdays follow the preferences, in the home's time zone."""
        self.life.policy = WeeklyPolicy()
        self._note_policy_change()

    def _note_policy_change(self) -> None:
        now = self.catch_up()
        self.life.policy_updated_at = self.life.updated_at = now
        self._update_deadline(now)

    # Actions.

    def raise_reauthenticate(
        self,
        required_parameters: tuple[str, ...] = ALL_PARAMETERS,
        *,
        url: str | None = None,
    ) -> Action:
        """Raise a `reauthenticate` action: the sign-in to the car maker has expired."""
        action = self._raise(REAUTHENTICATE, required_parameters, url=url)
        self.life.is_authenticated = False
        return action

    def raise_message(self, text: str, *, url: str | None = None) -> Action:
        """Raise an `information` action: a message for the user."""
        return self._raise(INFORMATION, (), message=text, url=url)

    def raise_unknown_action(self, code: str, *, url: str | None = None) -> Action:
        """Raise an action with a code that no client knows."""
        return self._raise(code, (), url=url)

    def find_action(self, action_id: str) -> Action | None:
        """Return an open action by its id."""
        return next(
            (action for action in self.life.actions if action.id == action_id), None
        )

    def resolve(self, action: Action) -> None:
        """Close an action."""
        now = self.catch_up()
        self.life.actions.remove(action)
        self.life.updated_at = now
        if action.code == REAUTHENTICATE and not self._lacks_authentication():
            self.life.is_authenticated = True
            self._report(now)

    def clear_actions(self) -> None:
        """Close all actions."""
        for action in list(self.life.actions):
            self.resolve(action)

    def _lacks_authentication(self) -> bool:
        return any(action.code == REAUTHENTICATE for action in self.life.actions)

    def _raise(
        self,
        code: str,
        required_parameters: tuple[str, ...],
        *,
        message: str | None = None,
        url: str | None = None,
    ) -> Action:
        now = self.catch_up()
        self.life.actions_raised += 1
        action = Action(
            id=str(
                uuid5(NAMESPACE_URL, f"{self.id}/actions/{self.life.actions_raised}")
            ),
            code=code,
            sent_at=now,
            required_parameters=list(required_parameters),
            message=message,
            url=url,
        )
        self.life.actions.append(action)
        self.life.updated_at = now
        return action

    # How tests change the document.

    def override(self, **properties: Any) -> None:
        """Serve these values instead of the true ones; ABSENT omits a property."""
        for name, value in properties.items():
            self._drop_override(name)
            if value is ABSENT:
                self.life.removed.append(name)
            else:
                self.life.overrides[name] = value

    def clear_overrides(self, *names: str) -> None:
        """Serve the true values again, of these properties or of all."""
        self._replacement = _NOTHING
        for name in names or (*self.life.overrides, *self.life.removed):
            self._drop_override(name)

    def replace_document(self, document: Any) -> None:
        """Serve any JSON value instead of the document, until clear_overrides."""
        self._replacement = document

    def _drop_override(self, name: str) -> None:
        self.life.overrides.pop(name, None)
        if name in self.life.removed:
            self.life.removed.remove(name)

    def advance(self, since: datetime, until: datetime) -> None:
        """Simulate a span of time that was skipped."""
        self.live(until, None if self.world.clock.runs else since)
