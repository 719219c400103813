"""Dialogues of ``.test.yaml`` files with real parts: with speech engines (``speech``), and over SIP and RTP
between two user agents on loopback (``sip_caller``, ``sip_call``, ``sip_service``).
"""
