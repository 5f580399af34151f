"""The event entity, from two consecutive readings."""

from collections.abc import Callable, Iterator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    mock_restore_cache_with_extra_data,
)

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, State

from .home import Home
from simulator import ABSENT, Car

pytestmark = pytest.mark.usefixtures("without_retry_delay")

CHARGING = "event.car_1_charging_event"


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
                # A known timestamp is the same event, shown again.
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
    home: Home,
    seen: Callable[[], list[str]],
    steps: list[Callable[[Car], None]],
    expected: list[str],
) -> None:
    """Each change fires one event, in the order in which it can have happened."""
    first, *rest = steps
    home.car.life.preferences.is_smart_optimization_active = False
    first(home.car)
    await home.set_up()
    assert home.state(CHARGING) == STATE_UNKNOWN, "the first reading tells of nothing"
    for step in rest:
        step(home.car)
        await home.refresh()
    assert seen() == expected
    await home.refresh()
    assert seen() == []


async def test_outage(home: Home, seen: Callable[[], list[str]]) -> None:
    """An outage neither invents an event nor loses one."""
    car = home.car
    await home.set_up()

    home.simulator.add_fault(kind="vehicle", status=503)
    await home.refresh()
    assert home.state(CHARGING) == STATE_UNAVAILABLE
    home.simulator.clear_faults()
    await home.refresh()
    assert seen() == []

    home.simulator.add_fault(kind="vehicle", status=503)
    await home.refresh()
    car.unplug()
    await home.refresh()
    home.simulator.clear_faults()
    await home.refresh()
    assert seen() == ["unplugged"]


@pytest.mark.parametrize("value", [None, ABSENT, "yes", 1])
async def test_value_not_known(
    home: Home, seen: Callable[[], list[str]], value: object
) -> None:
    """A reading with an unknown value is skipped."""
    car = home.car
    await home.set_up()
    for name in ("is_plugged_in", "is_charging", "is_fully_charged"):
        car.override(**{name: value})
    await home.refresh()
    car.clear_overrides()
    await home.refresh()
    assert seen() == []

    car.override(is_plugged_in=value)
    await home.refresh()
    car.unplug()
    await home.refresh()
    assert seen() == []
    car.clear_overrides()
    await home.refresh()
    assert seen() == ["unplugged"]


async def test_not_known_at_first(home: Home, seen: Callable[[], list[str]]) -> None:
    """The first known value fires no event, however late it comes."""
    car = home.car
    car.start_charging()
    car.override(is_plugged_in=None, is_charging=None, is_fully_charged=None)
    await home.set_up()
    car.clear_overrides()
    await home.refresh()
    assert seen() == []


async def test_restart(
    home: Home, freezer: FrozenDateTimeFactory, seen: Callable[[], list[str]]
) -> None:
    """After a restart the last event is restored, and a missed one is fired."""
    moment = "2026-11-02T18:00:00.000+00:00"
    mock_restore_cache_with_extra_data(
        home.hass,
        [
            (
                State(CHARGING, moment, {"event_type": "plugged_in"}),
                {"last_event_type": "plugged_in", "last_event_attributes": {}},
            )
        ],
    )
    await home.set_up()
    state = home.get_state(CHARGING)
    assert state.state == moment
    assert state.attributes["event_type"] == "plugged_in"
    assert seen() == ["plugged_in"]

    freezer.tick(60)
    home.car.unplug()
    await home.reload()
    await home.hass.async_block_till_done()
    assert seen() == ["unplugged"]
    state = home.get_state(CHARGING)
    assert state.attributes["missed"] is True
    await home.refresh()
    assert seen() == []


async def test_writes_only_what_is_new(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    """A poll without an event does not write the entity."""
    await home.set_up()
    state = home.get_state(CHARGING)
    freezer.tick(60)
    await home.refresh()
    again = home.get_state(CHARGING)
    assert again.last_reported == state.last_reported


async def test_cars_apart(home: Home) -> None:
    """The event of one car does not affect the other's entity."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    home.simulator.vehicles[1].plug_in()
    await home.refresh()
    states = [
        home.hass.states.get(f"event.car_{number}_charging_event") for number in (1, 2)
    ]
    assert [state and state.attributes["event_type"] for state in states] == [
        None,
        "plugged_in",
    ]
