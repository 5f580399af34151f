"""Tests of Podero for Home Assistant."""
