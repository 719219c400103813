"""The queue to the SIP thread: bounded, and one bad command harms no other."""

import threading

from ivr.sip.commands import COMMANDS, Commands


def test_run_in_order_on_the_thread_and_at_once_there() -> None:
    ran: list[tuple[str, bool]] = []

    def note(name: str) -> None:
        ran.append((name, threading.current_thread() is thread))

    def wrong() -> None:
        raise RuntimeError("a command that fails")

    def body() -> None:
        waiting.run()
        waiting.put(lambda: note("at once"))

    thread = threading.Thread(target=body)
    waiting = Commands(thread)
    for command in (lambda: note("first"), wrong, lambda: note("second")):
        assert waiting.put(command)
    assert ran == []
    thread.start()
    thread.join()
    assert ran == [("first", True), ("second", True), ("at once", True)]


def test_refused_when_full() -> None:
    waiting = Commands(threading.Thread())
    ran: list[int] = []
    assert all(waiting.put(lambda: ran.append(1)) for _ in range(COMMANDS))
    assert not waiting.put(lambda: ran.append(1))
    waiting.run()
    assert len(ran) == COMMANDS
