"""The echo of what a call was sent, taken out of what it heard before the network looks.

A line that does not echo costs nothing until something on it sounds like speech while, or shortly after,
something was sent: then the path of an echo is sought in the last half second (``echo_path.py``). Where one
explains enough of what was heard it is kept, and each window is cleaned by it first from then on. A window
with next to nothing left is nobody's speech. All in samples of 8 kHz; the VAD thread's alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_RATE, ms_to_samples
from ivr.audio.line import RING, LineBank
from ivr.vad.base import DetectorOptions
from ivr.vad.echo_path import TAPS, EchoPath, PathFinder, above_noise

Pcm16 = npt.NDArray[np.int16]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]

STRETCH_MS = 512
"""Sound in which a path is sought. Long, so that what was sent and did not come back counts too."""
_TRIES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Windows of a run of likely speech at which a path is sought; then every 32nd."""
_SHORT_ENOUGH = 0.95
"""A short filter that explains less is made a long one."""
_BETTER = 0.3
"""A new path in place of another, in a run of speech, leaves at most this share of the energy the old one left."""
_RELEARN = 32
"""Windows of nothing but echo after which the taps are fitted anew; fewer at first: 2, 4, 8, …"""
_SURE = 0.85
"""Share of the energy heard that a new path must explain when there is little to fit it to."""
_SAME = 16
"""Samples within which two delays are one."""
_PAUSES = 768, 8192
"""Samples between tries to fit a path anew to what may be speech, at least and at most."""
_USELESS = 16
"""Windows in a row to which a path adds energy before it is forgotten."""
_EXPLAINED = 0.5
_LEAK, _LEAK_MOST = 2.5, 0.25
_BLOCK = 64
_RECENT = 0.6
"""What a window counts less with each one that follows, in the share of the echo."""


@dataclass(slots=True, eq=False)
class _Row:
    """What is known of one call."""

    path: EchoPath | None = None
    proven: bool = False
    """The path has explained a window that it was not fitted to."""
    leak: float = 0.0
    """Share of the echo's energy that the path leaves, where it was fitted."""
    again: int = 0
    pause: int = _PAUSES[0]
    """Sample of the line from which the path may be fitted anew in a run, and how long after a vain try."""
    run: int = 0
    """Windows in a row that may be speech, or that its path does not explain."""
    unexplained: bool = False
    """Its path explains too little of the window at hand."""
    rested: npt.NDArray[np.float32] | None = None
    """The network's memory before the run."""
    alone: int = 0
    """Windows of nothing but echo since the last fit."""
    relearn: int = 2
    useless: int = 0
    heard: float = 0.0
    explained: float = 0.0
    """Energy of the last windows."""


@dataclass(slots=True)
class _Window:
    """One window, its margins cleaned with it."""

    clean: Pcm16
    heard: float
    left: float
    """Energy of the window itself, before and after."""
    alone: bool
    """There is nothing else in it."""


class Echoes:
    """Of all calls of a bank."""

    def __init__(
        self, options: DetectorOptions, bank: LineBank, states: F32, span: _I64, window: slice
    ) -> None:
        """``states``: the network's memory, (2, rows, 128). ``span``: the samples of a window with its margins, relative to its first; ``window``: where in
        them it stands itself.
        """
        self._states = states
        self._bank, self._span, self._window = bank, span, window
        self._finder = PathFinder(options.echo_delay_ms, options.echo_loss_db, ms_to_samples(STRETCH_MS, LINE_RATE))
        self._share = options.echo_share
        self._alone = 1 / (1 + 10 ** (options.echo_margin_db / 10))
        self._loss = 10 ** (-options.echo_loss_db / 10)
        self._attack = options.attack_level
        self._audible = 32768 * 10 ** (options.silence_dbfs / 20)
        self._known = np.zeros(len(bank.written), np.bool_)
        self._rows: dict[int, _Row] = {}
        self._length = window.stop - window.start
        self.sought = 0
        """Times that a path was sought."""
        self.cleaned = 0
        """Windows that an echo was taken out of."""

    def forget(self, row: int) -> None:
        """Another call has the line."""
        self._known[row] = False
        self._rows.pop(row, None)

    def likelihood(self, row: int) -> float:
        """How much of the energy of the last windows was explained by what was sent, 0..1."""
        state = self._rows.get(row)
        if state is None or state.heard <= 0:
            return 0.0
        return min(max(state.explained / state.heard, 0.0), 1.0)

    def before(self, rows: _I64, starts: _I64, heard: Pcm16) -> dict[int, _Window]:
        """Of the lines known to echo: position in ``rows`` to the window without its echo."""
        found: dict[int, _Window] = {}
        for i in np.flatnonzero(self._known[rows]).tolist():
            row, start = int(rows[i]), int(starts[i])
            window = self._without(row, start, heard[i])
            if window is not None:
                found[i] = window
                self._rows[row].proven |= window.left <= _EXPLAINED * window.heard
                if window.alone:
                    self._relearn(row, start)
                    if (state := self._rows[row]).run and state.rested is not None:
                        self._states[:, row] = state.rested
        return found

    def suspected(
        self,
        rows: _I64,
        starts: _I64,
        heard: Pcm16,
        cleaned: dict[int, _Window],
        likely: npt.NDArray[np.bool_],
        states: npt.NDArray[np.float32],
    ) -> dict[int, _Window]:
        """Of the windows that are ``likely`` speech or that a known path does not explain, those in which an
        echo was found only now. ``states``: the network's memory before them, (2, rows, 128).
        """
        found = {}
        for i in np.flatnonzero(likely | self._known[rows]).tolist():
            row = int(rows[i])
            state = self._rows.get(row)
            if state is None:
                state = self._rows[row] = _Row()
            window = cleaned.get(i)
            if (window is not None and window.alone) or not (likely[i] or state.unexplained):
                state.run = 0
                continue
            state.run += 1
            if state.run == 1:
                state.rested = states[:, i].copy()
            if (state.run in _TRIES or state.run % 32 == 0) and self._seek(state, row, int(starts[i]), heard[i]):
                window = self._without(row, int(starts[i]), heard[i])
                if window is not None:
                    found[i] = window
                    if window.alone and state.rested is not None:
                        states[:, i] = state.rested
        for row in rows[~likely].tolist():
            state = self._rows.get(row)
            if state is not None and not self._known[row]:
                state.run = 0
        return found

    def count(self, rows: _I64, cleaned: dict[int, _Window]) -> None:
        """The windows of this round."""
        for i, window in cleaned.items():
            state = self._rows[int(rows[i])]
            state.heard = state.heard * _RECENT + window.heard
            state.explained = state.explained * _RECENT + window.heard - window.left
            if window.alone:
                state.run = 0
        self.cleaned += len(cleaned)

    def _sent(self, row: int, first: int, last: int) -> Pcm16:
        """What was sent, samples [first, last) of the line."""
        return self._bank.sent[row].take(np.arange(first, last), mode="wrap")

    def _without(self, row: int, start: int, heard: Pcm16) -> _Window | None:
        """``heard``, a window with its margins, less its echo; None when nothing was sent that could echo."""
        state = self._rows[row]
        assert state.path is not None
        first = start + int(self._span[0]) - state.path.delay
        sent = self._sent(row, first - state.path.taps.size + 1, first + self._span.size)
        state.unexplained = False
        if max(int(sent.max()), -int(sent.min())) < self._audible:
            return None
        wide = heard.astype(np.float64)
        clean = _quieter(wide - state.path.echo(sent.astype(np.float64)), wide)
        before, after = wide[self._window], clean[self._window]
        energy, left = float(before @ before), float(after @ after)
        state.unexplained = left > _EXPLAINED * energy and float(np.abs(before).max()) >= self._audible
        if left >= 0.9 * energy:
            # A frame was lost on its way, or the path has changed.
            state.useless += state.unexplained
            if state.useless >= _USELESS:
                state.path = None
                self._known[row] = False
            return None
        state.useless = 0
        rounded = np.rint(clean).clip(-32768, 32767).astype(np.int16)
        margin = max(self._alone, min(_LEAK * state.leak, _LEAK_MOST)) if state.proven else self._alone
        alone = left <= margin * energy or float(np.abs(after).max()) < self._audible
        return _Window(rounded, energy, left, alone)

    def _stretch(self, row: int, end: int) -> tuple[npt.NDArray[np.float32], F32]:
        finder = self._finder
        sent = self._sent(row, end - finder.stretch - finder.before, end)
        heard = self._bank.heard[row].take(np.arange(end - finder.stretch, end), mode="wrap")
        return sent.astype(np.float32), heard.astype(np.float32)

    def _seek(self, state: _Row, row: int, start: int, heard: Pcm16) -> bool:
        """Whether a path was found that explains what was heard up to this window, or a better one."""
        end = start + self._length
        sent, stretch = self._stretch(row, end)
        window = heard[self._window].astype(np.float64)
        energy = float(window @ window)
        blocks = sent[: sent.size // self._length * self._length].reshape(-1, self._length)
        loudest = float(np.einsum("ij,ij->i", blocks, blocks).max())
        if float(np.abs(sent).max()) < self._audible or energy > self._loss * loudest:
            return False
        self.sought += 1
        if state.path is not None:
            return self._improve(state, row, end, sent, stretch)
        path, share = self._fresh(sent, stretch)
        state.heard = state.heard * _RECENT + energy
        state.explained = state.explained * _RECENT + energy * share
        if share < self._share:
            return False
        self._keep(state, row, path, sent, stretch)
        state.alone, state.relearn, state.useless, state.proven = 0, 2, 0, False
        self._known[row] = True
        return True

    def _fresh(self, sent: F32, heard: F32) -> tuple[EchoPath, float]:
        """A path from nothing, and the share of the energy that it explains."""
        first, second = self._finder.delays(sent, heard)
        path, share = self._finder.fit(sent, heard, first)
        if share < self._share and abs(second - first) > _SAME:
            other, more = self._finder.fit(sent, heard, second)
            if more > share:
                return other, more
        return path, share

    def _improve(self, state: _Row, row: int, end: int, sent: F32, stretch: F32) -> bool:
        """Whether something explains the last windows better than the path that is known."""
        assert state.path is not None
        if state.unexplained:
            n = self._length
            late, recent = sent[stretch.size - n :], stretch[-n:]
            path = self._finder.moved(late, recent, state.path)
            if _left(path, late, recent) < _BETTER * _left(state.path, late, recent):
                state.path = path
                return True
            n = min(max(state.run, 2) * self._length, stretch.size)
            late, recent = sent[stretch.size - n :], stretch[-n:]
            path, share = self._fresh(late, recent)
            if share >= _SURE and _left(path, late, recent) < _BETTER * _left(state.path, late, recent):
                self._keep(state, row, path, late, recent)
                return True
        if end < state.again:
            return False
        path = self._fitted(state, sent, stretch)
        if _left(path, sent, stretch) > 0.7 * _left(state.path, sent, stretch):
            state.pause = min(2 * state.pause, _PAUSES[1])
            state.again = end + state.pause
            return False
        state.pause = _PAUSES[0]
        state.again = end + state.pause
        self._keep(state, row, path, sent, stretch)
        return True

    def _fitted(self, state: _Row, sent: F32, heard: F32) -> EchoPath:
        """The path fitted to more sound, and made long where a short one is not enough. Only one that foretold
        the window at hand is made long: so many taps explain anything after the fact.
        """
        path = state.path
        assert path is not None
        if path.taps.size == TAPS:
            path, share = self._finder.fit(sent, heard, path.delay)
            if share >= _SHORT_ENOUGH or state.unexplained:
                return path
        return self._finder.extend(sent, heard, path)

    def _relearn(self, row: int, start: int) -> None:
        """More has been heard of nothing but echo: fit its taps to that."""
        state = self._rows[row]
        state.alone += 1
        if state.alone < state.relearn or state.path is None:
            return
        state.alone, state.relearn = 0, min(2 * state.relearn, _RELEARN)
        sent, heard = self._stretch(row, start + self._length)
        path = self._fitted(state, sent, heard)
        if _left(path, sent, heard) < _left(state.path, sent, heard):
            self._keep(state, row, path, sent, heard)

    def _keep(self, state: _Row, row: int, path: EchoPath, sent: F32, heard: F32) -> None:
        state.path = path
        state.leak = min(_left(path, sent, heard) / above_noise(heard), 1.0)


def _left(path: EchoPath, sent: F32, heard: F32) -> float:
    """Energy of ``heard`` that ``path`` does not explain."""
    left = _quieter(path.left(sent, heard), heard)
    return float(left @ left)


def _quieter(clean: F64, heard: F64) -> F64:
    """``clean``, but ``heard`` where it is louder than that: there the echo was lost on its way."""
    n = heard.size // _BLOCK * _BLOCK
    before, after = (np.add.reduceat(x * x, np.arange(0, n, _BLOCK)) for x in (heard, clean))
    return np.where(np.concatenate((np.repeat(after > before, _BLOCK), np.zeros(heard.size - n, np.bool_))), heard, clean)
