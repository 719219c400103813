"""Debug recordings: sound and decisions of calls, written to disk while they go on, and read again."""
