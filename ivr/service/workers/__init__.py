"""`ivr serve --workers N`: the supervisor, its workers, the engine host they share, reports of calls."""
