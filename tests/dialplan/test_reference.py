"""The reference page: current, and with everything in it that the code knows."""

import re
from pathlib import Path

from ivr.dialplan import reference
from ivr.dialplan.check.checker import RULES
from ivr.dialplan.engine.registry import all_verbs
from ivr.dialplan.source.explain import fields_of
from ivr.dialplan.values.prompting import PromptOptions

FILE = Path(__file__).resolve().parents[2] / "dialplans" / reference.FILE


def section(title: str, text: str) -> str:
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,4}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[2]


def test_the_page_in_the_repository_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference.page(), "run: ivr schema --reference -o dialplans"


def test_every_verb_has_its_fields_events_and_errors() -> None:
    text = reference.page()
    for name, verb in all_verbs().items():
        found = section(name, text)
        shared = PromptOptions.model_fields if issubclass(verb, PromptOptions) else {}
        for field in fields_of(verb):
            if field not in shared and field != "on_error" and verb.mapping_field is None:
                assert f"| `{field}` |" in found, (name, field)
        for event in (*verb.events, *verb.errors):
            assert f"- `{event}`: " in found, (name, event)


def test_every_field_has_a_description() -> None:
    silent = [
        f"{name}.{field}"
        for name, verb in all_verbs().items()
        for field, info in fields_of(verb).items()
        if not info.description
    ]
    assert not silent


def test_every_rule_has_its_page() -> None:
    text = reference.page()
    for rule in RULES.values():
        found = section(rule.id, text)
        assert "Remedy: " in found and len(found) > 80
        assert found.startswith(f"\n{'An error' if rule.severity == 'error' else 'A warning'}: ")


def test_links_lead_somewhere() -> None:
    text = reference.page()
    anchors = {
        line.lstrip("# ").lower().replace(" ", "-") for line in text.split("\n") if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors


def test_no_chapter_is_there_twice() -> None:
    chapters = re.findall(r"^##? .*$", reference.page(), re.MULTILINE)
    assert len(chapters) == len(set(chapters)), chapters


def test_mappings_within_mappings_have_tables() -> None:
    text = reference.page()
    assert "`params` of `tools`:" in section("agent", text) and "| `required` |" in section("agent", text)
    assert "`mail` of `hook`:" in section("record", text)
