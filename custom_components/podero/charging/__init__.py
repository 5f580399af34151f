"""What is made of readings, without an entity or a request."""
