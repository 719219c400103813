"""A telephone service that people can interrupt.

The names below are the session library: a conversation with one caller, usable without SIP by anyone
who has audio frames. The service around it is started by the ``ivr`` command. A name is loaded when it is
first used, so that commands which need no engine start at once.

Every exception that leaves the package derives from ``IvrError``; its text says what happened, where, and
what to do::

    IvrError                    ivr.errors
    ├── SettingsError           ivr.service.config: a setting is unknown or wrong (also a ValueError)
    ├── PlanError               ivr.dialplan: a dialplan was refused; one line a mistake, with its place
    │   └── DuplicateKeys       a key is written twice in a mapping
    ├── VerbFailed              ivr.dialplan: a verb could not do its work in a call
    ├── VerbPackageError        ivr.dialplan: an installed package adds a verb that cannot be used
    ├── HttpFailed              ivr.dialplan: a back end did not answer
    ├── BadReply                ivr.dialplan: a back end answered something else than the plan expects
    ├── ModelFailed             ivr.dialplan: a language model did not reply, or not completely
    ├── ModelError              ivr.modelstore: a model cannot be used
    │   ├── ModelMissing        it is not in the cache
    │   ├── WrongHash           the file is not the one that the manifest names
    │   └── ManifestError       the manifest is faulty
    ├── SpeechError             ivr.speech: a speech engine failed
    │   ├── SpeechTimeout       it did not answer in time
    │   ├── SpeechBusy          its queue is full
    │   └── SpeechLost          its process ended with the request
    ├── UnknownEngine           ivr.speech: no engine has that name (also a ValueError)
    ├── VadModelError           ivr.vad: the file is no usable detector (also a ValueError)
    ├── WavError                ivr.audio: the file is no WAV that can be read (also a ValueError)
    ├── SessionEnded            ivr.session: the session ended while, or before, it was used
    ├── InvalidTransition       ivr.session: the state machine was asked for a step that it does not have
    ├── SipError                ivr.sip: the user agent could not start
    ├── StartFailed             ivr.process: a child process did not start
    ├── RequestFailed           ivr.process: a child process did not answer a request
    │   ├── RequestTimeout      it did not answer in time
    │   ├── QueueFull           too many requests are waiting
    │   └── ProcessLost         it ended with the request
    │       └── ProcessAway     there is none to take the request
    ├── CallError               ivr.service.calls: a call cannot be placed
    ├── RecordingError          ivr.service.recording: a recording cannot be written or read
    ├── TalkError               ivr.lab: `ivr talk` cannot run
    ├── SimulationError         ivr.lab: `ivr simulate` cannot run
    ├── PlotError               ivr.lab: `ivr plot` cannot draw
    ├── GraphError              ivr.cli: `ivr graph` cannot draw
    └── UsageError              ivr.cli: an argument of a command cannot be used
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivr.audio.wav import WavError
    from ivr.errors import IvrError
    from ivr.modelstore import ModelError, ModelMissing
    from ivr.session import (
        AudioClip,
        BargeInOptions,
        Expectation,
        InvalidTransition,
        MemoryPlayer,
        PlayoutResult,
        SayHandle,
        SessionConfig,
        SessionEnded,
        SessionState,
        Turn,
        TurnOptions,
        VoiceSession,
        preset,
    )
    from ivr.speech.base import (
        SpeechBusy,
        SpeechError,
        SpeechTimeout,
        SpeechToText,
        TextToSpeech,
        Transcript,
    )
    from ivr.speech.registry import UnknownEngine, create_stt, create_tts
    from ivr.vad.registry import create_vad
    from ivr.vad.silero import VadModelError

_MODULES = (
    "ivr.errors",
    "ivr.audio.wav",
    "ivr.modelstore",
    "ivr.session",
    "ivr.speech.base",
    "ivr.speech.registry",
    "ivr.vad.registry",
    "ivr.vad.silero",
)
"""Where the names of ``__all__`` are found, in this order."""

__all__ = [
    "AudioClip",
    "BargeInOptions",
    "Expectation",
    "InvalidTransition",
    "IvrError",
    "MemoryPlayer",
    "ModelError",
    "ModelMissing",
    "PlayoutResult",
    "SayHandle",
    "SessionConfig",
    "SessionEnded",
    "SessionState",
    "SpeechBusy",
    "SpeechError",
    "SpeechTimeout",
    "SpeechToText",
    "TextToSpeech",
    "Transcript",
    "Turn",
    "TurnOptions",
    "UnknownEngine",
    "VadModelError",
    "VoiceSession",
    "WavError",
    "create_stt",
    "create_tts",
    "create_vad",
    "preset",
]


def __getattr__(name: str) -> Any:
    """Load an exported name when it is first used (PEP 562)."""
    if name in __all__:
        for module in map(importlib.import_module, _MODULES):
            if hasattr(module, name):
                globals()[name] = found = getattr(module, name)
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
