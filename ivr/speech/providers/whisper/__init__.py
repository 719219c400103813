"""Whisper on this machine: ``stt`` is the recogniser, ``child`` what runs in its process."""
