"""python: functions of the plan's author, found, called, and kept from doing harm."""

import asyncio
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.dialplan import Plan, PlanError
from ivr.dialplan.plan.plan import APOLOGY
from ivr.dialplan.values.functions import GROUP, Function, FunctionError
from ivr.service.workers.child_setup import pack, unpack
from tests.dialplan import plans
from tests.dialplan.phone import Phone

CODE = """
import asyncio, datetime, sys, time

async def balance(call, account, tries=1):
    call.set("seen", [account, tries, call.variables["name"]])
    call.tag("asked", True)
    call.log.info("looked", account_length=len(account))
    await asyncio.sleep(0)
    return {"amount": 12.5, "on": datetime.date(2026, 11, 24)}

async def talk(call):
    await call.say("Say  something.", interruptible=False)
    turn = await call.listen(2)
    return turn.text or turn.reason

async def kind(call, value):
    return value

async def raises(call, pin=""):
    raise KeyError(f"no such pin {pin}")

async def leaves(call):
    sys.exit(3)

async def cancels(call):
    raise asyncio.CancelledError

async def forever(call):
    await asyncio.sleep(60)

async def stubborn(call):
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def blocks(call):
    await asyncio.sleep(0)
    time.sleep(0.15)
    await asyncio.sleep(0)

async def odd(call):
    return object()

async def reserved(call):
    call.set("call", 1)

async def facts(call):
    return f"{call.facts.id} {call.plan} {call.language} {call.now().tzinfo}"

def plain(call):
    return 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(CODE)
    return tmp_path


def plan(folder: Path, verb: str, *rest: str) -> Plan:
    lines = "".join(f"  - {line}\n" for line in (verb, *rest))
    return plans.plan(folder, f'a:\n{lines}b:\n  - hangup: "{{{{ error.event }}}}"\nc:\n  - hangup: c\n')


async def test_it_is_given_values_and_gives_some(folder: Path) -> None:
    made = plan(
        folder,
        """set: {name: "'Ada'"}""",
        """python: {function: own.py:balance, with: {account: "'12' ~ '3'", tries: 1 + 1}, into: found}""",
        'hangup: "{{ found.amount }} {{ found.on }} {{ seen[0] }} {{ seen[1] }} {{ seen[2] }}"',
    )
    async with Phone(made) as phone:
        assert await phone.ends() == "12.5 2026-11-24 123 2 Ada"
        assert phone.logged("looked")[0]["account_length"] == 3


async def test_it_speaks_and_listens(folder: Path) -> None:
    made = plan(folder, "python: {function: own.py:talk, into: heard}", 'hangup: "{{ heard }}"')
    async with Phone(made) as phone:
        await phone.hears("Say something.")
        await phone.silence(0.4)
        await phone.says("seven")
        assert await phone.ends() == "seven"
    async with Phone(made) as phone:
        assert await phone.ends() == "noinput"


@pytest.mark.parametrize(
    ("value", "end"),
    [("'yes'", "c"), ("true", "c"), ("none", "c"), ("7", "c"), ("'other'", "next"), ("false", "next")],
)
async def test_its_result_may_say_where_to_go(folder: Path, value: str, end: str) -> None:
    made = plan(
        folder,
        f'python: {{function: own.py:kind, with: {{value: "{value}"}}, '
        'goto: {"yes": c, "true": c, none: c, "7": c}}',
        "hangup: next",
    )
    async with Phone(made) as phone:
        assert await phone.ends() == end
    assert {step for _, step in made.steps["a"].verbs[0].verb.may_go_to()} == {"c"}


@pytest.mark.parametrize("name", ["raises", "leaves", "cancels", "odd", "reserved"])
async def test_what_it_raises_is_a_failure_of_the_verb(folder: Path, name: str) -> None:
    async with Phone(plan(folder, f"python: {{function: own.py:{name}, on_error: b}}")) as phone:
        assert await phone.ends() == "python_failed"
        reported = phone.logged("verb_failed")[0]["error"]
        assert f"own.py:{name}" in reported
        if name == "raises":
            assert "KeyError: 'no such pin '" in reported and "(own.py:20)" in reported
    async with Phone(plan(folder, f"python: own.py:{name}")) as phone:
        assert await phone.ends() == "error"
        assert phone.tts.spoken == [APOLOGY]


@pytest.mark.parametrize("name", ["forever", "stubborn"])
async def test_it_has_its_time(folder: Path, name: str) -> None:
    verb = f"python: {{function: own.py:{name}, timeout: 100ms, on_error: b}}"
    async with Phone(plan(folder, verb)) as phone:
        assert await asyncio.wait_for(phone.ends(), 5) == "timeout"
        assert bool(phone.logged("python_not_cancelled")) is (name == "stubborn")


async def test_a_caller_who_leaves_ends_it(folder: Path) -> None:
    made = plan(folder, "python: {function: own.py:talk, timeout: 60s}")
    async with Phone(made) as phone:
        await phone.silence(0.5)
        await phone.session.stop()
        assert await asyncio.wait_for(phone.task, 5) == "caller_hangup"
        assert not phone.logged("verb_failed")


async def test_one_that_blocks_is_reported(folder: Path) -> None:
    async with Phone(plan(folder, "python: own.py:blocks", "hangup:")) as phone:
        assert await phone.ends() == "hangup"
        (warned,) = phone.logged("python_blocked_loop")
        assert warned["level"] == "warning" and warned["held_ms"] >= 150
    async with Phone(plan(folder, "python: own.py:facts", "hangup:")) as phone:
        await phone.ends()
        assert not phone.logged("python_blocked_loop")


async def test_what_it_knows_of_the_call(folder: Path) -> None:
    made = plan(folder, "python: {function: own.py:facts, into: f}", 'hangup: "{{ f }}"')
    async with Phone(made) as phone:
        assert await phone.ends() == "phone plan en UTC"


async def test_nothing_sensitive_is_logged(folder: Path) -> None:
    made = plan(
        folder,
        """python: {function: own.py:kind, with: {value: "'secret-4711'"}, into: pin, sensitive: true}""",
        "set: {again: pin}",
        "python: {function: own.py:raises, with: {pin: again}}",
    )
    async with Phone(made) as phone:
        assert await phone.ends() == "error"
        assert phone.logged("verb_failed")
        assert "4711" not in json.dumps(phone.events, default=str)


# -- loading


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("python: own.py:ballance", "there is no 'ballance' in own.py; did you mean 'balance'"),
        ("python: other.py:f", "the file 'other.py' cannot be read: No such file"),
        ("python: own.py:plain", "is no async function: write 'async def'"),
        (
            "python: own.py:balance",
            r"takes \(call, account, tries=1\).*missing a required argument: 'account'",
        ),
        (
            "python: {function: own.py:kind, with: {valu: 1}}",
            "missing a required argument: 'value'|unexpected",
        ),
        ("python: 'a b'", "expected file.py:function, or the name of an entry point"),
        ("python: nowhere", "no installed package has a function 'nowhere'"),
        ("python: broken.py:f", r"broken.py cannot be loaded: ZeroDivisionError: .* \(line 2\)"),
        ("python: syntax.py:f", "syntax.py cannot be loaded: SyntaxError"),
        ("python: quits.py:f", "quits.py cannot be loaded: SystemExit: 4"),
        ("python: {function: own.py:odd, goto: {a: nowhere}}", "there is no step 'nowhere'"),
    ],
)
def test_mistakes_are_found_when_the_plan_is_loaded(folder: Path, verb: str, message: str) -> None:
    (folder / "broken.py").write_text("x = 1\ny = x / 0\n")
    (folder / "syntax.py").write_text("def f(:\n")
    (folder / "quits.py").write_text("import sys\nsys.exit(4)\n")
    with pytest.raises(PlanError, match=message) as refused:
        plan(folder, verb)
    assert (refused.value.line, refused.value.column) >= (5, 7)


def test_a_file_that_was_changed_is_read_again(folder: Path) -> None:
    old = Function("own.py:facts", folder)
    assert Function("own.py:facts", folder)._function is old._function
    (folder / "own.py").write_text("async def facts(call):\n    return 1\n")
    assert Function("own.py:facts", folder)._function is not old._function
    assert asyncio.run(Function("own.py:facts", folder)(None, {})) == 1


@pytest.fixture
def package(tmp_path: Path) -> Iterator[None]:
    """An installed package that offers a function."""
    site = tmp_path / "site"
    (site / "acme_ivr-1.0.dist-info").mkdir(parents=True)
    (site / "acme_ivr.py").write_text("async def vip(call, number):\n    return number == '7'\n")
    (site / "acme_ivr-1.0.dist-info" / "METADATA").write_text("Name: acme-ivr\nVersion: 1.0\n")
    entry = f"[{GROUP}]\nvip = acme_ivr:vip\ngone = acme_ivr:gone\n"
    (site / "acme_ivr-1.0.dist-info" / "entry_points.txt").write_text(entry)
    sys.path.insert(0, str(site))
    yield
    sys.path.remove(str(site))
    sys.modules.pop("acme_ivr", None)


@pytest.mark.usefixtures("package")
async def test_functions_of_packages(folder: Path) -> None:
    made = plan(folder, """python: {function: vip, with: {number: "'7'"}, goto: {"true": c}}""")
    async with Phone(made) as phone:
        assert await phone.ends() == "c"
    with pytest.raises(PlanError, match=r"gone \(acme_ivr:gone\) cannot be loaded"):
        plan(folder, "python: gone")
    with pytest.raises(PlanError, match="did you mean 'vip'"):
        plan(folder, "python: vipp")


async def test_a_plan_with_functions_can_be_handed_to_another_process(folder: Path) -> None:
    made = plan(folder, "python: {function: own.py:facts, into: f, on_error: b}", 'hangup: "{{ f }}"')
    again = unpack(pack(made))
    assert again == made
    async with Phone(again) as phone:
        assert await phone.ends() == "phone plan en UTC"
    packed = pack(made)
    (folder / "own.py").write_text("")
    async with Phone(
        unpack(packed)
    ) as phone:  # the file was changed since: that call's matter, no one else's
        assert await phone.ends() == "python_failed"


def test_a_file_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "own.py").write_text("async def f(call):\n    return 1\n")
    library = "library: 1\nsteps:\n  b:\n    - python: own.py:f\n    - hangup:\n"
    (tmp_path / "lib" / "one.yaml").write_text(library)
    path = plans.write(
        tmp_path,
        textwrap.dedent(
            """
            dialplan: 1
            start: a
            include: lib/one.yaml
            steps:
              a:
                - goto: b
            """
        ),
    )
    from ivr.dialplan import load_plan

    made = load_plan(path)
    assert [file.name for file in made.files] == ["plan.yaml", "one.yaml", "own.py"]
    (tmp_path / "lib" / "own.py").write_text("async def f(call):\n    return 2\n")
    assert load_plan(path).hash != made.hash
    with pytest.raises(FunctionError):
        Function("own.py:f", tmp_path)
