"""The service: ties calls to sessions and plans, with settings, workers and what plans need of the world."""
