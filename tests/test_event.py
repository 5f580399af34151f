"""What happened to the car, told once and only when two readings show it."""

from collections.abc import Callable, Iterator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    mock_restore_cache_with_extra_data,
)

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, State

from .conftest import Refresh, SetUp, account_entry
from simulator import ABSENT, Car, Server, Simulator

CHARGING = "event.car_1_charging_event"


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.podero.coordinator.RETRY_DELAY", 0)


@pytest.fixture
def seen(hass: HomeAssistant) -> Callable[[], list[str]]:
    """Return the events seen since the last call."""
    changes: list[Event] = async_capture_events(hass, EVENT_STATE_CHANGED)
    shown = {STATE_UNAVAILABLE, STATE_UNKNOWN}

    def events() -> Iterator[str]:
        for change in changes:
            state: State | None = change.data["new_state"]
            if change.data["entity_id"] != CHARGING or state is None:
                continue
            if state.state not in shown:
                # A moment that was shown before is the same event, shown again.
                shown.add(state.state)
                yield state.attributes["event_type"]
        changes.clear()

    return lambda: list(events())


def leave(car: Car) -> None:
    car.unplug()


def stand_idle(car: Car) -> None:
    car.plug_in()


def charge(car: Car) -> None:
    car.start_charging()


def be_full(car: Car) -> None:
    car.fill_up()


def be_stopped(car: Car) -> None:
    car.stop_charging()


def be_paused(car: Car) -> None:
    car.stop_charging()
    car.override(is_pause_power_active=True)


def be_unclear(car: Car) -> None:
    """Stand still without a word on why."""
    car.stop_charging()
    car.override(is_fully_charged=None)


def be_stopped_perhaps_paused(car: Car) -> None:
    """Stand still without a word on whether somebody wanted that."""
    car.stop_charging()
    car.override(is_pause_power_active=None)


def be_clear(car: Car) -> None:
    car.clear_overrides()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([leave, stand_idle], ["plugged_in"]),
        ([stand_idle, leave], ["unplugged"]),
        ([stand_idle, charge], ["charging_started"]),
        ([leave, charge], ["plugged_in", "charging_started"]),
        ([charge, be_full], ["charging_stopped", "fully_charged"]),
        ([stand_idle, be_full], ["fully_charged"]),
        ([charge, be_stopped], ["charging_stopped", "charging_interrupted"]),
        ([charge, be_paused], ["charging_stopped"]),
        ([charge, leave], ["charging_stopped", "unplugged"]),
        (
            [charge, be_stopped, charge],
            [
                "charging_stopped",
                "charging_interrupted",
                "charging_started",
            ],
        ),
        ([charge, be_unclear, be_clear], ["charging_stopped", "charging_interrupted"]),
        (
            [charge, be_unclear, be_full, be_clear],
            ["charging_stopped", "fully_charged"],
        ),
        (
            [charge, be_unclear, charge, be_clear],
            [
                "charging_stopped",
                "charging_started",
            ],
        ),
        (
            [charge, be_stopped_perhaps_paused, be_clear],
            ["charging_stopped", "charging_interrupted"],
        ),
        ([charge, be_stopped_perhaps_paused, be_paused], ["charging_stopped"]),
        # Whatever kept it from charging, it was taken from the plug meanwhile.
        (
            [charge, be_unclear, leave, stand_idle, be_clear],
            ["charging_stopped", "unplugged", "plugged_in"],
        ),
        # An interruption is told once, whatever the car does at the plug then.
        (
            [charge, be_stopped, be_unclear, be_clear, be_paused, be_clear],
            ["charging_stopped", "charging_interrupted"],
        ),
        ([charge, charge], []),
        ([leave, leave], []),
    ],
)
async def test_events(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    seen: Callable[[], list[str]],
    steps: list[Callable[[Car], None]],
    expected: list[str],
) -> None:
    """Each change is told once, in the order in which it can have come about."""
    first, *rest = steps
    simulator.vehicles[0].life.preferences.is_smart_optimization_active = False
    first(simulator.vehicles[0])
    await set_up(entry)
    state = hass.states.get(CHARGING)
    assert state is not None
    assert state.state == STATE_UNKNOWN, "the first reading tells of nothing"
    for step in rest:
        step(simulator.vehicles[0])
        await refresh(entry)
    assert seen() == expected
    await refresh(entry)
    assert seen() == []


async def test_outage(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    seen: Callable[[], list[str]],
) -> None:
    """An outage neither invents an event nor loses one."""
    car = simulator.vehicles[0]
    await set_up(entry)

    simulator.add_fault(kind="vehicle", status=503)
    await refresh(entry)
    state = hass.states.get(CHARGING)
    assert state is not None
    assert state.state == STATE_UNAVAILABLE
    simulator.clear_faults()
    await refresh(entry)
    assert seen() == []

    simulator.add_fault(kind="vehicle", status=503)
    await refresh(entry)
    car.unplug()
    await refresh(entry)
    simulator.clear_faults()
    await refresh(entry)
    assert seen() == ["unplugged"]


@pytest.mark.parametrize("value", [None, ABSENT, "yes", 1])
async def test_value_not_known(
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    seen: Callable[[], list[str]],
    value: object,
) -> None:
    """A reading that does not know is passed over."""
    car = simulator.vehicles[0]
    await set_up(entry)
    for name in ("is_plugged_in", "is_charging", "is_fully_charged"):
        car.override(**{name: value})
    await refresh(entry)
    car.clear_overrides()
    await refresh(entry)
    assert seen() == []

    car.override(is_plugged_in=value)
    await refresh(entry)
    car.unplug()
    await refresh(entry)
    assert seen() == []
    car.clear_overrides()
    await refresh(entry)
    assert seen() == ["unplugged"]


async def test_not_known_at_first(
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    seen: Callable[[], list[str]],
) -> None:
    """The first value that is known tells of nothing, however late it comes."""
    car = simulator.vehicles[0]
    car.start_charging()
    car.override(is_plugged_in=None, is_charging=None, is_fully_charged=None)
    await set_up(entry)
    car.clear_overrides()
    await refresh(entry)
    assert seen() == []


async def test_restart(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
    seen: Callable[[], list[str]],
) -> None:
    """After a restart the last event is shown again and is no news; what was missed is."""
    moment = "2026-11-02T18:00:00.000+00:00"
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State(CHARGING, moment, {"event_type": "plugged_in"}),
                {"last_event_type": "plugged_in", "last_event_attributes": {}},
            )
        ],
    )
    await set_up(entry)
    state = hass.states.get(CHARGING)
    assert state is not None
    assert state.state == moment
    assert state.attributes["event_type"] == "plugged_in"
    assert seen() == ["plugged_in"]

    freezer.tick(60)
    simulator.vehicles[0].unplug()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert seen() == ["unplugged"]
    state = hass.states.get(CHARGING)
    assert state is not None
    assert state.attributes["missed"] is True
    await refresh(entry)
    assert seen() == []


async def test_writes_only_what_is_new(
    hass: HomeAssistant,
    simulator: Simulator,
    entry: MockConfigEntry,
    set_up: SetUp,
    refresh: Refresh,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A poll that tells of nothing does not touch the entity."""
    await set_up(entry)
    state = hass.states.get(CHARGING)
    assert state is not None
    freezer.tick(60)
    await refresh(entry)
    again = hass.states.get(CHARGING)
    assert again is not None
    assert again.last_reported == state.last_reported


async def test_cars_apart(
    hass: HomeAssistant,
    server: Server,
    simulator: Simulator,
    set_up: SetUp,
    refresh: Refresh,
) -> None:
    """What happens to one car is not told of the other."""
    entry = account_entry(server, 0, 1)
    await set_up(entry)
    simulator.vehicles[1].plug_in()
    await refresh(entry)
    states = [
        hass.states.get(f"event.car_{number}_charging_event") for number in (1, 2)
    ]
    assert [state and state.attributes["event_type"] for state in states] == [
        None,
        "plugged_in",
    ]
