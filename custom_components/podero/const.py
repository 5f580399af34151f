"""Constants that several modules use."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "podero"
LOGGER: Final = logging.getLogger(__package__)

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.DEVICE_TRACKER,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TIME,
]

ATTR_MISSED: Final = "missed"
"""Whether an event happened while the vehicle was not polled."""

CONF_BASE_URL: Final = "base_url"
CONF_GRANT: Final = "grant"
CONF_ORGANIZATION_ID: Final = "organization_id"
CONF_USER_ID: Final = "user_id"

CURRENCY: Final = "EUR"
"""The currency of the API's costs and savings."""

MAX_RANGE: Final = timedelta(days=366)
"""The longest period for which sessions can be requested."""

CONF_STATISTICS_ID: Final = "statistics_id"
CONF_STATISTICS_SINCE: Final = "statistics_since"

GRANT_CLIENT_CREDENTIALS: Final = "client_credentials"
GRANT_PASSWORD: Final = "password"

NEW_VEHICLE: Final = "new_vehicle"
"""Prefix of the ids of issues about new vehicles."""

SUBENTRY_VEHICLE: Final = "vehicle"
