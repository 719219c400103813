"""A campaign of mutated SIP messages: ``python -m tests.hostile.mutate --count 10000 --seed 1``."""
