"""Dialogues as tests: what a caller and a plan say to one another, written beside the plan."""
