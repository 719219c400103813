"""Tests, mirroring the rooms of ``ivr``; and the tools they are made of."""
