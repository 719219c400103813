"""One prompt: its sound, its state, which of its words were heard, where it continues after a pause; and the
queue of prompts.
"""
