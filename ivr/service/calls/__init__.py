"""One call from its INVITE to its record; calls that are placed; the registry of those that are open."""
