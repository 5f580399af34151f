"""Events missed while not loaded are fired once; a restart repeats none."""

from collections.abc import Callable
from datetime import timedelta
from errno import EACCES
import json
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.core import CoreState, ServiceCall, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.storage import Store

from .automations import listen
from .home import Home
from .support import complaints

pytestmark = pytest.mark.usefixtures("without_retry_delay")

type Told = Callable[[], list[tuple[str, bool]]]

HOUR = timedelta(hours=1)


@pytest.fixture
def told(runs: list[ServiceCall]) -> Told:
    """Return the events since the last call, and whether each was missed."""

    def _told() -> list[tuple[str, bool]]:
        seen = [(run.data["event"], run.data["missed"]) for run in runs]
        runs.clear()
        return seen

    return _told


async def _reload(home: Home) -> None:
    await home.reload()
    await home.hass.async_block_till_done()


async def _be_away(
    home: Home,
    freezer: FrozenDateTimeFactory,
    *steps: str,
    absence: timedelta = HOUR,
) -> None:
    """Unload the account, let the car take some steps, and set it up again."""
    await home.unload()
    freezer.tick(absence)
    for step in steps:
        getattr(home.car, step)()
    await home.load()
    await home.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("before", "steps", "expected"),
    [
        ("plug_in", ["unplug"], ["unplugged"]),
        ("unplug", ["plug_in"], ["plugged_in"]),
        ("plug_in", ["fill_up"], ["fully_charged"]),
        ("unplug", ["plug_in", "fill_up"], ["plugged_in", "fully_charged"]),
        ("plug_in", ["start_charging"], []),
        ("start_charging", ["stop_charging"], []),
        ("plug_in", [], []),
    ],
)
async def test_missed(
    home: Home,
    freezer: FrozenDateTimeFactory,
    told: Told,
    before: str,
    steps: list[str],
    expected: list[str],
) -> None:
    """A missed event that still matters is fired once and marked as missed."""
    getattr(home.car, before)()
    await home.set_up()
    await listen(home)
    await _be_away(home, freezer, *steps)
    assert told() == [(event, True) for event in expected]
    await _reload(home)
    freezer.tick(HOUR)
    await _reload(home)
    assert told() == []


async def test_too_late(home: Home, freezer: FrozenDateTimeFactory, told: Told) -> None:
    """An event older than twelve hours is not fired."""
    await home.set_up()
    await listen(home)
    await _be_away(home, freezer, "unplug", absence=13 * HOUR)
    assert told() == []


async def test_told_after_the_start(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """Missed events are fired when Home Assistant has started and automations listen."""
    car = home.car
    await home.set_up()
    await listen(home)
    await home.unload()
    home.hass.set_state(CoreState.starting)
    freezer.tick(HOUR)
    car.unplug()
    await home.load()
    freezer.tick(HOUR)
    car.plug_in()
    await home.refresh()
    assert told() == []
    await home.finish_start()
    assert told() == [("unplugged", True), ("plugged_in", False)]


async def test_reloaded_before_the_start(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """A reload loses none of the events that are fired after the start."""
    await home.set_up()
    await listen(home)
    await home.unload()
    home.hass.set_state(CoreState.starting)
    freezer.tick(HOUR)
    home.car.unplug()
    await home.load()
    for _ in range(2):
        await _reload(home)
    assert told() == []
    await home.finish_start()
    assert told() == [("unplugged", True)]
    await _reload(home)
    assert told() == []


async def test_reloaded_as_a_poll_ends(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """A reload between a reading and its event neither loses nor repeats the event."""
    await home.set_up()
    await listen(home)
    freezer.tick(HOUR)
    home.car.unplug()
    coordinator = home.coordinator()

    @callback
    def reload() -> None:
        # The entities are updated before the events are fired.
        home.hass.async_create_task(home.reload())

    coordinator.async_add_listener(reload)
    await coordinator.async_refresh()
    await home.settle()
    assert told() == [("unplugged", False)]
    await _reload(home)
    assert told() == []


@pytest.mark.parametrize("reloads", [1, 2])
async def test_an_old_document_after_a_reload(
    home: Home, freezer: FrozenDateTimeFactory, told: Told, reloads: int
) -> None:
    """A server that lags behind does not make an event fire twice, or hides one."""
    car = home.car
    await home.set_up()
    await listen(home)
    old = car.document()
    freezer.tick(HOUR)
    car.unplug()
    await home.refresh()
    assert told() == [("unplugged", False)]
    car.replace_document(old)
    for _ in range(reloads):
        await _reload(home)
    car.clear_overrides()
    await home.refresh()
    assert told() == []
    car.replace_document(old)
    await _reload(home)
    car.clear_overrides()
    freezer.tick(HOUR)
    car.plug_in()
    await home.refresh()
    assert told() == [("plugged_in", True)]


@pytest.mark.parametrize("is_moving", [True, False])
async def test_a_clock_that_was_set_back(
    home: Home, freezer: FrozenDateTimeFactory, told: Told, is_moving: bool
) -> None:
    """Events are derived again from the third older reading on, even of one document."""
    car = home.car
    await home.set_up()
    await listen(home)
    await home.unload()
    for number in range(5):
        minute = number if is_moving or number == 4 else 0
        moment = f"2001-01-01T10:0{minute}:00Z"
        car.override(
            updated_at=moment,
            current_state_last_updated_at=moment,
            is_plugged_in=number < 4,
        )
        await (home.refresh() if number else home.load())
    assert told() == [("unplugged", False)]


async def test_a_time_that_is_known_again(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """A reading is not stale because the car reported before the service wrote it."""
    car = home.car
    car.override(
        is_charging=False,
        updated_at="2999-11-20T11:59:00Z",
        current_state_last_updated_at=None,
    )
    await home.set_up()
    await listen(home)
    car.override(current_state_last_updated_at="2999-11-20T11:50:00Z")
    await _reload(home)
    car.override(is_charging=True, updated_at="2999-11-20T12:10:00Z")
    await home.refresh()
    assert told() == [("charging_started", False)]


async def test_another_car_is_added(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """The reload for an added car loses no event."""
    await home.set_up()
    await listen(home)
    freezer.tick(HOUR)
    home.car.unplug()
    home.add_vehicle(1)
    await home.hass.async_block_till_done()
    assert told() == [("unplugged", True)]


async def test_while_the_account_waited_for_a_sign_in(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """A missed event is fired although the account waited hours for a sign-in."""
    await home.set_up()
    await listen(home)
    account = home.simulator.account
    password, account.password = account.password, "changed"
    home.simulator.revoke_tokens()
    await home.refresh()
    assert home.reauth_flows()
    freezer.tick(3 * HOUR)
    home.car.unplug()
    account.password = password
    await _reload(home)
    assert told() == [("unplugged", True)]


async def test_full_is_told_once_a_night(
    home: Home, freezer: FrozenDateTimeFactory, told: Told
) -> None:
    """A level that alternates between 99 and 100 fires one event, also across a reload."""
    car = home.car
    car.plug_in()
    await home.set_up()
    await listen(home)
    for number, is_full in enumerate((True, False, True, False, True)):
        freezer.tick(HOUR)
        car.override(
            is_fully_charged=is_full,
            battery_level=100 if is_full else 99,
            is_charging=False,
        )
        await home.refresh()
        if number == 2:
            await _reload(home)
    assert [event for event, _ in told()] == ["fully_charged"]


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"version": 1, "minor_version": 1, "data": {}},
        {"version": 1, "minor_version": 1, "data": {"written_at": 5}},
        {"version": 99, "minor_version": 1, "data": {}},
        {
            "version": 1,
            "minor_version": 1,
            "data": {
                "is_plugged_in": False,
                "is_fully_charged": 7,
                "battery_at_plug_in": [],
                "reported_at": "2026-01-01",
                "has_been_full": None,
                "written_at": "2026-01-01",
            },
        },
    ],
)
async def test_broken_file(
    home: Home,
    freezer: FrozenDateTimeFactory,
    told: Told,
    hass_storage: dict[str, Any],
    content: Any,
) -> None:
    """An unreadable file fires nothing; later events are fired as usual."""
    car = home.car
    (subentry,) = home.entry.subentries.values()
    hass_storage[f"podero.{subentry.subentry_id}.events"] = content
    await home.set_up()
    await listen(home)
    assert told() == []
    freezer.tick(HOUR)
    car.unplug()
    await home.refresh()
    assert told() == [("unplugged", False)]


async def test_it_goes_with_the_vehicle(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    """The file is removed with its vehicle, and the last one with the account."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    first, second = home.entry.subentries
    names = {f"podero.{first}.events", f"podero.{second}.events"}
    assert names <= hass_storage.keys()
    stored = json.dumps([hass_storage[name] for name in names])
    assert "latitude" not in stored
    home.remove_vehicle(0)
    await home.hass.async_block_till_done()
    assert names & hass_storage.keys() == {f"podero.{second}.events"}
    await home.remove()
    assert not names & hass_storage.keys()
    assert not er.async_get(home.hass).entities


@pytest.mark.parametrize("file", ["events", "charging"])
async def test_file_that_cannot_be_deleted(
    home: Home,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    file: str,
) -> None:
    """It is logged without its path, and the others are deleted."""
    home = home.with_vehicles(0, 1)
    await home.set_up()
    kept = f"podero.{next(iter(home.entry.subentries))}.{file}"
    remove = Store.async_remove

    async def refuse(store: Store[Any]) -> None:
        if store.key == kept:
            raise PermissionError(EACCES, "Permission denied", store.path)
        await remove(store)

    with patch.object(Store, "async_remove", refuse):
        await home.remove()
    assert [key for key in hass_storage if key.startswith("podero.")] == [kept]
    assert complaints(caplog) == [
        "The stored data of a removed car could not be deleted: PermissionError"
    ]
