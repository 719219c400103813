"""The torture messages of RFC 4475 and RFC 5118 get their right answers in every state."""

from collections import Counter

from tests.hostile.messages import Target
from tests.hostile.torture.campaign import run
from tests.hostile.torture.messages import read
from tests.ports import free_port


def test_every_torture_message_gets_its_right_answer_in_every_state() -> None:
    messages = read()
    assert Counter(message.rfc for message in messages) == {4475: 49, 5118: 12}
    target = Target(free_port(), max_calls=2)
    try:
        wrong, _ = run(target, messages)
        assert not wrong, "\n".join(wrong)
    finally:
        target.close()
