"""Calls that echo: our own prompt interrupts nobody, and who speaks over it is heard. Each rule here fails
without its code: the same sounds are given to batched with ``echo=False`` where that shows it.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import LineBank
from ivr.vad.batched import BatchedVad
from ivr.vad.echo import Cleaned
from ivr.vad.echo_path import PathFinder
from ivr.vad.events import SpeechSuspected, VadEvent
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import SileroModel
from tests.vad.echoes import Echo, at_level, calls, heard
from tests.vad.sounds import PROMPTS, Pcm16, loud_from, music, noise, prompt, silence, started

Leg = tuple[Pcm16, Pcm16]
DELAYS = 20, 60, 120, 250


def whole(x: Pcm16) -> Pcm16:
    return x[: x.size // LINE_FRAME * LINE_FRAME]


def said(*names: str) -> Pcm16:
    """What is sent: half a second of nothing, the prompts at -20 dBFS, nothing."""
    x = at_level(np.concatenate([prompt(name) for name in names]), -20)
    return whole(np.concatenate([silence(0.5), x, silence(0.8)]))


def detector_for(model: SileroModel, rows: int, echo: bool = True) -> BatchedVad:
    return BatchedVad(model, DetectorOptions(echo=echo), LineBank(rows))


def turns(model: SileroModel, legs: Sequence[Leg], echo: bool = True) -> int:
    """Calls in which a turn began."""
    return sum(bool(started(events)) for events in calls(detector_for(model, len(legs), echo), legs))


def over(sent: Pcm16, voice: Pcm16, at: int) -> Pcm16:
    """``voice`` from the sample ``at`` of a line on."""
    x = np.zeros(sent.size, np.int16)
    x[at : at + voice.size] = voice[: sent.size - at]
    return x


def spoken_over(echo: Echo | None, dbfs: float, count: int = 14) -> tuple[list[Leg], list[int]]:
    """Recordings spoken over prompts, and where they begin."""
    legs, onsets = [], []
    for i, name in enumerate(PROMPTS[1 : 2 * count : 2]):
        sent = said(*(PROMPTS[(7 * i + k) % len(PROMPTS)] for k in (0, 2, 4)))
        voice = at_level(prompt(name)[:12000], dbfs)
        at = 12000 + 1111 * i
        legs.append((sent, heard(sent, echo, over(sent, voice, at), seed=i)))
        onsets.append(at + loud_from(voice))
    return legs, onsets


def latencies(events: list[list[VadEvent]], onsets: list[int]) -> list[float]:
    """Milliseconds from each onset to the turn that begins next; inf: none within a second and a half."""
    found = []
    for decided, onset in zip(events, onsets, strict=True):
        after = [e.at / 2 - onset for e in started(decided) if 0 < e.at / 2 - onset < 12000]
        found.append(after[0] / 8 if after else np.inf)
    return found


@pytest.mark.parametrize("loss_db", [12, 24])
def test_an_echo_begins_no_turn(model: SileroModel, loss_db: float) -> None:
    """It begins none from the first prompt of the first second of the call on."""
    sounds = [said(name) for name in PROMPTS[::2]]
    legs = [
        (sent, heard(sent, Echo(loss_db, DELAYS[i % 4], seed=i), seed=i)) for i, sent in enumerate(sounds)
    ]
    assert turns(model, legs, echo=False) > 0.9 * len(legs)
    assert turns(model, legs) == 0


def test_music_that_comes_back_begins_no_turn(model: SileroModel) -> None:
    sounds = [at_level(music(i)[160000 + 8000 * i :][:64000], -20) for i in range(10)]
    legs = [(sent, heard(sent, Echo(12, DELAYS[i % 4], seed=i), seed=i)) for i, sent in enumerate(sounds)]
    assert turns(model, legs) == 0


@pytest.mark.parametrize(
    "echo", [Echo(15, 90, second=(35, 6)), Echo(15, 90, reverb_ms=250)], ids=["second", "room"]
)
def test_rooms_and_second_reflections_are_learned(model: SileroModel, echo: Echo) -> None:
    sounds = [said(name, PROMPTS[3 * i]) for i, name in enumerate(PROMPTS[::4])]
    legs = [(sent, heard(sent, echo, seed=i)) for i, sent in enumerate(sounds)]
    assert turns(model, legs, echo=False) == len(legs)
    # The network for 8 kHz is sooner sure than a room's path is learned.
    assert turns(model, legs) <= 4


def test_the_end_of_a_prompt_that_was_stopped_begins_no_turn(model: SileroModel) -> None:
    """What was stopped comes back for another quarter of a second."""
    legs = []
    for i, name in enumerate(PROMPTS[::4]):
        sent = said(name, name).copy()
        loud = np.flatnonzero(np.abs(sent) > 3000)
        sent[loud[loud.size // 2] :] = 0
        legs.append((sent, heard(sent, Echo(12, 250, seed=i), seed=i)))
    assert turns(model, legs) == 0


def test_a_frame_more_in_a_jitter_buffer_is_no_speech(model: SileroModel) -> None:
    legs = []
    for i, name in enumerate(PROMPTS[::4]):
        sent = said(name, PROMPTS[2 * i])
        back = heard(sent, Echo(15, DELAYS[i % 4], seed=i), seed=i)
        middle = sent.size // 2
        back = np.concatenate([back[:middle], back[middle - LINE_FRAME : -LINE_FRAME]])
        legs.append((sent, back))
    assert turns(model, legs) <= 1


def test_lost_frames_are_no_speech(model: SileroModel) -> None:
    """What the echo would have been is not put in the place of a lost frame."""
    legs = []
    for i, name in enumerate(PROMPTS[::4]):
        sent = said(name, PROMPTS[2 * i])
        legs.append((sent, heard(sent, Echo(15, DELAYS[i % 4], seed=i), seed=i, loss=0.01)))
    assert turns(model, legs) <= 2


@pytest.mark.parametrize("dbfs", [-20.0, -32.0], ids=["aloud", "as loud as the echo"])
@pytest.mark.parametrize("echo", [Echo(12, 60), Echo(12, 250), Echo(18, 120)], ids=str)
def test_who_speaks_over_an_echo_is_heard(model: SileroModel, echo: Echo, dbfs: float) -> None:
    legs, onsets = spoken_over(echo, dbfs)
    quiet, _ = spoken_over(None, dbfs)
    found = latencies(calls(detector_for(model, len(legs)), legs), onsets)
    alone = latencies(calls(detector_for(model, len(quiet), echo=False), quiet), onsets)
    assert np.isinf(found).sum() == 0
    assert np.median(found) <= np.median(alone) + 32
    assert np.mean(found) <= np.mean(alone) + 64


@pytest.mark.parametrize("dbfs", [-20.0, -34.0], ids=["loud", "soft"])
def test_a_line_without_echo_is_heard_as_before(model: SileroModel, dbfs: float) -> None:
    """Even where prompt and caller have the same voice, which one filter may turn into the other for a
    moment.
    """
    legs, onsets = spoken_over(None, dbfs, count=27)
    on = latencies(calls(detector_for(model, len(legs)), legs), onsets)
    off = latencies(calls(detector_for(model, len(legs), echo=False), legs), onsets)
    assert not np.isinf(on).any()
    assert np.median(on) <= np.median(off) + 5
    assert np.percentile(on, 95) <= np.percentile(off, 95) + 5
    assert np.max(np.subtract(on, off)) <= 65


def test_nothing_is_sought_while_nothing_sounds_like_speech(model: SileroModel) -> None:
    """What a prompt costs on the usual line; and a caller when nothing is sent."""
    sent = said(*PROMPTS[:3])
    batched = detector_for(model, 2)
    nothing = np.zeros(sent.size, np.int16)
    calls(
        batched,
        [(sent, heard(sent, None)), (nothing, heard(nothing, None, over(sent, prompt("vm-options"), 4000)))],
    )
    assert batched.echoes is not None
    assert batched.echoes.sought == batched.echoes.cleaned == 0


@pytest.mark.parametrize("noise_dbfs, asked", [(-65, 0.25), (-50, 0.42)])
def test_a_known_echo_spares_the_network(model: SileroModel, noise_dbfs: float, asked: float) -> None:
    """It does so too where what is left of a window is the line's noise."""
    sent = said(*PROMPTS[:4])
    back = heard(sent, Echo(12, 60), noise_dbfs=noise_dbfs)
    on, off = detector_for(model, 1), detector_for(model, 1, echo=False)
    calls(on, [(sent, back)])
    calls(off, [(sent, back)])
    assert on.inferences < asked * off.inferences
    assert on.echoes is not None and on.echoes.cleaned > 0.3 * on.windows


def test_what_is_left_of_an_echo_is_neither_made_louder_nor_believed_at_once(
    model: SileroModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    legs = [(np.zeros(16000, np.int16), whole(at_level(prompt("vm-options"), -20)[:16000]))]

    def loudest(cleaned: bool) -> tuple[float, float]:
        """Return the peak of what the network is shown and the highest probability that follows."""
        batched, shown = detector_for(model, 1), list[float]()
        if cleaned:
            monkeypatch.setattr(
                batched.echoes, "known", lambda rows, starts, heard: {0: Cleaned(heard[0], 1, 1, alone=False)}
            )
            monkeypatch.setattr(batched.echoes, "suspected", lambda *args: {})

        run = model.run

        def ask(windows: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            shown.append(float(np.abs(windows).max()))
            return run(windows, states)

        with monkeypatch.context() as patch:
            patch.setattr(model, "run", ask)
            (events,) = calls(batched, legs)
        return max(shown), max(event.probability for event in started(events))

    peak = float(np.abs(legs[0][1]).max()) / 32768
    (as_heard, _), (left, probability) = loudest(False), loudest(True)
    assert as_heard == pytest.approx(peak * 10 ** (15 / 20), rel=0.01)
    assert left == pytest.approx(peak, rel=0.01)
    assert probability <= 0.9


def test_the_network_forgets_the_beginning_of_an_echo(model: SileroModel) -> None:
    """Windows of it that were taken for speech before its path was found: the memory is that of before."""
    checked = 0
    for i, name in enumerate(PROMPTS):
        sent = said(name)[:16000]
        back = heard(sent, Echo(18, 120, seed=i), seed=i)
        # Choosy, so that windows go by until a path is believed in.
        batched = BatchedVad(model, DetectorOptions(echo_share=0.985), LineBank(1))
        assert batched.echoes is not None
        line = batched.bank.open()
        batched.open(line, EndpointingOptions(), lambda event: None)
        memory = [batched._state.copy()]
        for at in range(0, sent.size, LINE_FRAME):
            line.write_sent(sent[at : at + LINE_FRAME].tobytes())
            line.write_received(back[at : at + LINE_FRAME].tobytes())
            inferences, known = batched.inferences, batched.echoes._known.any()
            while batched.round():
                memory.append(batched._state.copy())
            if batched.echoes.cleaned:
                break
        if (
            known
            or not batched.echoes.cleaned
            or batched.inferences != inferences + 1
            or batched.echoes.sought < 2
        ):
            continue  # it was found at once, or never, or something was left in it
        before = batched.echoes._calls[line.row].memory
        assert before is not None
        faded = [before, before * np.exp(-1 / 100)]
        assert any(np.allclose(memory[-1][:, line.row], x, atol=1e-4) for x in faded)
        # Unless the run began with this window, the network had received more.
        checked += not np.allclose(memory[-2][:, line.row], before, atol=0.1)
    assert checked >= 2


def test_events_say_how_much_was_echo(model: SileroModel) -> None:
    options = EndpointingOptions(details=True)
    sent = said("vm-options")
    aloud = over(sent, at_level(prompt("vm-goodbye"), -20), 24000)
    batched = detector_for(model, 3)
    legs = [
        (sent, heard(sent, None, aloud)),
        (sent, heard(sent, Echo(12, 60), aloud)),
        (sent, heard(sent, Echo(12, 60, reverb_ms=600))),
    ]
    clean, mixed, echo = calls(batched, legs, options)
    assert started(clean)[0].echo == 0.0
    assert 0 < started(mixed)[0].echo < 0.6
    hints = [e.echo for e in echo if isinstance(e, SpeechSuspected)]
    assert max(hints) > 0.5


def test_after_a_pause_the_echo_of_long_ago_is_no_likelihood(model: SileroModel) -> None:
    sent = np.concatenate([said("vm-options")[:24000], silence(3)])
    voice = over(sent, at_level(prompt("vm-goodbye"), -20), 36000)
    (events,) = calls(detector_for(model, 1), [(sent, heard(sent, Echo(12, 60), voice))])
    (began,) = started(events)
    assert began.onset > 60000 and began.echo == 0.0


def test_the_next_call_on_a_line_has_another_path(model: SileroModel) -> None:
    batched = detector_for(model, 1)
    sent = said("vm-options")
    legs = [(sent, heard(sent, Echo(12, 60)))]
    (first,) = calls(batched, legs, EndpointingOptions(details=True))
    assert batched.echoes is not None
    sought, cleaned = batched.echoes.sought, batched.echoes.cleaned
    (second,) = calls(batched, legs, EndpointingOptions(details=True))
    assert (batched.echoes.sought, batched.echoes.cleaned) == (2 * sought, 2 * cleaned)
    assert second == first


def test_a_path_that_no_longer_helps_is_forgotten(model: SileroModel) -> None:
    """The line stops echoing: its caller is heard as anybody."""
    sent = said(*PROMPTS[:8])
    half = sent.size // 2 // LINE_FRAME * LINE_FRAME
    voice = over(sent, at_level(prompt("vm-whichbox"), -24), half + 16000)
    back = np.concatenate([heard(sent, Echo(12, 60))[:half], heard(sent, None, voice)[half:]])
    batched = detector_for(model, 1)
    (events,) = calls(batched, [(sent, back)])
    onset = half + 16000 + loud_from(prompt("vm-whichbox"))
    assert any(0 < e.at / 2 - onset < 0.25 * 8000 for e in started(events))
    assert batched.echoes is not None and not batched.echoes._known.any()


def test_a_mistake_of_ours_makes_nobody_deaf(model: SileroModel, monkeypatch: pytest.MonkeyPatch) -> None:
    legs, onsets = spoken_over(None, -22, count=4)

    def fails(*args: object) -> None:
        raise FloatingPointError("no path")

    monkeypatch.setattr(PathFinder, "fit", fails)
    found = latencies(calls(detector_for(model, len(legs)), legs), onsets)
    assert not np.isinf(found).any()


def test_comfort_noise_beside_an_echo_is_no_speech(model: SileroModel) -> None:
    sent = said(*PROMPTS[:3])
    back = heard(sent, Echo(18, 120), noise_dbfs=-48)
    later = back + noise(sent.size / 8000, -52, 3)[: sent.size]
    assert turns(model, [(sent, back), (sent, later.astype(np.int16))]) == 0
