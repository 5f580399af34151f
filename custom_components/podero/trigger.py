"""Triggers on the charging events of a vehicle.

They listen to the event itself. State triggers ignore a change from "unavailable" to
"on", so they would miss a car that was plugged in during an outage.
"""

from typing import ClassVar, cast, override

import voluptuous as vol

from homeassistant.components.event import DOMAIN as EVENT_DOMAIN
from homeassistant.const import (
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    CONF_OPTIONS,
    CONF_TARGET,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .charging.events import ChargingEvent
from .const import ATTR_MISSED, DOMAIN
from .coordinator import SIGNAL_CHARGING_EVENT, PoderoCoordinator
from .helpers import targeted_devices


def _validate_target(target: ConfigType) -> ConfigType:
    """Refuse an empty target, which would never trigger."""
    if not TargetSelection(target).has_any_target:
        raise vol.Invalid("Choose at least one car as the target")
    return target


_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_TARGET): vol.All(cv.TARGET_FIELDS, _validate_target),
        vol.Optional(CONF_OPTIONS): {},
    }
)


class ChargingEventTrigger(Trigger):
    """Trigger on an event of the vehicles in a target, resolved when it happens."""

    event: ClassVar[ChargingEvent]

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the target."""
        return cast(ConfigType, _SCHEMA(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Store the target."""
        super().__init__(hass, config)
        assert config.target is not None
        self.hass = hass
        self._target = TargetSelection(config.target)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Listen for the event."""

        @callback
        def handle(
            coordinator: PoderoCoordinator, event: ChargingEvent, was_missed: bool
        ) -> None:
            if event is not self.event:
                return
            device = dr.async_get(self.hass).async_get_device_by_identifier(
                (DOMAIN, coordinator.vehicle_id), coordinator.config_entry.entry_id
            )
            if device is None or device.id not in targeted_devices(
                self.hass, self._target
            ):
                return
            name = device.name_by_user or device.name or coordinator.name
            run_action(
                {
                    ATTR_DEVICE_ID: device.id,
                    ATTR_ENTITY_ID: er.async_get(self.hass).async_get_entity_id(
                        EVENT_DOMAIN, DOMAIN, f"{coordinator.vehicle_id}_charging"
                    ),
                    ATTR_MISSED: was_missed,
                    "event": event.value,
                    "vehicle": name,
                },
                f"{name} {event.replace('_', ' ')}",
            )

        return async_dispatcher_connect(self.hass, SIGNAL_CHARGING_EVENT, handle)


def _trigger_on(charging_event: ChargingEvent) -> type[Trigger]:
    class CustomTrigger(ChargingEventTrigger):
        event = charging_event

    return CustomTrigger


TRIGGERS: dict[str, type[Trigger]] = {
    event.value: _trigger_on(event) for event in ChargingEvent
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return a trigger for each event."""
    return TRIGGERS
