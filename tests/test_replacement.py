"""A car with a new id takes over the device, entities and history of the old one."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.util import dt as dt_util

from .charging import add_session, park, recorded, recorded_hours
from .dialogs import Person, issues, only_issue
from .home import Home, account_entry, vehicle_subentry
from .repository import read_texts
from .support import complaints
from .test_new_vehicles import only_new_car
from custom_components.podero.charging.hours import Amounts
from custom_components.podero.charging.statistics import (
    async_get_newest_hour,
    async_write_hours,
)
from custom_components.podero.const import DOMAIN
from custom_components.podero.helpers import statistics_source
from simulator import Car, Server

pytestmark = pytest.mark.usefixtures("without_retry_delay")

TEXTS = read_texts("en")["issues"]["vehicle_not_found"]["fix_flow"]
BATTERY = "sensor.car_1_battery"
DAY = timedelta(days=1)
UNKNOWN_ID = "00000000-1111-4222-8333-444444444444"


@pytest.fixture(autouse=True)
def _use_custom_integrations(
    recorder_mock: Any, enable_custom_integrations: None
) -> None:
    """Start the recorder before Home Assistant."""


@pytest.fixture
async def home(home: Home) -> Home:
    """Return a home with two cars that is set up, the first car with names and areas.

    They have not been charged.
    """
    home = home.with_vehicles(0, 1)
    for car in home.simulator.vehicles:
        park(car)
    await home.set_up()
    area = ar.async_get(home.hass).async_create("Garage")
    entities, devices = er.async_get(home.hass), dr.async_get(home.hass)
    entity = entities.async_get(BATTERY)
    assert entity is not None
    assert entity.device_id is not None
    devices.async_update_device(
        entity.device_id, name_by_user="Our car", area_id=area.id
    )
    entities.async_update_entity(BATTERY, name="Level", icon="mdi:leaf")
    entities.async_update_entity(
        "sensor.car_1_range", new_entity_id="sensor.how_far", area_id=area.id
    )
    return home


def registered(home: Home) -> list[Any]:
    """Return the registries' entities and devices of the account without vehicle ids."""
    return [
        *(
            {
                **entity.as_partial_dict,
                "unique_id": entity.unique_id.partition("_")[2],
            }
            for entity in sorted(home.entities(), key=lambda entity: entity.entity_id)
        ),
        *(
            (device.id, device.name, device.name_by_user, device.area_id)
            for device in home.devices()
        ),
    ]


async def connect_again(home: Home) -> Car:
    """Remove the first car in Podero's app, connect it again, and return it."""
    first = home.car
    first.delete()
    again = home.simulator.add_vehicle(first.model, battery_level=57)
    await home.later()
    assert only_issue(home.hass).translation_key == "vehicle_not_found"
    return again


async def begin(home: Home, person: Person) -> dict[str, Any]:
    """Select that the missing car has a new id."""
    step = await person.open(only_issue(home.hass).issue_id)
    assert step["menu_options"] == ["replace", "remove", "keep"]
    return await person.submit(step, next_step_id="replace")


def options(step: Mapping[str, Any]) -> list[str]:
    """Return the names of the cars that can be chosen."""
    (vehicle,) = step["data_schema"]
    return [option["label"] for option in vehicle["selector"]["select"]["options"]]


def suggested(step: Mapping[str, Any]) -> str | None:
    """Return the id of the car that is selected when the form opens."""
    (vehicle,) = step["data_schema"]
    # The frontend selects the first option of a required field.
    assert not vehicle["required"]
    suggestion: str | None = vehicle.get("description", {}).get("suggested_value")
    return suggestion


def assert_goes_on(home: Home, again: Car, before: list[Any]) -> None:
    """Assert that all is as before, and belongs to the new car."""
    assert home.entry.state is ConfigEntryState.LOADED
    now = registered(home)
    for record in (*before, *now):
        if isinstance(record, dict):
            record.pop("modified_at", None)
    assert now == before
    assert home.state(BATTERY) == "57"
    entity = home.entity(BATTERY)
    assert entity.unique_id == f"{again.id}_battery_level"
    subentry = home.entry.subentries[str(entity.config_subentry_id)]
    assert (subentry.unique_id, subentry.title) == (again.id, "Car 1")
    assert not issues(home.hass)


async def test_replaced(
    home: Home, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """Devices, entities, names and areas are the same, also the other car's."""
    before = registered(home)
    old_id, second_id = (car.id for car in home.simulator.vehicles)
    again = await connect_again(home)
    caplog.clear()
    step = await begin(home, person)
    assert (step["type"], step["step_id"]) == ("form", "replace")
    # The new car comes first.
    assert options(step) == ["Volkswagen ID.4 Pro (2023)", "Car 2"]
    assert suggested(step) == again.id
    assert step["description_placeholders"] == {"vehicle": "Car 1"}
    step = await person.submit(step, vehicle=again.id)
    assert step["type"] == "create_entry"
    assert TEXTS["create_entry"][step["description"]]
    await home.settle()
    assert_goes_on(home, again, before)
    ids = [subentry.unique_id for subentry in home.entry.subentries.values()]
    assert ids == [again.id, second_id]
    # It has raised an issue as a new car meanwhile.
    await home.settle()
    assert not any(
        issue.translation_key == "new_vehicle"
        for issue in ir.async_get(home.hass).issues.values()
    )

    # A reload changes nothing, and nothing of the old car is left.
    await home.reload()
    await home.settle()
    assert_goes_on(home, again, before)
    entities = er.async_get(home.hass)
    assert not [e for e in entities.entities.values() if old_id in e.unique_id]
    assert not complaints(caplog)


async def test_statistics_keep_their_ids(home: Home, person: Person) -> None:
    """The statistics of a car that is replaced repeatedly keep their id."""
    old_id = home.car.id
    first = next(iter(home.entry.subentries.values()))
    assert statistics_source(first) == (old_id, None)
    cars = [home.car]
    for _ in range(2):
        cars[-1].delete()
        again = home.simulator.add_vehicle(cars[0].model)
        park(again)
        await home.later()
        step = await begin(home, person)
        await person.submit(step, vehicle=again.id)
        await home.settle()
        cars.append(again)
        subentry = home.entry.subentries[first.subentry_id]
        source, since = statistics_source(subentry)
        assert source == old_id
        assert since is not None
        created_at = again.document()["created_at"]
        assert since.isoformat()[:19] == created_at[:19]
    dashboard = await home.hass.services.async_call(
        DOMAIN, "get_dashboard", {}, blocking=True, return_response=True
    )
    assert f"podero:{old_id.replace('-', '_')}_energy" in str(dashboard)
    assert again.id.replace("-", "_") not in str(dashboard)


async def test_the_old_id_comes_back(home: Home, person: Person) -> None:
    """A replaced car that is added again does not write into its successor's statistics."""
    first = home.car
    evening = dt_util.utcnow().replace(minute=0, second=0, microsecond=0) - DAY
    again = await connect_again(home)
    park(again)
    again.created_at = evening - DAY
    add_session(first, evening - 2 * DAY, 1, 10)
    add_session(again, evening, 1, 7)
    await person.submit(await begin(home, person), vehicle=again.id)
    await home.settle()
    await async_wait_recording_done(home.hass)
    first.life.deleted_at = None
    await home.later(24 * 3600 + 1)
    step = await person.open(only_new_car(home).issue_id)
    step = await person.submit(step, next_step_id="add")
    assert step["type"] == "create_entry"
    await home.settle()
    await async_wait_recording_done(home.hass)
    added = list(home.entry.subentries.values())[-1]
    assert added.unique_id == first.id
    assert statistics_source(added) == (f"{first.id}-2", None)
    assert await recorded(home.hass, first) == {evening: 7}
    both = await recorded_hours(home.hass, f"{first.id}-2")
    assert both == {evening - 2 * DAY: 10}


@pytest.mark.parametrize("is_added", [False, True])
async def test_what_is_recorded_stays(
    home: Home, person: Person, is_added: bool
) -> None:
    """Even if the new car is older than the last session of the replaced one."""
    evening = dt_util.utcnow().replace(minute=0, second=0, microsecond=0) - DAY
    await async_write_hours(
        home.hass,
        home.car.id,
        "Car 1",
        {evening - 50 * DAY: Amounts(25, 5, 1)},
        evening - 50 * DAY,
    )
    again = await connect_again(home)
    park(again)
    again.created_at = evening - 200 * DAY
    add_session(again, evening - 40 * DAY, 1, 7)
    if is_added:
        home.add_vehicle(2)
        await home.settle()
    step = await person.submit(await begin(home, person), vehicle=again.id)
    if is_added:
        step = await person.submit(step)
    assert step["type"] == "create_entry"
    await home.settle()
    await async_wait_recording_done(home.hass)
    assert await recorded(home.hass, home.car) == {
        evening - 50 * DAY: 25,
        evening - 40 * DAY: 7,
    }


async def test_the_last_hour_stays(home: Home, person: Person) -> None:
    """A car that is replaced within the hour in which it charged keeps that hour."""
    hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    await async_write_hours(
        home.hass, home.car.id, "Car 1", {hour: Amounts(7, 1, 1)}, hour
    )
    again = await connect_again(home)
    park(again)
    await person.submit(await begin(home, person), vehicle=again.id)
    await home.settle()
    await async_wait_recording_done(home.hass)
    assert await recorded(home.hass, home.car) == {hour: 7}


async def test_the_running_session_is_not_the_new_cars(
    home: Home, person: Person
) -> None:
    home.car.plug_in()
    session = home.car.life.session
    assert session is not None
    start = dt_util.utcnow() - timedelta(hours=5)
    session.corrections["plug_in_time"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    session.corrections["energy_charged_kwh"] = 30.0
    await home.reload()
    await home.settle()
    assert home.state("sensor.car_1_session_energy") == "30.0"
    again = await connect_again(home)
    park(again)
    await person.submit(await begin(home, person), vehicle=again.id)
    await home.settle()
    assert home.state("sensor.car_1_session_energy") == "unknown"


async def test_added_already(
    home: Home, person: Person, hass_storage: dict[str, Any]
) -> None:
    """A car that was added already is merged after a warning."""
    before = registered(home)
    again = await connect_again(home)
    home.add_vehicle(2)
    await home.settle()
    assert home.hass.states.get("sensor.car_3_battery")
    memory = f"podero.{list(home.entry.subentries)[2]}.events"
    assert memory in hass_storage
    hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    for car in (home.car, again):
        await async_write_hours(
            home.hass, car.id, "Car", {hour: Amounts(5, 1, 1)}, hour
        )

    step = await begin(home, person)
    assert options(step) == ["Car 2", "Car 3"]
    # None of them is suggested, as it would lose its device.
    assert suggested(step) is None
    step = await person.submit(step)
    assert (step["step_id"], step["errors"]) == ("replace", {"vehicle": "no_choice"})
    assert TEXTS["error"]["no_choice"]
    assert suggested(step) is None
    step = await person.submit(step, vehicle=again.id)
    assert (step["type"], step["step_id"]) == ("form", "merge")
    assert step["description_placeholders"] == {"vehicle": "Car 1", "other": "Car 3"}
    assert len(home.entry.subentries) == 3
    step = await person.submit(step)
    assert step["type"] == "create_entry"
    await home.settle()
    assert_goes_on(home, again, before)
    assert len(home.entry.subentries) == 2
    assert home.hass.states.get("sensor.car_3_battery") is None
    await async_wait_recording_done(home.hass)
    old_id = home.car.id
    assert await async_get_newest_hour(home.hass, old_id) == hour
    assert await async_get_newest_hour(home.hass, again.id) is None
    assert memory not in hass_storage


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_typed(home: Home, person: Person, status: int) -> None:
    """If the vehicles cannot be listed, the new id is typed, and validated."""
    before = registered(home)
    again = await connect_again(home)
    home.simulator.add_fault(kind="vehicles", status=status)
    step = await begin(home, person)
    assert (step["type"], step["step_id"]) == ("form", "enter_new")
    for typed, error in (
        ("my car", "no_id"),
        (f"{again.id} {UNKNOWN_ID}", "several_ids"),
        (UNKNOWN_ID, "not_found"),
        (home.car.id, "not_found"),
    ):
        step = await person.submit(step, vehicle=typed)
        assert (step["type"], step["errors"]) == ("form", {"vehicle": error})
        (field,) = step["data_schema"]
        assert field["description"] == {"suggested_value": typed}
        assert TEXTS["error"][error]
    step = await person.submit(step, vehicle=f"electric-vehicles/{again.id.upper()}")
    assert step["type"] == "create_entry"
    await home.settle()
    assert_goes_on(home, again, before)


async def test_of_another_account(home: Home, person: Person) -> None:
    """A vehicle of another account is refused."""
    again = await connect_again(home)
    other = MockConfigEntry(
        domain=DOMAIN,
        unique_id="other",
        subentries_data=[vehicle_subentry(again.id, "Theirs")],
    )
    other.add_to_hass(home.hass)
    step = await begin(home, person)
    assert options(step) == ["Car 2"]
    home.simulator.lists_vehicles = False
    step = await begin(home, person)
    step = await person.submit(step, vehicle=again.id)
    assert step["errors"] == {"vehicle": "already_configured"}
    assert TEXTS["error"]["already_configured"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "vehicles", "status": 503}, "cannot_connect"),
        ({"kind": "vehicles", "status": 429}, "rate_limited"),
        ({"kind": "vehicles", "status": 409}, "conflict"),
    ],
)
async def test_list_fails(
    home: Home, person: Person, fault: dict[str, Any], error: str
) -> None:
    """The form says why the list failed, and takes an id."""
    again = await connect_again(home)
    home.simulator.add_fault(**fault)
    step = await begin(home, person)
    assert (step["step_id"], step["errors"]) == ("enter_new", {"base": error})
    assert TEXTS["error"][error]
    home.simulator.clear_faults()
    step = await person.submit(step, vehicle=again.id)
    assert step["type"] == "create_entry"


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ({"status": 503}, {"base": "cannot_connect"}),
        ({"status": 404}, {"vehicle": "not_found"}),
        ({"status": 403}, {"vehicle": "forbidden"}),
        ({"body": b"[]"}, {"base": "invalid_response"}),
        (
            {"body": b'{"deleted_at": "2026-01-01T00:00:00Z"}'},
            {"base": "invalid_response"},
        ),
    ],
)
async def test_new_one_cannot_be_read(
    home: Home, person: Person, fault: dict[str, Any], errors: dict[str, str]
) -> None:
    """A vehicle that cannot be read is refused, and can be tried again."""
    again = await connect_again(home)
    step = await begin(home, person)
    home.simulator.add_fault(kind="vehicle", **fault)
    step = await person.submit(step, vehicle=again.id)
    assert (step["step_id"], step["errors"]) == ("replace", errors)
    (field,) = step["data_schema"]
    assert field["description"] == {"suggested_value": again.id}
    home.simulator.clear_faults()
    step = await person.submit(step, vehicle=again.id)
    assert step["type"] == "create_entry"


async def test_no_other_car(
    hass: HomeAssistant, server: Server, person: Person
) -> None:
    """Without another car the flow ends with that reason."""
    home = Home(hass, server, account_entry(server, 0))
    await home.set_up()
    for car in home.simulator.vehicles:
        car.delete()
    await home.later()
    step = await begin(home, person)
    assert (step["type"], step["reason"]) == ("abort", "no_other")
    assert TEXTS["abort"]["no_other"]


async def test_the_car_itself(home: Home, person: Person) -> None:
    """After a short 404, a car is neither offered as its own replacement nor accepted."""
    home.break_vehicle(0, status=404)
    await home.refresh()
    step = await begin(home, person)
    assert options(step) == ["Car 2"]
    home.simulator.lists_vehicles = False
    step = await begin(home, person)
    assert step["step_id"] == "enter_new"
    home.simulator.clear_faults()
    step = await person.submit(step, vehicle=home.car.id)
    assert (step["type"], step["reason"]) == ("abort", "found")
    assert len(home.entry.subentries) == 2


async def test_two_dialogs(home: Home, person: Person) -> None:
    """The second one, for example on a phone, does not delete what the first has saved."""
    again = await connect_again(home)
    first, second = await begin(home, person), await begin(home, person)
    step = await person.submit(first, vehicle=again.id)
    assert step["type"] == "create_entry"
    await home.settle()
    before = registered(home)
    step = await person.submit(second, vehicle=again.id)
    assert (step["type"], step["reason"]) == ("abort", "found")
    assert registered(home) == before


@pytest.mark.parametrize("is_merging", [False, True])
async def test_found_while_choosing(
    home: Home, person: Person, is_merging: bool
) -> None:
    """Another car is not merged into one that is found again."""
    home.break_vehicle(0, status=404)
    await home.refresh()
    step = await begin(home, person)
    choice = {"vehicle": home.simulator.vehicles[1].id}
    if is_merging:
        step = await person.submit(step, **choice)
        assert step["step_id"] == "merge"
        choice = {}
    home.simulator.clear_faults()
    await home.refresh()
    step = await person.submit(step, **choice)
    assert (step["type"], step["reason"]) == ("abort", "found")
    assert len(home.entry.subentries) == 2


async def test_found_meanwhile(home: Home, person: Person) -> None:
    """A car that is found again is not replaced."""
    await connect_again(home)
    step = await person.open(only_issue(home.hass).issue_id)
    home.car.life.deleted_at = None
    step = await person.submit(step, next_step_id="replace")
    assert (step["type"], step["reason"]) == ("abort", "found")
    assert home.state(BATTERY) != STATE_UNAVAILABLE
