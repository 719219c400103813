"""The distribution: its name, and that no message sends a reader to somebody else's package."""

import re
import tomllib

from tests.test_layout import ROOT, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = PROJECT["name"]
OTHERS = re.compile(
    r"pip3? install [^\n]*?(?<![\w/.-])ivr(?![\w/.-])"  # pip install ivr, pip install 'ivr[plot]'
    r"|(?<![\w-])ivr\[\w+(,\w+)*\]"  # ivr[plot]
    r"|(?:version|requires|distribution|metadata|files)\(.ivr.\)"  # importlib.metadata.version("ivr")
)
"""``ivr`` as the name of a distribution: on the package index it belongs to somebody else."""


def test_no_message_names_the_distribution_of_somebody_else() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = enumerate(text.splitlines(), 1) if path.name != "test_packaging.py" else ()
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for number, line in lines
            if OTHERS.search(line)
        ]
    assert not found, f"the distribution is {NAME}:\n" + "\n".join(found)


def test_the_other_name_is_recognised() -> None:
    wrong = (
        "pip install ivr",
        "pip install -U 'ivr[plot]'",
        "needs ivr[plot,local]",
        'metadata.version("ivr")',
    )
    right = (f"pip install '{NAME}[plot]'", "/opt/ivr/bin/pip install -q '/src[local]'", "ivr serve")
    assert all(OTHERS.search(text) for text in wrong)
    assert not any(OTHERS.search(text) for text in right)


def test_extras_name_the_distribution() -> None:
    own = [
        requirement
        for extra in PROJECT["optional-dependencies"].values()
        for requirement in extra
        if re.match(r"[\w-]+\[", requirement)
    ]
    assert own and all(requirement.startswith(f"{NAME}[") for requirement in own)
