"""Piper voices on this machine: ``tts`` is the synthesiser, ``child`` what runs in its process."""
