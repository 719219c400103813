"""OpenAI and every server with its interface: ``stt`` and ``tts``, over one ``client``."""
