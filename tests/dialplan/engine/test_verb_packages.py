"""Verbs that installed packages add: distributions with an entry point of ``ivr.verbs`` on ``sys.path``."""

import importlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from ivr.dialplan import PlanError, load_plan, reference
from ivr.dialplan.check.checker import check_file
from ivr.dialplan.engine import registry, schema
from ivr.dialplan.engine.registry import VerbPackageError, all_verbs
from tests.dialplan.dialogues import dialogues, failure, hold
from tests.dialplan.plans import write

SMS = '''
"""The module of a package that is not the project's own."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from ivr.dialplan import GoTo, Next, Run, SpeakingVerb
from ivr.dialplan.values.fields import Duration, OneOrMany, StepName, Text
from ivr.dialplan.values.texts import TemplateText


class Sms(SpeakingVerb):
    """Send a text message to the caller."""

    name: ClassVar[str] = "sms"
    short_field: ClassVar[str | None] = "text"

    text: TemplateText = Field(description="what the message says, values in {{ }}")
    to: Annotated[tuple[Text, ...], OneOrMany(str)] = Field(
        default=(), description="a number, or a list of them; the caller's own when not given"
    )
    timeout: Duration = Field(default=5.0, description="how long to wait for the gateway, such as 5s")
    sent: StepName | None = Field(default=None, description="the step to go to when it is sent")

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        if self.sent is not None:
            yield "sent", self.sent

    async def run(self, run: Run) -> Next:
        numbers = self.to or (run.call.facts.caller,)
        run.log.info("sms_sent", count=len(numbers))
        await run.prompt(f"I have sent {run.render(self.text)}.", self)
        return GoTo(self.sent) if self.sent is not None else None
'''
STEPS = """
a:
  - sms: the address
  - sms: {text: more, to: ['101', '102'], sent: bye}
  - goto: bye
bye:
  - say: Bye.
  - hangup:
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution: ``install(name, source, verb=...)``. Nothing of it is left afterwards."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules = set(sys.modules)
    registry.all_verbs.cache_clear()

    def installed(source: str, verb: str = "sms", module: str = "acme_sms", attribute: str = "Sms") -> Path:
        (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[ivr.verbs]\n{verb} = {module}:{attribute}\n")
        importlib.invalidate_caches()
        return site

    yield installed
    for name in set(sys.modules) - modules:
        if name.startswith("acme"):
            del sys.modules[name]
    registry.all_verbs.cache_clear()


def test_a_plan_uses_the_verb_of_a_package(install: Callable[..., Path], tmp_path: Path) -> None:
    install(SMS)
    file = dialogues(tmp_path, STEPS, "- hears: I have sent the address.\n- hears: I have sent more.\n")
    outcome = hold(file)
    assert outcome.failure is None, outcome.failure
    assert list(all_verbs())[-1] == "sms"


def test_the_verb_of_the_readme(install: Callable[..., Path], tmp_path: Path) -> None:
    """The code in ``ivr/dialplan/verbs/README.md``, as printed, with a gateway that refuses one text."""
    readme = Path(registry.__file__).parents[1] / "verbs" / "README.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    gateway = "class gateway:\n    async def send(number, text):\n        return text != 'refused'\n"
    install(code + gateway)
    steps = """
    a:
      - sms: {text: hello, sent: b}
    b:
      - sms: {text: refused, sent: a, on_error: c}
      - hangup:
    c:
      - say: It was refused.
      - hangup:
    """
    outcome = hold(dialogues(tmp_path, textwrap.dedent(steps), "- hears: It was refused.\n"))
    assert outcome.failure is None, outcome.failure


def test_a_dialogue_with_it_can_fail(install: Callable[..., Path], tmp_path: Path) -> None:
    install(SMS)
    assert "I have sent the address." in failure(tmp_path, STEPS, "- hears: Nothing was sent.\n")


def test_the_check_knows_its_fields_and_where_it_leads(install: Callable[..., Path], tmp_path: Path) -> None:
    install(SMS)
    steps = "  a:\n    - sms: {txt: x}\n    - sms: {text: x, sent: nowhere}\n"
    found = check_file(write(tmp_path, f"dialplan: 1\nstart: a\nsteps:\n{steps}"))
    messages = [finding.message for finding in found]
    assert any("'txt' is not a field of sms; expected text, to, timeout, sent" in text for text in messages)
    assert any("there is no step 'nowhere'" in text for text in messages)
    fine = write(tmp_path, f"dialplan: 1\nstart: a\nsteps:\n{textwrap.indent(STEPS, '  ')}")
    assert [finding.rule for finding in check_file(fine) if finding.rule == "unreachable"] == []


def test_the_schema_has_it_with_every_form_of_its_fields(install: Callable[..., Path]) -> None:
    install(SMS)
    validator = jsonschema.Draft202012Validator(schema.plan_schema())

    def valid(verb: object) -> bool:
        return bool(validator.is_valid({"dialplan": 1, "start": "a", "steps": {"a": [{"sms": verb}]}}))

    assert valid("hello") and valid({"text": "x", "to": "101"}) and valid({"text": "x", "to": ["101", 102]})
    assert not valid({"txt": "x"}) and not valid(None) and not valid({"text": "x", "timeout": "soon"})


def test_the_reference_describes_it(install: Callable[..., Path]) -> None:
    install(SMS)
    page = reference.page()
    assert "| [`sms`](#sms) | `sms: …`, its `text` | Send a text message to the caller |" in page
    assert "| `timeout` | how long to wait for the gateway, such as 5s | 5s |" in page


def test_the_commands_see_it(install: Callable[..., Path], tmp_path: Path) -> None:
    """The commands run in interpreters of their own, as an operator runs them."""
    site = install(SMS)
    dialogues(tmp_path, STEPS, "- hears: I have sent the address.\n- hears: I have sent more.\n")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    for command in ("check", "test", "simulate"):
        done = subprocess.run(
            [sys.executable, "-m", "ivr.cli", command, str(tmp_path / "plan.yaml")],
            env=environment,
            capture_output=True,
            text=True,
            input="",
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "I have sent the address." in done.stdout


def refusal(tmp_path: Path) -> str:
    """The message with which any plan is refused."""
    with pytest.raises(PlanError) as refused:
        load_plan(write(tmp_path, "dialplan: 1\nstart: a\nsteps: {a: [say: Hello.]}\n"))
    return str(refused.value)


def test_a_name_clash_with_a_built_in_verb_names_the_package(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    install(SMS.replace('= "sms"', '= "say"'), verb="say")
    message = refusal(tmp_path)
    assert "the package acme-sms 1.2 adds the verb 'say', which is built in" in message
    assert "uninstall the package, or have its author rename the verb" in message


def test_two_packages_with_one_name_are_both_named(install: Callable[..., Path], tmp_path: Path) -> None:
    install(SMS)
    install(SMS, module="acme_text")
    assert "the packages acme-sms 1.2 and acme-text 1.2 both add the verb 'sms'" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("source", "attribute", "reason"),
    [
        ("import no_such_module\n", "Sms", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0\n", "Sms", "ZeroDivisionError: division by zero"),
        (SMS, "Mms", "AttributeError: module 'acme_sms' has no attribute 'Mms'"),
        ("Sms = 5\n", "Sms", "is no subclass of ivr.dialplan.Verb"),
        (
            "from ivr.dialplan import Verb as Sms\n",
            "Sms",
            "with a method run",
        ),
        (SMS.replace('= "sms"', '= "text_message"'), "Sms", "calls itself 'text_message'"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_with_a_remedy(
    source: str, attribute: str, reason: str, install: Callable[..., Path], tmp_path: Path
) -> None:
    install(source, attribute=attribute)
    message = refusal(tmp_path)
    assert reason in message and "package acme-sms 1.2" in message and "uninstall the package" in message
    with pytest.raises(VerbPackageError):
        schema.plan_schema()


def test_the_check_blames_the_package_and_not_the_plan(install: Callable[..., Path], tmp_path: Path) -> None:
    install("import no_such_module\n")
    (found,) = check_file(write(tmp_path, "dialplan: 1\nstart: a\nsteps: {a: [say: Hello.]}\n"))
    assert found.rule == "verb-package" and "acme-sms 1.2" in found.message
    assert "No module named 'no_such_module'" in found.message
    assert found.remedy == "repair, upgrade or uninstall the package that the message names"
    assert not found.source, "no line of the plan is shown as the fault"
