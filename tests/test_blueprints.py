"""Blueprints: each imports without a warning and does what its description says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
import logging
from typing import Any
from urllib.parse import quote

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .home import Home
from .repository import BLUEPRINTS, ROOT
from simulator import Car

pytestmark = pytest.mark.usefixtures("blueprints", "without_retry_delay")

type Messages = Callable[[], list[tuple[str, str]]]

REPOSITORY = "podero-ha/home-assistant-podero"
FILES = sorted(path.name for path in BLUEPRINTS.iterdir())


@pytest.fixture
def home(home: Home) -> Home:
    """Return a home with two cars."""
    return home.with_vehicles(0, 1)


@pytest.fixture
def messages(hass: HomeAssistant) -> Messages:
    """Return title and text of what was shown in Home Assistant since the last call."""
    calls = async_mock_service(hass, "persistent_notification", "create")

    def _messages() -> list[tuple[str, str]]:
        told = [(call.data["title"], call.data["message"]) for call in calls]
        calls.clear()
        return told

    return _messages


async def use(
    home: Home, name: str, caplog: pytest.LogCaptureFixture, **inputs: Any
) -> None:
    """Set up an automation from a blueprint."""
    await home.use_blueprint(name, **inputs)
    complaints = [
        record.message
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.name.startswith("homeassistant.components")
    ]
    assert not complaints


@pytest.mark.parametrize("file", FILES)
async def test_import(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    aioclient_mock: AiohttpClientMocker,
    file: str,
) -> None:
    """A blueprint can be imported from its source URL and saved."""
    path = f"main/blueprints/automation/podero/{file}"
    text = (BLUEPRINTS / file).read_text()
    aioclient_mock.get(
        f"https://raw.githubusercontent.com/{REPOSITORY}/{path}", text=text
    )
    assert await async_setup_component(hass, AUTOMATION, {})
    client = await hass_ws_client(hass)
    url = f"https://github.com/{REPOSITORY}/blob/{path}"
    await client.send_json_auto_id({"type": "blueprint/import", "url": url})
    answer = await client.receive_json()
    assert answer["success"]
    imported = answer["result"]
    assert imported["validation_errors"] is None
    assert imported["suggested_filename"] == f"podero-ha/{file.removesuffix('.yaml')}"
    metadata = imported["blueprint"]["metadata"]
    assert metadata["source_url"] == url
    for definition in (metadata, *metadata["input"].values()):
        assert definition["name"]
        assert definition["description"].endswith(".")

    await client.send_json_auto_id(
        {
            "type": "blueprint/save",
            "domain": "automation",
            "path": imported["suggested_filename"],
            "yaml": imported["raw_data"],
            "source_url": url,
        }
    )
    answer = await client.receive_json()
    assert answer["success"]


async def test_car_full(
    home: Home, caplog: pytest.LogCaptureFixture, messages: Messages
) -> None:
    """It notifies once for each chosen car when it is full."""
    await home.set_up()
    devices = [home.device(number).id for number in (0, 1)]
    await use(home, "car_full", caplog, cars=devices)
    home.car.fill_up()
    await home.refresh()
    await home.refresh()
    assert messages() == [("Car 1", "Fully charged.")]
    home.simulator.vehicles[1].fill_up()
    await home.refresh()
    assert messages() == [("Car 2", "Fully charged.")]


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("car_full", {"message": "Voll bei {{ trigger.vehicle }}"}),
        ("charging_interrupted", {"patience": "00:00:00"}),
        ("needs_you", {}),
    ],
)
async def test_phones(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
    name: str,
    inputs: dict[str, Any],
) -> None:
    """It notifies the chosen people instead of showing it in Home Assistant."""
    car = home.car
    car.life.preferences.is_smart_optimization_active = False
    car.start_charging()
    await home.set_up()
    phones = ["notify.phone", "notify.tablet"]
    sent: list[ServiceCall] = async_mock_service(home.hass, "notify", "send_message")
    if name != "needs_you":
        inputs = inputs | {"cars": home.device().id}
    await use(home, name, caplog, people=phones, **inputs)
    match name:
        case "car_full":
            car.fill_up()
        case "charging_interrupted":
            car.stop_charging()
        case _:
            car.raise_message("Hello")
    await home.refresh()
    (call,) = sent
    assert call.data["entity_id"] == phones
    assert (call.data["title"], call.data["message"]) == {
        "car_full": ("Car 1", "Voll bei Car 1"),
        "charging_interrupted": ("Car 1", "Charging was interrupted."),
        "needs_you": (
            "Podero needs you",
            "Open Settings, System, Repairs to see what is to be done.",
        ),
    }[name]
    assert messages() == []


@pytest.mark.parametrize(
    ("then", "is_told"),
    [
        (lambda car: None, True),
        (lambda car: car.start_charging(), False),
        (lambda car: car.unplug(), False),
        (lambda car: car.override(is_plugged_in=None, is_charging=None), True),
        (lambda car: car.override(is_fully_charged=True), False),
        (lambda car: car.override(is_pause_power_active=True), False),
    ],
)
async def test_charging_interrupted(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
    then: Callable[[Car], None],
    is_told: bool,
) -> None:
    """It notifies of an interruption that still lasts after a while."""
    car = home.car
    car.life.preferences.is_smart_optimization_active = False
    car.start_charging()
    await home.set_up()
    device = home.device()
    await use(home, "charging_interrupted", caplog, cars=[device.id])
    coordinator = home.coordinator()
    car.stop_charging()
    # Not until all is done: the automation waits for the time to pass.
    await coordinator.async_refresh()
    then(car)
    await coordinator.async_refresh()
    assert messages() == []
    freezer.tick(601)
    async_fire_time_changed(home.hass)
    await home.hass.async_block_till_done()
    assert messages() == ([("Car 1", "Charging was interrupted.")] if is_told else [])


async def test_charging_interrupted_repeatedly(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
) -> None:
    """It notifies of the last of several interruptions, the only one that lasts."""
    car = home.car
    car.life.preferences.is_smart_optimization_active = False
    car.start_charging()
    await home.set_up()
    await use(home, "charging_interrupted", caplog, cars=[home.device().id])
    for step in (*[car.stop_charging, car.start_charging] * 3, car.stop_charging):
        freezer.tick(60)
        step()
        await home.coordinator().async_refresh()
    freezer.tick(601)
    async_fire_time_changed(home.hass)
    await home.hass.async_block_till_done()
    assert messages() == [("Car 1", "Charging was interrupted.")]


@pytest.mark.parametrize(
    ("reading", "is_told"),
    [
        ({}, True),
        ({"battery_level": 50}, False),
        ({"is_plugged_in": True}, False),
        ({"latitude": 48.3}, False),
        ({"battery_level": None}, False),
        ({"is_plugged_in": None}, False),
        ({"latitude": None}, False),
        (None, False),
    ],
)
async def test_plug_in_reminder(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
    reading: dict[str, Any] | None,
    is_told: bool,
) -> None:
    """It reminds if the car is known to be at home, unplugged and below the level."""
    freezer.move_to(dt_util.parse_datetime("2026-11-02T19:59:30-08:00") or "")
    await home.hass.config.async_update(latitude=48.2082, longitude=16.3738)
    car = home.car
    car.override(battery_level=49, is_plugged_in=False)
    car.override(latitude=48.2082, longitude=16.3738)
    car.override(**(reading or {}))
    await home.set_up()
    device = home.device()
    if reading is None:
        home.simulator.add_fault(kind="vehicle", status=503)
        await home.refresh()
    await use(home, "plug_in_reminder", caplog, car=device.id)
    async_fire_time_changed(home.hass)
    await home.hass.async_block_till_done()
    assert messages() == []
    for seconds in (31, 24 * 3600):
        freezer.tick(seconds)
        async_fire_time_changed(home.hass)
        await home.hass.async_block_till_done()
        told = [("Car 1", "Not plugged in, and the battery is low.")]
        assert messages() == (told if is_told else [])
    await home.call("automation.turn_off", entity_id="all")


async def test_needs_you(
    home: Home, caplog: pytest.LogCaptureFixture, messages: Messages
) -> None:
    """It notifies once of each message and repair, also across an outage."""
    told = [
        (
            "Podero needs you",
            "Open Settings, System, Repairs to see what is to be done.",
        )
    ]
    first, second = home.simulator.vehicles
    await home.set_up()
    await use(home, "needs_you", caplog)
    first.raise_message("Hello")
    await home.refresh()
    await home.refresh()
    assert messages() == told

    second.raise_reauthenticate()
    await home.refresh()
    assert messages() == told

    home.simulator.add_fault(kind="vehicle", status=503)
    await home.refresh()
    home.simulator.clear_faults()
    await home.refresh()
    assert messages() == []

    # An issue of another integration is ignored.
    ir.async_create_issue(
        home.hass,
        "sun",
        "eclipse",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="eclipse",
    )
    await home.hass.async_block_till_done()
    assert messages() == []


@pytest.mark.parametrize("is_new", [True, False])
async def test_needs_you_after_a_start(
    home: Home,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
    is_new: bool,
) -> None:
    """It notifies of what came while Home Assistant was down, not of what was there before."""
    home.hass.set_state(CoreState.not_running)
    await use(home, "needs_you", caplog)
    home.car.raise_message("Hello")
    await home.set_up()
    assert messages() == []
    if not is_new:
        # The registry keeps when an issue was created first.
        registry = ir.async_get(home.hass)
        for key, issue in registry.issues.items():
            created = issue.created - timedelta(hours=1)
            registry.issues[key] = replace(issue, created=created)
    await home.hass.async_start()
    await home.settle()
    assert len(messages()) == is_new


async def test_needs_you_for_nothing(
    home: Home, caplog: pytest.LogCaptureFixture, messages: Messages
) -> None:
    """A car that you remove yourself, which is ignored at once, needs nobody."""
    await home.set_up()
    await use(home, "needs_you", caplog)
    home.remove_vehicle(1)
    await home.settle()
    assert messages() == []


async def test_needs_you_to_sign_in(
    home: Home, caplog: pytest.LogCaptureFixture, messages: Messages
) -> None:
    """It notifies when the account's password is refused."""
    await home.set_up()
    await use(home, "needs_you", caplog)
    home.simulator.revoke_tokens()
    home.simulator.add_fault(kind="token", status=HTTPStatus.UNAUTHORIZED)
    await home.refresh()
    assert len(messages()) == 1


@pytest.mark.parametrize(
    ("inputs", "messages_shown", "is_asked", "is_charging"),
    [
        ({}, 1, False, False),
        ({"is_asking": False}, 1, False, True),
        ({"phones": ["My Phone"]}, 0, True, True),
        ({"phones": ["My Phone"], "is_asking": False}, 0, False, True),
        # A device of the app that cannot be notified.
        ({"phones": ["Old Tablet"]}, 1, False, False),
        ({"phones": ["Old Tablet", "My Phone"]}, 0, True, True),
    ],
)
async def test_deadline_missed(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
    inputs: dict[str, Any],
    messages_shown: int,
    is_asked: bool,
    is_charging: bool,
) -> None:
    """It notifies, and charges at once or when confirmed on a phone."""
    freezer.move_to("2026-11-20T12:59:30+00:00")
    await home.hass.config.async_set_time_zone("UTC")
    car = home.car
    car.set_policy_zone("UTC")
    car.set_day_policy("fri", 100, "13:00:00")
    car.override(is_fully_charged=False, battery_level=50)
    await home.set_up()
    await home.refresh()
    app = MockConfigEntry(domain="mobile_app")
    app.add_to_hass(home.hass)
    phones = {
        name: dr.async_get(home.hass).async_get_or_create(
            config_entry_id=app.entry_id, identifiers={("mobile_app", name)}, name=name
        )
        for name in ("My Phone", "Old Tablet")
    }
    er.async_get(home.hass).async_get_or_create(
        "notify",
        "mobile_app",
        "phone",
        config_entry=app,
        device_id=phones["My Phone"].id,
    )
    chosen = inputs.get("phones", [])
    inputs = inputs | {"phones": [phones[name].id for name in chosen]}
    sent = async_mock_service(home.hass, "notify", "mobile_app_my_phone")
    pressed = async_mock_service(home.hass, "button", "press")
    button = "button.car_1_charge_now"
    device = home.device()
    await use(
        home, "deadline_missed", caplog, car=device.id, charge_now=button, **inputs
    )
    freezer.tick(60)
    coordinator = home.coordinator()
    # Not until all is done: the automation waits for an answer.
    for _ in range(3):
        await coordinator.async_refresh()
    assert len(messages()) == messages_shown
    text = "It is not charged as far as it should be."
    assert [(call.data["title"], call.data["message"]) for call in sent] == (
        [("Car 1", text)] if "My Phone" in chosen else []
    )
    if is_asked:
        assert pressed == []
        (action,) = sent[0].data["data"]["actions"]
        assert action["title"] == "Charge now"
        home.hass.bus.async_fire(
            "mobile_app_notification_action", {"action": action["action"]}
        )
        await home.hass.async_block_till_done()
    assert [call.data["entity_id"] for call in pressed] == [[button]] * is_charging


async def test_deadline_missed_while_charging(
    home: Home,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    messages: Messages,
) -> None:
    """It notifies although "charge now" is refused, as the car charges already."""
    freezer.move_to("2026-11-20T12:59:30+00:00")
    car = home.car
    car.set_policy_zone("UTC")
    car.set_day_policy("fri", 100, "13:00:00")
    car.override(is_fully_charged=False, battery_level=50)
    car.start_charging()
    await home.set_up()
    await home.refresh()
    button = "button.car_1_charge_now"
    await use(
        home,
        "deadline_missed",
        caplog,
        car=home.device().id,
        charge_now=button,
        is_asking=False,
    )
    freezer.tick(60)
    await home.refresh()
    await home.refresh()
    assert len(messages()) == 1


@pytest.mark.parametrize("file", FILES)
def test_readme(file: str) -> None:
    """The README offers each blueprint for import with one click."""
    url = (
        f"https://github.com/{REPOSITORY}/blob/main/blueprints/automation/podero/{file}"
    )
    link = f"https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url={quote(url, safe='')}"
    assert link in (ROOT / "README.md").read_text()
