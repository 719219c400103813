"""Turn-taking: what stops a prompt, what ends the caller's turn, and the queue of the caller's turns."""
