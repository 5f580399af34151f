"""Tests that take minutes or hours: `scripts/test --long`, with options of conftest.py."""
