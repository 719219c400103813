"""What a verb has at hand in a call: the run, the call under it, the world, queues, messages, fillers."""
