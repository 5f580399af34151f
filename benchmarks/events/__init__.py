"""Count the triggers that fire in a month of two cars' lives, and those that should."""
