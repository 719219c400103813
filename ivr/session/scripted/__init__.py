"""A conversation without sound, for tests of dialogues: a detector, engines and a player that follow
a script.
"""
