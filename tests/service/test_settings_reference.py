"""The reference of the settings, the commented file and the JSON Schema, all from the declaration; and that
every setting is read by something."""

import ast
import dataclasses
import inspect
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import jsonschema
import pytest

from ivr.service.config import reference
from ivr.service.config.declaration import Option, SettingsTree, TableArray
from ivr.service.config.flags import FLAGS
from ivr.service.config.settings import Settings, SettingsError, load_settings, settings_tree
from tests.test_layout import PACKAGE, ROOT, modules


def options(tree: SettingsTree | None = None) -> Iterator[Option]:
    for node in (settings_tree() if tree is None else tree).values():
        if isinstance(node, Option):
            yield node
        else:
            yield from options(node.tree if isinstance(node, TableArray) else node)


def test_the_page_in_the_repository_is_current() -> None:
    path = ROOT / "docs" / reference.PAGE
    assert path.read_text(encoding="utf-8") == reference.page(), "run: ivr settings -o docs"


def test_every_setting_has_a_text_and_an_example() -> None:
    for option in options():
        assert option.text().endswith((".", '."', ".)")), f"{option.name}: {option.text()!r}"
        assert reference.example_of(option) is not None, option.name
    names = {option.name for option in options()}
    assert set(reference.EXAMPLES) <= names
    assert set(FLAGS) <= names
    tables = {name.rpartition(".")[0] for name in names}
    assert tables == set(reference.TABLES) - {name for name in reference.TABLES if name not in tables}


def test_every_setting_is_on_the_page_with_its_unit() -> None:
    rows = [line for line in reference.page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(options()))
    assert any("`min_silence_ms` | a number | `400` | ms | `400` | call |" in row for row in rows)
    assert any("`bind` |" in row and "restart" in row and "`--bind HOST:PORT`" in row for row in rows)


def write(folder: Path, text: str) -> Path:
    path = folder / "ivr.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_commented_file_sets_nothing(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, reference.commented_file()), environ={}) == Settings()


def uncommented() -> str:
    """The commented file with every setting in it set."""
    return re.sub(r"(?m)^# (?=\[|\w[\w-]* = )", "", reference.commented_file())


def test_every_line_of_it_may_be_set(tmp_path: Path) -> None:
    text = uncommented()
    settings = load_settings(write(tmp_path, text), environ={})
    assert settings.sip.registrations[0].user == "100" and settings.languages[0].tag == "fr"
    assert settings.stt.of("openai")["stream"] is True
    assert len(re.findall(r"(?m)^[\w-]+ = ", text)) == len(list(options()))


def test_the_schema_takes_what_the_service_takes(tmp_path: Path) -> None:
    schema = json.loads(reference.schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    check.validate(tomllib.loads(reference.commented_file()))
    check.validate(tomllib.loads(uncommented()))
    for wrong in (
        "[sip]\nbnd = 'x'",
        "[sip]\nmax_calls = 'x'",
        "[[sip.registrations]]\nuser = 'a'",
        "[log]\nformat = 'xml'",
    ):
        assert list(check.iter_errors(tomllib.loads(wrong))), wrong
        with pytest.raises(SettingsError):
            load_settings(write(tmp_path, wrong), environ={})


# -- every setting is read


def unread(declared: Iterable[Option], sources: Mapping[Path, str]) -> list[str]:
    """The settings that no code reads: as an attribute in the room of the options class or in a module that
    names the class, or as ``table.key`` anywhere. A copy to an attribute of the same name is no read, nor is
    a check of the options by themselves; a parameter of that name is one (options that are passed on)."""
    reads = {path: Reads(text) for path, text in sources.items()}
    found = []
    for option in declared:
        *_, table, key = ("settings", *option.name.split("."))
        classes = [each for each in option.owner.__mro__ if key in inspect.get_annotations(each)]
        names = {option.owner.__name__, *(each.__name__ for each in classes)}
        files = [Path(inspect.getfile(each)).relative_to(PACKAGE) for each in (option.owner, *classes)]
        rooms = {PACKAGE / file.parts[0] for file in files}
        near = [
            reads[path]
            for path, text in sources.items()
            if rooms & set(path.parents) or any(name in text for name in names)
        ]
        if not any(key in each.attributes for each in near) and not any(
            (table, key) in each.pairs for each in reads.values()
        ):
            found.append(option.name)
    return found


class Reads(ast.NodeVisitor):
    """What a module reads: attributes, and pairs of a name or an attribute and an attribute of it."""

    def __init__(self, text: str) -> None:
        self.attributes: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.visit(ast.parse(text))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name != "__post_init__":
            self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        self.attributes.add(node.arg)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        target, value = node.targets[0], node.value
        copied = isinstance(target, ast.Attribute) and isinstance(value, ast.Attribute)
        if not (copied and target.attr == value.attr):
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            self.attributes.add(node.attr)
            above = node.value
            if isinstance(above, ast.Attribute | ast.Name):
                self.pairs.add((above.attr if isinstance(above, ast.Attribute) else above.id, node.attr))
        self.generic_visit(node)


def package_sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in modules(PACKAGE)}


def test_every_setting_is_read() -> None:
    assert unread(options(), package_sources()) == []


def test_a_setting_that_is_only_copied_is_found() -> None:
    """A threshold of the turn detector, which was once kept on the detector and never asked for."""
    option = next(each for each in options() if each.name == "turn.smart-turn.model")
    threshold = dataclasses.replace(option, name="turn.smart-turn.threshold")
    sources = package_sources()
    path = Path(inspect.getfile(option.owner))
    line = "        self.options = options_of(SmartTurnOptions, self.name, options)\n"
    assert line in sources[path]
    sources[path] = sources[path].replace(line, f"{line}        self.threshold = self.options.threshold\n")
    assert unread([threshold], sources) == ["turn.smart-turn.threshold"]
