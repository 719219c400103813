"""Values, subroutines, files that include others, what follows a failure and a hang-up."""

import asyncio
from pathlib import Path

import pytest

from ivr.dialplan import PlanError, load_plan
from ivr.dialplan.plan.plan import APOLOGY, APOLOGY_OPERATOR
from ivr.service.workers.child_setup import pack, unpack
from tests.dialplan.phone import Phone


def write(folder: Path, text: str, name: str = "plan.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


HEAD = "dialplan: 1\nstart: a\n"


async def test_values_are_set_and_said(tmp_path: Path) -> None:
    plan = load_plan(
        write(
            tmp_path,
            HEAD
            + """
variables: {tries: 0}
steps:
  a:
    - set: {tries: tries + 1, who: call.id}
    - say: Try {{ tries }} of {{ who }}.
    - branch: {if: tries < 3, then: a}
    - switch: {on: tries, cases: {"1": a, "3": end}, default: a}
  end:
    - tag: {tries: tries}
    - hangup: "done {{ tries }}"
""",
        )
    )
    async with Phone(plan) as phone:
        assert await phone.ends() == "done 3"
        assert phone.tts.spoken == [f"Try {n} of phone." for n in (1, 2, 3)]


@pytest.mark.parametrize("value", ["call.from", "-'a'", "other + 1", "1 / 0"])
def test_what_a_call_begins_with_is_worked_out_when_the_plan_is_read(tmp_path: Path, value: str) -> None:
    text = f"{HEAD}variables:\n  n: 1\n  x: {value}\nsteps:\n  a: [hangup: ]\n"
    with pytest.raises(PlanError) as refused:
        load_plan(write(tmp_path, text))
    assert (refused.value.line, refused.value.column) == (5, 6)
    assert "'x' has no value before a call" in refused.value.message


async def test_a_subroutine_returns_and_its_params_are_its_own(tmp_path: Path) -> None:
    plan = load_plan(
        write(
            tmp_path,
            HEAD
            + """
variables: {what: "'outside'"}
steps:
  a:
    - call: {step: greet, with: {what: "'inside'"}}
    - say: Now {{ what }}.
    - call: greet2
    - hangup:
  greet:
    params: [what]
    do:
      - say: It is {{ what }}.
      - set: {what: "'changed'"}
      - say: Then {{ what }}.
  greet2:
    - return:
    - say: Never.
""",
        )
    )
    async with Phone(plan) as phone:
        assert await phone.ends() == "hangup"
        assert phone.tts.spoken == ["It is inside.", "Then changed.", "Now outside."]


async def test_subroutines_without_end_are_a_loop(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, HEAD + "steps:\n  a:\n    - call: a\n"))
    async with Phone(plan) as phone:
        assert await phone.ends() == "loop"
        assert phone.tts.spoken == [APOLOGY]


async def test_a_failure_goes_where_the_plan_says(tmp_path: Path) -> None:
    plan = load_plan(
        write(
            tmp_path,
            HEAD
            + """
on_error: sorry
steps:
  a:
    - say: {text: "{{ missing }}", on_error: own}
  own:
    - say: "First {{ error.event }} in {{ error.step }}."
    - set: {x: missing + 1}
  sorry:
    - say: Then {{ error.verb }}.
    - hangup: over
""",
        )
    )
    async with Phone(plan) as phone:
        assert await phone.ends() == "over"
        assert phone.tts.spoken == ["First bad_value in a.", "Then set."]
        assert [entry["line"] for entry in phone.logged("verb_failed")] == [7, 10]


async def test_a_failure_nobody_expects_ends_in_the_apology(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, HEAD + "on_error: a\nsteps:\n  a:\n    - set: {x: missing}\n"))
    async with Phone(plan) as phone:
        assert await phone.ends() == "error"
        assert phone.tts.spoken == [APOLOGY]


async def test_the_operator_is_who_takes_over_when_something_fails(tmp_path: Path) -> None:
    plan = load_plan(write(tmp_path, HEAD + 'operator: "100"\nsteps:\n  a:\n    - set: {x: missing}\n'))
    async with Phone(plan) as phone:
        assert await phone.ends() == "transferred"
        assert phone.tts.spoken == [APOLOGY_OPERATOR]
        assert phone.call.transfers[0][0] == "100"


async def test_what_is_to_be_done_after_the_caller_has_left(tmp_path: Path) -> None:
    plan = load_plan(
        write(
            tmp_path,
            HEAD
            + """
on_hangup: after
steps:
  a:
    - set: {n: 1}
    - pause: 60s
  after:
    - log: "left after {{ n }}"
    - tag: {left: n}
""",
        )
    )
    async with Phone(plan) as phone:
        await phone.silence(1)
        await phone.session.stop()
        assert await asyncio.wait_for(phone.task, 5) == "caller_hangup"
        assert phone.logged("plan_log")[0]["message"] == "left after 1"
        assert phone.call.ended == []


def test_nobody_is_spoken_to_after_they_left(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEAD + "on_hangup: b\nsteps:\n  a:\n    - hangup:\n  b:\n    - goto: c\n  c:\n    - say: Hello\n",
    )
    with pytest.raises(PlanError, match=r":10:7: 'say' cannot be done after the caller has left"):
        load_plan(path)


async def test_the_language_of_a_call(tmp_path: Path) -> None:
    plan = load_plan(
        write(
            tmp_path,
            HEAD + "languages: [fr, en]\nsteps:\n  a:\n"
            "    - say: {text: {en: Hello, fr: Bonjour}}\n    - say: Eh\n",
        )
    )
    assert plan.prompts()[:3] == ["Hello", "Bonjour", "Eh"]
    async with Phone(plan) as phone:
        await phone.ends()
        assert phone.tts.spoken == ["Bonjour", "Eh"]


def test_a_plan_can_be_handed_to_another_process(tmp_path: Path) -> None:
    path = write(
        tmp_path, HEAD + "steps:\n  a:\n    - set: {x: 1 + 2}\n    - say: X is {{ x }}.\n    - hangup:\n"
    )
    plan = load_plan(path)
    assert unpack(pack(plan)) == plan


# -- files


def test_a_plan_includes_others(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    write(tmp_path / "lib", "library: 1\ninclude: more.yaml\nsteps:\n  b:\n    - goto: c\n", "one.yaml")
    write(
        tmp_path / "lib",
        "library: 1\ninclude: one.yaml\nsteps:\n  c:\n    - say: C\n    - goto: a\n",
        "more.yaml",
    )
    plan = load_plan(write(tmp_path, HEAD + "include: lib/one.yaml\nsteps:\n  a:\n    - goto: b\n"))
    assert list(plan.steps) == ["a", "b", "c"]
    assert [path.name for path in plan.files] == ["plan.yaml", "one.yaml", "more.yaml"]
    before = plan.hash
    write(tmp_path / "lib", "library: 1\nsteps:\n  c:\n    - say: D\n    - goto: a\n", "more.yaml")
    assert load_plan(plan.path).hash != before


def test_a_mistake_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "library: 1\nsteps:\n  b:\n    - goto: nowhere\n  a:\n    - hangup:\n", "one.yaml")
    path = write(tmp_path, HEAD + "include: [one.yaml, two.yaml]\nsteps:\n  a:\n    - goto: b\n")
    with pytest.raises(PlanError) as refused:
        load_plan(path)
    lines = str(refused.value).splitlines()
    assert any("one.yaml:4:13: 'goto': there is no step 'nowhere'" in line for line in lines)
    assert any("one.yaml:5:3: the step 'a' is in plan.yaml too" in line for line in lines)
    assert any(
        "plan.yaml:3:21: 'two.yaml' cannot be included: there is no such file" in line for line in lines
    )


def test_the_same_plan_has_the_same_hash(tmp_path: Path) -> None:
    text = HEAD + "steps:\n  a:\n    - hangup:\n"
    one, other = load_plan(write(tmp_path, text)), load_plan(write(tmp_path, text, "other.yaml"))
    assert one.hash == other.hash and len(one.hash) == 12
