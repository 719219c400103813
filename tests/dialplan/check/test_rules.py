"""Every rule finds what it is for, at its place, and nothing near it."""

import itertools
from pathlib import Path

import pytest

from ivr.dialplan.check.checker import RULES, check_file
from ivr.dialplan.source.errors import VERB_PACKAGE_RULE
from tests.dialplan.check.cases import CASES, Case, write


def name_of(case: Case) -> str:
    return f"{case.rule} ({case.name})" if case.name else case.rule


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_plan_that_trips_it(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, case.trips)
    found = check_file(path, case.capabilities)
    hits = [finding for finding in found if finding.rule == case.rule]
    assert {hit.line for hit in hits} == case.lines, [str(finding) for finding in found]
    assert {finding.rule for finding in found} <= {case.rule, *case.also}, [str(each) for each in found]
    lines = path.read_text(encoding="utf-8").split("\n")
    for hit in hits:
        assert hit.file == str(path) and hit.source == lines[hit.line - 1]
        assert 1 <= hit.column <= len(hit.source) + 1
        assert hit.severity == RULES[case.rule].severity and hit.remedy


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_plan_near_it(case: Case, tmp_path: Path) -> None:
    found = check_file(write(tmp_path, case.near), case.capabilities)
    assert {finding.rule for finding in found} <= case.also - {case.rule}, [str(each) for each in found]


def test_every_rule_has_its_cases() -> None:
    """But for the rule of broken packages, which no plan trips: ``engine/test_verb_packages.py``."""
    assert {case.rule for case in CASES} == set(RULES) - {VERB_PACKAGE_RULE}


def test_phrases_that_sound_alike_are_found_among_many(tmp_path: Path) -> None:
    """A company directory: too many to compare each with each."""
    first = ["bak", "dol", "fam", "gor", "hun", "jal", "kem", "lod", "mip", "nor", "pak", "rol", "sam", "tub"]
    last = ["dorf", "berg", "mann", "fels", "kirk", "hof", "tal", "gau", "wig"]
    names = ["".join(pair) for pair in itertools.product(first, last)]
    for extra, rules in (([], set()), (["meyer", "meier"], {"confusable"})):
        choices = "\n".join(f"          {name}: {{say: {name}}}" for name in [*names, *extra])
        gather = f"    - gather:\n        noinput: {{goto: a}}\n        choices:\n{choices}\n"
        text = f"dialplan: 1\nstart: a\nsteps:\n  a:\n{gather}    - say: Bye.\n    - hangup:\n"
        found = {finding.rule for finding in check_file(write(tmp_path, text))}
        assert found - {"no-exhaustion-route"} == rules
