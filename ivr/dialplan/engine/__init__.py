"""What knows every verb: the registry, loading a plan, the schema, and the runner that moves a call on."""
