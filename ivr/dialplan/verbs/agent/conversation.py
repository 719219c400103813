"""A conversation between a caller and a language model, turn by turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ivr.dialplan.plan.verb import GoTo, Next
from ivr.dialplan.runtime.fillers import with_fillers
from ivr.dialplan.runtime.language_model import (
    Ask,
    LanguageModel,
    Message,
    ModelFailed,
    Piece,
    ToolCall,
    ToolDefinition,
)
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.runtime.spoken_text import SpokenText
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.texts import say
from ivr.dialplan.verbs.agent.model import AgentFields
from ivr.dialplan.verbs.agent.tools import DONE, BadArguments
from ivr.dialplan.verbs.built_in_texts import NOINPUT_TEXT
from ivr.grammar.matching import content_words
from ivr.session import SessionEnded

RULES = (
    "You talk with a caller on the telephone, and what you write is spoken aloud. Answer in one to three "
    "short sentences of plain words: no lists, no headings, no emoji, no addresses of web pages unless "
    "asked. Ask one question at a time. What the caller said was understood by a machine and may have "
    "mistakes in it: ask when in doubt. Never say that you have done what no tool has done. When the "
    f"conversation is over say goodbye and call {DONE}. The language is: "
)
CONTINUE_TEXT = "Your last words broke off there. Continue from there, briefly."
MAX_ROUNDS = 6
"""Replies to one turn of the caller, each but the last with tools in it."""
MAX_BROKEN_REPLIES = 2
"""Replies in a row that break off, or are empty."""
BETWEEN_KEYS_S = 2.0
MAX_KEYS = 64
CLOCK_HZ = 16_000
"""The samples that a session's clock counts."""
_CHARACTERS_PER_TOKEN = 4
"""Characters per token, usual for English, where the server does not count tokens."""
_DONE_TOOL = ToolDefinition(
    DONE, "The conversation is over: the caller needs nothing more.", {"type": "object", "properties": {}}
)


@dataclass(slots=True)
class _Ended:
    """The end of the verb, and what the plan does next."""

    after: Next


class _StreamedReply:
    """A reply on its way: its text as an iterator, and what is known of it once that has ended."""

    def __init__(self, pieces: AsyncIterator[Piece], history: list[Message]) -> None:
        """``history`` is what it answers."""
        self.history = history
        self.text, self.calls, self.tokens = "", tuple[ToolCall, ...](), 0
        self.error: ModelFailed | None = None
        self._pieces = pieces
        self._texts = self._read()
        self._first = ""

    async def begin(self) -> None:
        """Wait for the first of its text, or for its end when it has none. Raises ModelFailed."""
        async for text in self._texts:
            self._first = text
            return
        if self.error is not None:
            raise self.error

    async def texts(self) -> AsyncIterator[str]:
        """All of it, from the beginning. A reply that breaks off ends here, with ``error``."""
        yield self._first
        async for text in self._texts:
            yield text

    async def _read(self) -> AsyncIterator[str]:
        spoken = SpokenText()
        try:
            async for piece in self._pieces:
                self.tokens += piece.tokens
                self.calls += piece.calls
                if text := spoken.feed(piece.text):
                    self.text += text
                    yield text
        except ModelFailed as error:
            self.error = error
        if text := spoken.end():
            self.text += text
            yield text

    async def aclose(self) -> None:
        """End the request, where it still runs."""
        for source in (self._texts, self._pieces):
            close = getattr(source, "aclose", None)
            if close is not None:
                with contextlib.suppress(RuntimeError):  # it is being read; its reader ends it
                    await close()


class Conversation:
    """One ``agent`` verb in one call."""

    def __init__(self, agent: AgentFields, run: Run, model: LanguageModel) -> None:
        self._agent, self._run, self._model = agent, run, model
        rules = f"{RULES}{run.language}.\n\n{run.render(agent.instructions)}"
        self._history = [Message("system", rules)]
        self._offers = [*(tool.offer(name) for name, tool in agent.tools.items()), _DONE_TOOL]
        chosen = agent.active_universals.items()
        self._keys = {key: name for name, each in chosen for key in each.press}
        self._phrases = {self._words(phrase): name for name, each in chosen for phrase in each.say}
        self._began = run.session.clock
        self._turns = self._tokens = self._broken = 0
        self._open: set[_StreamedReply] = set()
        """Replies that were asked for and are not over; all but one were to what the caller said no more."""

    def _words(self, text: str) -> tuple[str, ...]:
        return content_words(text, self._run.language)

    async def run(self) -> Next:
        """Talk until the conversation ends; returns what the plan does next. Raises ModelFailed."""
        session = self._run.session
        if self._agent.preemptive:
            session.prepare_replies(self._prepare)
        try:
            return await self._talk()
        finally:
            if self._agent.preemptive:
                with contextlib.suppress(SessionEnded):
                    session.prepare_replies(None)
            await self._close_all()

    async def _talk(self) -> Next:
        agent, run = self._agent, self._run
        if agent.greeting is not None:
            result = await run.prompt(agent.greeting, agent, listening_next=True)
            if result is not None and result.heard_text:
                self._history.append(Message("assistant", result.heard_text))
        quiet = 0
        while True:
            limit = self._limit()
            if limit is not None:
                return self._end(limit)
            heard, prepared = await self._next_turn()
            if isinstance(heard, _Ended):
                return heard.after
            if heard is not None:
                quiet = 0
                self._turns += 1
                run.caller_answered()
                self._history = self._with(heard)
                ended = await self._answer(prepared)
                if ended is not None:
                    return ended.after
            elif self._limit() is None:
                quiet += 1
                if quiet > agent.tries:
                    run.gather_given_up()
                    return self._end("noinput")
                await run.prompt(agent.noinput or say(NOINPUT_TEXT), agent, listening_next=True)

    # -- the caller

    async def _next_turn(self) -> "tuple[str | _Ended | None, asyncio.Future[_StreamedReply | None] | None]":
        """Their next turn, in words, None for silence, or where a universal leads; and the reply that was
        begun before it was over.
        """
        left = self._agent.max_time - self._seconds()
        pressed = ""
        while len(pressed) < MAX_KEYS:
            waits = BETWEEN_KEYS_S if pressed else min(self._agent.timeout, max(left, 0.1))
            turn = await self._run.listen(waits)
            if turn.reason == "dtmf" and not (turn.text == "#" and pressed):
                pressed += turn.text
                continue
            if turn.reason == "speech":
                name = None if pressed else self._phrases.get(self._words(turn.text))
                if name is not None:
                    return self._universal(name, "speech"), None
                words = turn.text or "(The caller said something that was not understood.)"
                return (f"(The caller pressed {pressed}.) {words}", None) if pressed else (words, turn.reply)
            if turn.reason == "noinput" and not pressed:
                return None, None
            break
        if pressed in self._keys:
            return self._universal(self._keys[pressed], "keys"), None
        return f"(The caller pressed {pressed}.)", None

    def _universal(self, name: str, by: str) -> _Ended:
        """Said or pressed by itself it is no matter for the model, which may be down."""
        run = self._run
        run.caller_answered()
        run.log.info("universal_chosen", universal=name, by=by)
        run.stop_skipping()
        return _Ended(self._agent.active_universals[name].leads(run.plan.start))

    def _with(self, words: str) -> list[Message]:
        """The conversation with that turn. Two with nothing said between them are one: some servers insist on
        turns that alternate.
        """
        *before, last = self._history
        if last.role == "user":
            return [*before, Message("user", f"{last.content} {words}")]
        return [*before, last, Message("user", words)]

    # -- the model

    async def _answer(self, prepared: "asyncio.Future[_StreamedReply | None] | None") -> _Ended | None:
        """Reply to the caller, tools included; None when it is their turn again. Raises ModelFailed."""
        for _ in range(MAX_ROUNDS):
            writing, interrupted = await self._say_reply(prepared)
            prepared = None
            if interrupted:
                return None  # what else it wanted was decided before the caller said more
            if writing.error is not None or not (writing.text or writing.calls):
                self._broken += 1
                if self._broken >= MAX_BROKEN_REPLIES:
                    raise writing.error or ModelFailed("its replies are empty")
                if writing.text:
                    self._history.append(Message("system", CONTINUE_TEXT))
                continue
            self._broken = 0
            if not writing.calls:
                return None
            ended = await self._use(writing.calls)
            if ended is not None:
                return ended
            if self._tokens >= self._agent.max_cost:
                return _Ended(self._end("max_cost"))
        raise ModelFailed(f"it used tools in {MAX_ROUNDS} replies in a row")

    async def _say_reply(
        self, prepared: "asyncio.Future[_StreamedReply | None] | None"
    ) -> tuple[_StreamedReply, bool]:
        """One reply, said while it is written; and whether the caller cut it off. Raises ModelFailed."""
        agent, run = self._agent, self._run
        loop = asyncio.get_running_loop()
        asked = loop.time()
        try:
            begun = self._begun(prepared)
            writing = await with_fillers(run, begun, agent.filler, agent.filler_after, agent)
            first_ms = round((loop.time() - asked) * 1000)
            interrupted, heard = False, ""
            if writing.text:
                result = await run.say_as_written(writing.texts(), agent)
                if result is not None:
                    interrupted = result.interrupted
                    heard = result.heard_text if interrupted else writing.text
        finally:
            await self._close_all()
        calls = () if interrupted or writing.error is not None else writing.calls
        if heard or calls:
            self._history.append(Message("assistant", heard.strip(), calls))
        run.log.info(
            "agent_replied",
            first_ms=first_ms,
            interrupted=interrupted,
            broke_off=writing.error is not None,
            tools=[call.name for call in calls],
            tokens=self._tokens,
        )
        return writing, interrupted

    def _asked(self, history: list[Message]) -> _StreamedReply:
        agent = self._agent
        ask = Ask(tuple(history), tuple(self._offers), agent.model or "", agent.temperature)
        writing = _StreamedReply(self._model.reply(ask), history)
        self._open.add(writing)
        return writing

    async def _begun(self, prepared: "asyncio.Future[_StreamedReply | None] | None") -> _StreamedReply:
        """A reply whose first words are there: the one that was prepared, if the conversation became the one
        it answers. Raises ModelFailed.
        """
        if prepared is not None:
            writing = await prepared
            if writing is not None and writing.history[:-1] == self._history[:-1]:
                self._run.log.debug("agent_reply_prepared")
                return writing
        writing = self._asked(self._history)
        await writing.begin()
        return writing

    async def _prepare(self, words: str) -> _StreamedReply | None:
        """Prepare, for ``VoiceSession.prepare_replies``, a reply to what the caller has said so far."""
        writing = self._asked(self._with(words))
        try:
            await writing.begin()
        except ModelFailed:
            return None
        except asyncio.CancelledError:
            await self._close(writing)
            raise
        return writing

    async def _close(self, writing: _StreamedReply) -> None:
        """End it and count what it cost, said or not."""
        if writing in self._open:
            self._open.remove(writing)
            await writing.aclose()
            self._tokens += writing.tokens or self._estimated(writing)

    async def _close_all(self) -> None:
        for writing in tuple(self._open):
            await self._close(writing)

    async def _use(self, calls: tuple[ToolCall, ...]) -> _Ended | None:
        """Call the tools that the model wants, and add each result to the history: every call needs one."""
        for call in calls:
            if call.name == DONE:
                return _Ended(self._end("done"))
            reported, outcome, after = await self._used(call)
            self._run.log.info("agent_tool_used", tool=call.name[:64], outcome=outcome)
            if after is not None:
                return _Ended(after)
            self._history.append(Message("tool", reported, call_id=call.id))
        return None

    async def _used(self, call: ToolCall) -> tuple[str, str, Next]:
        """Return the result for the model, the outcome in one word, and what the plan does next."""
        tool = self._agent.tools.get(call.name)
        if tool is None:
            return f"error: there is no tool {call.name[:64]!r}", "unknown", None
        try:
            after, reported = await tool.use(self._run, tool.arguments(call.arguments))
        except BadArguments as error:
            return f"error: {error}", "bad_arguments", None
        except VerbFailed as error:
            self._run.log.error("agent_tool_failed", tool=call.name, failure=error.event)
            return f"error: {self._run.variables.redact(str(error))}", error.event, None
        return reported, "done", after

    # -- its limits

    def _seconds(self) -> float:
        return (self._run.session.clock - self._began) / CLOCK_HZ

    def _limit(self) -> str | None:
        if self._turns >= self._agent.max_turns:
            return "max_turns"
        if self._seconds() >= self._agent.max_time:
            return "max_time"
        return "max_cost" if self._tokens >= self._agent.max_cost else None

    def _estimated(self, writing: _StreamedReply) -> int:
        asked = sum(len(message.content) for message in writing.history)
        return (asked + len(writing.text)) // _CHARACTERS_PER_TOKEN + 1

    def _end(self, how: str) -> Next:
        """The route of that end; None, the next verb, where it has none."""
        step: str | None = getattr(self._agent.on, how)
        self._run.log.info("agent_ended", how=how, turns=self._turns, tokens=self._tokens)
        return GoTo(step) if step is not None else None
