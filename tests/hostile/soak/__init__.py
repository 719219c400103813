"""An hour of calls that interrupt, press keys, hold and are transferred: memory, files and threads."""
