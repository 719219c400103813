"""Plans of a running service: loaded, checked, reloaded."""
