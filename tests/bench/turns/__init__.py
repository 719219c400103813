"""The bench of turn-taking: a corpus, a telephone line, and what a session makes of both."""
