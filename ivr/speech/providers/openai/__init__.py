"""OpenAI and every server that speaks its interface: ``stt`` and ``tts``, over one ``client``."""
