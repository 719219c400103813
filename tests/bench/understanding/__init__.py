"""How often callers are understood: ``python -m tests.bench.understanding``."""
