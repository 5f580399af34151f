"""What is derived from readings and sessions, without entities and requests."""
