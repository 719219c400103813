"""Faults of all that the service depends on, injected in the middle of real calls: what the caller hears."""
