"""What the integration costs, and how long it holds."""

# Before anything imports voluptuous, which Home Assistant replaces by its own.
import homeassistant as homeassistant
