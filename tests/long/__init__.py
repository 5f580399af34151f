"""What takes minutes or hours: `scripts/test --long`, with the options of conftest.py."""
