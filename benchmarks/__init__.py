"""What the integration costs, as tables of ratios."""

# Before anything imports voluptuous, which Home Assistant replaces by its own.
import homeassistant as homeassistant
