"""Recorded calls, replayed under the same settings or others: ``ivr replay``.

``settings`` puts the settings together, ``replayer`` runs the session over the recording, ``script`` repeats
what the plan and the caller's keys did, ``prompts`` rebuilds the prompts, ``engines`` answers for the
recogniser and the turn detector, ``differences`` compares two runs, ``report`` writes text.
"""
