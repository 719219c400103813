"""Child processes: frames between processes, requests to a child, supervision, restarts with back-off."""
