"""smart-turn on this machine: ``detector`` judges ends of turns, ``child`` is what runs in its process."""
