"""Start Home Assistant with an integration that polls continuously."""

from datetime import timedelta
import sys

from aiohttp import ClientTimeout

from homeassistant.__main__ import main

from custom_components.podero import coordinator
from custom_components.podero.api import transport

coordinator.UPDATE_INTERVAL = timedelta(microseconds=1)
coordinator.FAST_UPDATE_INTERVAL = timedelta(microseconds=1)
coordinator.RETRY_DELAY = 0.0
coordinator.MIN_RETRY_AFTER = coordinator.MAX_RETRY_AFTER = 0.01
transport.REQUEST_TIMEOUT = ClientTimeout(total=1)

if __name__ == "__main__":
    sys.exit(main())
