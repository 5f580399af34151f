"""What the integration costs, as tables of ratios."""

# First, because Home Assistant replaces voluptuous when it is imported.
import homeassistant as homeassistant
