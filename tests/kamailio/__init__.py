"""The real Kamailio on loopback with three real workers behind it."""
