"""The echo of what a call was sent, taken out of what it heard before the network looks.

A line that does not echo costs nothing until something on it sounds like speech while, or shortly after,
something was sent: then the path of an echo is sought in the last half second (``echo_path.py``). Where one
explains enough of what was heard it is kept, and from then on each window is cleaned by it first. A window
with next to nothing left is nobody's speech, and is not shown to the network. Samples are the line's, 8 kHz;
everything runs on the VAD thread.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import structlog

from ivr.audio.frames import LINE_RATE, ms_to_samples
from ivr.audio.line import RING, LineBank
from ivr.vad.echo_path import TAPS, EchoPath, PathFinder, above_noise, noise_in
from ivr.vad.options import DetectorOptions

log = structlog.get_logger(__name__)

Pcm16 = npt.NDArray[np.int16]
F32 = npt.NDArray[np.float32]
_I64 = npt.NDArray[np.int64]

STRETCH_MS = 512
"""Sound in which a path is sought. Long, so that what was sent and did not come back counts too."""
_TRIES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Windows of a run of likely speech at which a path is sought; then every 32nd."""
_MAX_FAILED_SEARCHES = 6
"""Failed searches after which a line is taken to have no echo for a while."""
_WAIT = LINE_RATE, 16 * LINE_RATE
"""Wait between searches then, in samples: initial, maximum. Doubled after each failed search."""
_EXPLAINED = 0.5
"""A path that leaves more of a window's energy does not explain it."""
_DOUBTFUL = 0.2
"""Share from which less likely delays are tried, where the likeliest explains too little."""
_USELESS = 16
"""Windows in a row to which a path adds energy before it is forgotten."""
_SHORT_ENOUGH = 0.95
"""A short filter that explains less is made a long one."""
_BETTER = 0.3
"""A path in place of another leaves at most this share of the energy that the other left."""
_SURE = 0.85
"""Share of the energy that a new path must explain where there is little to fit it to."""
_FITTER = 0.7
"""The same path fitted again in a run of likely speech leaves at most this share."""
_PAUSES = 256, 8192
"""Wait between such fits after a failed one, in samples: initial, maximum. Doubled each time."""
_RELEARN = 2, 64
"""Windows of nothing but echo between two fits of a path: initial, maximum. Doubled each time."""
_LEAK = 2.5
"""Residual tolerated for pure echo: so many times the residual of the fit."""
_LEAK_MOST = 0.25
"""The cap of that residual, as a share of the energy; used alone while the path is young."""
_YOUNG = 16
"""A path is young below this value of ``relearn``: it has not been heard in all sounds yet."""
_BLOCK = 64
"""Samples that are cleaned, or left as they are, together."""
_RECENT = 0.6
"""Weight of a window in the likelihood when the next has come."""
_STALE = 4
"""Windows after which a likelihood says nothing."""


@dataclass(slots=True, eq=False)
class Cleaned:
    """A window without its echo."""

    sound: Pcm16
    """A window with its margins."""
    heard: float
    """Energy of the window itself, before."""
    left: float
    """Energy of the window itself, after."""
    alone: bool
    """There was nothing else in it."""


@dataclass(slots=True, eq=False)
class _Call:
    """What is known of one call."""

    path: EchoPath | None = None
    proven: bool = False
    """The path has explained a window that it was not fitted to."""
    leak: float = 0.0
    """Share of the energy that the path left where it was fitted."""
    noise: float = 0.0
    """Energy of a sample of the line's noise."""
    unexplained: bool = False
    """The path does not explain the current window."""
    useless: int = 0
    """Windows in a row to which the path adds energy."""
    alone: int = 0  # windows of nothing but echo since the last fit
    relearn: int = _RELEARN[0]  # windows of nothing but echo that lead to the next fit
    run: int = 0
    """Windows in a row that are likely speech, or that the path does not explain."""
    failed_searches: int = 0  # searches in a row that found no path
    next_search: int = 0  # sample before which no search is made
    wait: int = _WAIT[0]  # samples by which the next failed search puts that off
    memory: F32 | None = None
    """What the network remembered before the run."""
    again: int = 0  # sample from which the path may be fitted again in a run
    pause: int = _PAUSES[0]  # samples to wait after the next failed fit
    heard: float = 0.0  # energy of the last windows
    explained: float = 0.0  # energy of the last windows that the path explained
    counted: int = 0  # the first sample of the last of these windows

    def count(self, start: int, heard: float, explained: float) -> None:
        self.heard = self.heard * _RECENT + heard
        self.explained = self.explained * _RECENT + max(explained, 0.0)
        self.counted = start

    def keep(self, path: EchoPath, sent: F32, heard: F32) -> None:
        self.path = path
        self.noise = noise_in(heard)
        self.leak = min(_left(path, sent, heard) / above_noise(heard), 1.0)


class Echoes:
    """Finds and removes the echo on all calls of a bank."""

    def __init__(
        self, options: DetectorOptions, bank: LineBank, memory: F32, span: _I64, window: slice
    ) -> None:
        """``memory``: the network's, (2, rows, 128). ``span``: the samples of a window with its margins,
        relative to its first; ``window``: its own position in them.
        """
        self._bank, self._memory, self._span, self._window = bank, memory, span, window
        self._length = window.stop - window.start
        stretch = ms_to_samples(STRETCH_MS, LINE_RATE)
        self._finder = PathFinder(options.echo_delay_ms, options.echo_loss_db, stretch)
        self._loss = 10 ** (-options.echo_loss_db / 10)
        self._share = options.echo_share
        self._alone = 1 / (1 + 10 ** (options.echo_margin_db / 10))
        self._audible = 32768 * 10 ** (options.silence_dbfs / 20)
        self._known = np.zeros(len(bank.written), np.bool_)
        """The line echoes."""
        self._calls: dict[int, _Call] = {}
        self.sought = 0
        """Times that a path was sought, or fitted again in a run of likely speech."""
        self.cleaned = 0
        """Windows that an echo was taken out of."""

    def forget(self, row: int) -> None:
        """Another call has the line."""
        self._known[row] = False
        self._calls.pop(row, None)

    def likelihood(self, row: int, start: int) -> float:
        """Share, 0 to 1, of the energy of the windows up to ``start`` that what was sent explains."""
        call = self._calls.get(row)
        if call is None or call.heard <= 0 or start - call.counted > _STALE * self._length:
            return 0.0
        return min(call.explained / call.heard, 1.0)

    def known(self, rows: _I64, starts: _I64, heard: Pcm16) -> dict[int, Cleaned]:
        """Remove the echo on the lines known to echo: position in ``rows`` to the window without it.
        ``heard``: the windows with their margins, int16 (rows, span).
        """
        found: dict[int, Cleaned] = {}
        for i in np.flatnonzero(self._known[rows]).tolist():
            row, start = int(rows[i]), int(starts[i])
            call = self._calls[row]
            try:
                window = self._without(call, row, start, heard[i])
                if window is None:
                    continue
                found[i] = window
                call.proven |= not call.unexplained
                if window.alone:
                    if call.run and call.memory is not None:
                        # What sounded like speech before was an echo too.
                        self._memory[:, row] = call.memory
                    call.run = 0
                    self._relearn(call, row, start)
            except Exception:
                self._failed(row)
        return found

    def suspected(
        self,
        rows: _I64,
        starts: _I64,
        heard: Pcm16,
        cleaned: dict[int, Cleaned],
        likely: npt.NDArray[np.bool_],
        memory: F32,
    ) -> dict[int, Cleaned]:
        """Search the windows that are ``likely`` speech, or that a known path does not explain, for an echo
        that was not known: those in which one was found, as ``known`` gives them. ``memory``: the network's
        before this round, (2, rows, 128); that of a window of echo alone becomes what it was before the run.
        """
        found: dict[int, Cleaned] = {}
        for i in np.flatnonzero(likely | self._known[rows]).tolist():
            if i in cleaned and cleaned[i].alone:
                continue
            row, start = int(rows[i]), int(starts[i])
            call = self._calls.setdefault(row, _Call())
            if not (likely[i] or call.unexplained):
                call.run = 0
                continue
            call.run += 1
            if call.run == 1:
                call.memory = memory[:, i].copy()
            too_soon = call.path is None and start < call.next_search
            if too_soon or (call.run not in _TRIES and call.run % 32):
                continue
            try:
                if self._seek(call, row, start, heard[i]):
                    window = self._without(call, row, start, heard[i])
                    if window is not None:
                        found[i] = window
                        if window.alone and call.memory is not None:
                            memory[:, i] = call.memory
                            call.run = 0
            except Exception:
                self._failed(row)
        for row in rows[~likely & ~self._known[rows]].tolist():
            if row in self._calls:
                self._calls[row].run = 0
        return found

    def _failed(self, row: int) -> None:
        """A mistake on one call must not stop detection for other calls."""
        log.exception("echo_failed", row=row)
        self.forget(row)

    def _sent(self, row: int, first: int, last: int) -> Pcm16:
        """What was sent, samples [first, last) of the line."""
        return _from_ring(self._bank.sent[row], first, last)

    def _stretch(self, row: int, end: int) -> tuple[F32, F32]:
        """What was sent and heard up to ``end``, as the finder wants it."""
        finder = self._finder
        sent = self._sent(row, end - finder.stretch - finder.before, end)
        heard = _from_ring(self._bank.received[row], end - finder.stretch, end)
        return sent.astype(np.float32), heard.astype(np.float32)

    def _without(self, call: _Call, row: int, start: int, heard: Pcm16) -> Cleaned | None:
        """A window without its echo; None when nothing was sent that could echo, or its path is no help."""
        assert call.path is not None
        call.unexplained = False
        first = start + int(self._span[0]) - call.path.delay
        sent = self._sent(row, first - call.path.taps.size + 1, first + self._span.size)
        if max(int(sent.max()), -int(sent.min())) < self._audible:
            return None
        wide = heard.astype(np.float32)
        clean = _quieter(wide - call.path.echo(sent.astype(np.float32)), wide)
        before, after = wide[self._window], clean[self._window]
        energy, left = float(before @ before), float(after @ after)
        call.count(start, energy, energy - left)
        call.unexplained = left > _EXPLAINED * energy and float(np.abs(before).max()) >= self._audible
        if left >= 0.9 * energy:
            # A frame was lost on its way, the path has changed, or somebody speaks.
            call.useless += call.unexplained
            if call.useless >= _USELESS:
                self._known[row], call.path = False, None
            return None
        call.useless = 0
        margin = self._alone
        if call.proven:
            leak = _LEAK_MOST if call.relearn < _YOUNG else min(_LEAK * call.leak, _LEAK_MOST)
            margin = max(margin, leak)
        noise = 1.5 * call.noise * before.size
        alone = left - noise <= margin * (energy - noise) or float(np.abs(after).max()) < self._audible
        self.cleaned += 1
        return Cleaned(np.rint(clean).clip(-32768, 32767).astype(np.int16), energy, left, alone)

    def _seek(self, call: _Call, row: int, start: int, heard: Pcm16) -> bool:
        """Whether a path was found that explains what was heard up to this window, or a better one."""
        end = start + self._length
        latest = self._sent(row, end - self._finder.before - self._length, end)
        if max(int(latest.max()), -int(latest.min())) < self._audible:
            return False
        sent, stretch = self._stretch(row, end)
        window = heard[self._window].astype(np.float32)
        energy = float(window @ window)
        blocks = sent[: sent.size // self._length * self._length].reshape(-1, self._length)
        loudest = float(np.einsum("ij,ij->i", blocks, blocks).max())
        if energy > self._loss * loudest:
            return False
        self.sought += 1
        if call.path is not None:
            return self._improve(call, end, sent, stretch)
        path, share = self._fresh(sent, stretch)
        if share < self._share:
            call.failed_searches += 1
            if call.failed_searches >= _MAX_FAILED_SEARCHES:
                # Most lines have no echo; those whose callers talk most would be searched most.
                call.next_search, call.wait = end + call.wait, min(2 * call.wait, _WAIT[1])
            return False
        call.failed_searches, call.wait = 0, _WAIT[0]
        call.keep(path, sent, stretch)
        call.alone, call.relearn, call.useless, call.proven = 0, _RELEARN[0], 0, False
        self._known[row] = True
        return True

    def _fresh(self, sent: F32, heard: F32) -> tuple[EchoPath, float]:
        """A path from nothing, and the share of the energy that it explains."""
        likeliest, *others = self._finder.delays(sent, heard)
        path, share = self._finder.fit(sent, heard, likeliest)
        for delay in others:
            if not _DOUBTFUL < share < self._share:
                break
            other, more = self._finder.fit(sent, heard, delay)
            if more > share:
                path, share = other, more
        return path, share

    def _improve(self, call: _Call, end: int, sent: F32, heard: F32) -> bool:
        """Whether something explains the last windows better than the path that is known."""
        assert call.path is not None
        if call.unexplained:
            latest, window = sent[heard.size - self._length :], heard[-self._length :]
            path = self._finder.shift(latest, window, call.path)
            if _left(path, latest, window) < _BETTER * _left(call.path, latest, window):
                call.path = path
                return True
            if call.relearn < _YOUNG:
                # It was found in too little sound.
                path, share = self._fresh(sent, heard)
                if share >= self._share and _left(path, sent, heard) < _FITTER * _left(
                    call.path, sent, heard
                ):
                    call.keep(path, sent, heard)
                    return True
            # What was heard before the run may have come by the old path.
            n = min(max(call.run, 2) * self._length, heard.size)
            latest, window = sent[heard.size - n :], heard[-n:]
            path, share = self._fresh(latest, window)
            if share >= _SURE and _left(path, latest, window) < _BETTER * _left(call.path, latest, window):
                call.keep(path, latest, window)
                return True
        if end < call.again:
            return False
        path = self._fitted(call, sent, heard)
        n = min((call.run + 1) * self._length, heard.size)
        latest, window = sent[heard.size - n :], heard[-n:]
        better = _left(path, latest, window) < _FITTER * _left(call.path, latest, window)
        if better:
            call.pause = _PAUSES[0]
            call.keep(path, sent, heard)
        else:
            call.again = end + call.pause
            call.pause = min(2 * call.pause, _PAUSES[1])
        return better

    def _relearn(self, call: _Call, row: int, start: int) -> None:
        """A window of nothing but echo: after some of them the path is fitted to those too."""
        assert call.path is not None
        call.alone += 1
        if call.alone < call.relearn:
            return
        call.alone, call.relearn = 0, min(2 * call.relearn, _RELEARN[1])
        sent, heard = self._stretch(row, start + self._length)
        path = self._fitted(call, sent, heard)
        if _left(path, sent, heard) < _left(call.path, sent, heard):
            call.keep(path, sent, heard)

    def _fitted(self, call: _Call, sent: F32, heard: F32) -> EchoPath:
        """The path fitted to what was heard last, and made long where a short one is not enough. Only one
        that predicted the current window is made long: so many taps explain anything after the fact.
        """
        path = call.path
        assert path is not None
        if path.taps.size == TAPS:
            path, share = self._finder.fit(sent, heard, path.delay)
            if share >= _SHORT_ENOUGH or call.unexplained:
                return path
        return self._finder.extend(sent, heard, path)


def _left(path: EchoPath, sent: F32, heard: F32) -> float:
    """Energy of ``heard`` that ``path`` does not explain."""
    left = _quieter(path.left(sent, heard), heard)
    return float(left @ left)


def _from_ring(ring: Pcm16, first: int, last: int) -> Pcm16:
    """Samples [first, last) of a line; a view where they are in one piece."""
    at = first % RING
    if at + last - first <= RING:
        return ring[at : at + last - first]
    return np.concatenate((ring[at:], ring[: at + last - first - RING]))


def _quieter(clean: F32, heard: F32) -> F32:
    """``clean``, but ``heard`` where it is louder than that: there the echo was lost on its way."""
    n = heard.size // _BLOCK * _BLOCK
    before, after = (np.square(x[:n]).reshape(-1, _BLOCK).sum(axis=1) for x in (heard, clean))
    worse = after > before
    if worse.any():
        clean = clean.copy()
        clean[:n].reshape(-1, _BLOCK)[worse] = heard[:n].reshape(-1, _BLOCK)[worse]
    return clean
