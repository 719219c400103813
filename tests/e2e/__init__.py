"""The real service, started as its own process, called over loopback."""
