"""The demo: a simulated Podero and a real Home Assistant with this integration."""
