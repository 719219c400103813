"""Detectors by name. A third party's comes through the entry-point group ``ivr.vad``."""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ivr.audio.line import LineBank
from ivr.modelstore import model_path
from ivr.vad.base import SteppedLineVad, VoiceActivityDetector
from ivr.vad.inline import InlineVad
from ivr.vad.options import THRESHOLD, DetectorOptions
from ivr.vad.push_adapter import PushAdapter
from ivr.vad.recorded_line import RecordedLineVad
from ivr.vad.shared import SharedVad
from ivr.vad.silero import SileroModel

ENTRY_POINT_GROUP = "ivr.vad"
"""Each entry is a callable that takes the keywords of ``create_vad`` and gives a detector."""


def create_vad(
    name: str = "silero",
    *,
    threshold: float = THRESHOLD,
    shared: bool = False,
    model: Path | None = None,
    bank: LineBank | None = None,
    **options: Any,
) -> VoiceActivityDetector:
    """Make a detector.

    ``threshold`` is the probability from which a window is speech. ``shared`` asks for one thread and
    one inference for all streams; without it the work is done on the pushing thread. With a ``bank`` it
    is shared and ``LineVad``: it can listen to the calls whose sound the bank holds. ``model`` is a
    file to use instead of the stored one. Further ``options`` are the fields of ``DetectorOptions``.

    Raises ValueError for an unknown name or option, ``VadModelError`` (a ValueError) for a file that
    does not serve, ``ModelMissing`` when the stored model has not been fetched.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name](threshold=threshold, shared=shared, model=model, bank=bank, **options)
    shared = shared or bank is not None
    vad: VoiceActivityDetector = _installed(name)(threshold=threshold, shared=shared, model=model, **options)
    return vad if bank is None else PushAdapter(vad, bank)


def create_line_vad(
    name: str, bank: LineBank, *, threshold: float = THRESHOLD, model: Path | None = None, **options: Any
) -> SteppedLineVad:
    """A detector without a thread, for the one line of ``bank``. Raises as ``create_vad``."""
    if name in _BUILT_IN:
        network, detector = _silero_parts(threshold, model, options)
        return RecordedLineVad(network, detector, bank)
    vad = create_vad(name, threshold=threshold, model=model, **options)
    return PushAdapter(vad, bank, threaded=False)


def vad_names() -> list[str]:
    """What ``create_vad`` can make here."""
    return sorted({*_BUILT_IN, *(e.name for e in entry_points(group=ENTRY_POINT_GROUP))})


def _silero(
    *, threshold: float, shared: bool, model: Path | None, bank: LineBank | None, **options: Any
) -> VoiceActivityDetector:
    network, detector = _silero_parts(threshold, model, options)
    if shared or bank is not None:
        return SharedVad(network, detector, bank)
    return InlineVad(network, detector)


def _silero_parts(
    threshold: float, model: Path | None, options: dict[str, Any]
) -> tuple[SileroModel, DetectorOptions]:
    try:
        detector = DetectorOptions(threshold=threshold, **options)
    except TypeError as e:
        raise ValueError(f"silero: {e}") from None
    return SileroModel(Path(model) if model is not None else model_path("silero")), detector


_BUILT_IN: dict[str, Callable[..., VoiceActivityDetector]] = {"silero": _silero}


def _installed(name: str) -> Callable[..., VoiceActivityDetector]:
    for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
        factory: Callable[..., VoiceActivityDetector] = entry.load()
        return factory
    raise ValueError(f"no voice-activity detector is called {name!r}; there are: {', '.join(vad_names())}")
