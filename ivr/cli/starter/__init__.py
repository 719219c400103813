"""The files that ``ivr init`` writes into a folder: a dialplan, its dialogues, a systemd unit."""
