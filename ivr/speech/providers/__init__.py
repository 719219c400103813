"""Makers of speech engines, one folder a provider: whisper, piper, smart_turn (local), openai (a server).

A further one (Deepgram, say) is a folder here, ``deepgram/stt.py``, and a line in ``ivr.speech.registry``.
"""
