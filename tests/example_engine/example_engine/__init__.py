"""A speech recogniser in a package of its own, found by the entry point ``ivr.stt``."""
