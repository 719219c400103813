"""The connections within a call in pjsua's bridge: its stream, the tap that receives, the player that
sends."""

import contextlib
from typing import Any

import pjsua2 as pj

from ivr.sip.leg import CallLeg
from ivr.sip.pjsip.media import CallMedia, make_media
from ivr.sip.stats import CallbackTimes


class Wiring:
    """The connections of one call, to which it keeps no reference: that would be a cycle. SIP thread only."""

    def __init__(self) -> None:
        self._ports: CallMedia | None = None
        self._media: Any = None
        self._playing = False

    @property
    def stream(self) -> Any:
        """The call's stream (``pj.AudioMedia``), None while it has none."""
        return self._media

    def connect(self, media: Any, leg: CallLeg, times: CallbackTimes) -> None:
        """Connect to a stream (``pj.AudioMedia``), a new one after a re-INVITE."""
        self._media, self._playing = media, False
        if self._ports is None:
            self._ports = make_media(leg.key, leg.line, leg.call_id, leg.player.slot, times)
        if not leg.held:
            media.startTransmit(self._ports.tap)
        self.play(leg)

    def play(self, leg: CallLeg) -> None:
        """Connect the player port while there is something to play, disconnect it when not."""
        if self._media is None or self._ports is None:
            return
        playback = leg.player.slot.buffer
        self._ports.play(playback)
        wanted = playback is not None and not leg.held
        if wanted and not self._playing:
            self._ports.player.startTransmit(self._media)
        elif self._playing and not wanted:
            self._ports.player.stopTransmit(self._media)
        self._playing = wanted

    def lost(self) -> None:
        """The stream has ended, and its connections with it."""
        self._media, self._playing = None, False

    def release(self) -> CallMedia | None:
        """Disconnect at the end of the call. Returns the ports, to be freed once the clock thread has left
        them."""
        ports, self._ports = self._ports, None
        if self._media is not None and ports is not None:
            pairs = [(self._media, ports.tap)]
            if self._playing:
                pairs.append((ports.player, self._media))
            for source, sink in pairs:
                with contextlib.suppress(pj.Error):  # the stream was gone already
                    source.stopTransmit(sink)
        self.lost()
        return ports
