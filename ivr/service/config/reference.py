"""The settings for people and for editors: the reference page, a commented file, the JSON Schema."""

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ivr.service.config.declaration import Option, SettingsTree, TableArray, describe
from ivr.service.config.flags import FLAGS
from ivr.service.config.reload import applies_to_new_calls
from ivr.service.config.settings import settings_tree

PAGE = "settings.md"
SCHEMA = "ivr.schema.json"
WIDTH = 100
"""Columns of a commented file."""

EXAMPLES: Mapping[str, Any] = {
    "plans": ["front-desk.yaml"],
    "sip.public_address": "203.0.113.7",
    "sip.max_calls": 50,
    "sip.reserved_calls": 10,
    "sip.registrations.registrar": "sip:pbx.example.org;transport=tls",
    "sip.registrations.user": "100",
    "sip.registrations.password": "a long password",
    "sip.registrations.password_file": "/run/secrets/pbx",
    "sip.registrations.outbound_proxy": "sip:proxy.example.org;lr",
    "sip.accept_from": ["loopback", "registrars", "trunks"],
    "sip.redirect_hosts": ["pbx.example.org"],
    "sip.trunks.name": "carrier",
    "sip.trunks.addresses": ["192.0.2.0/24"],
    "sip.trunks.tls_subject": "sip.example.org",
    "sip.trunks.user": "carrier",
    "sip.trunks.password": "a long password",
    "sip.trunks.password_file": "/run/secrets/carrier",
    "sip.tls_bind": "0.0.0.0:5061",
    "sip.tls_certificate_file": "/etc/ivr/tls/fullchain.pem",
    "sip.tls_key_file": "/etc/ivr/tls/privkey.pem",
    "sip.tls_ca_file": "/etc/ivr/tls/ca.pem",
    "session.barge_in.hotword": ["operator", "help"],
    "session.turn.cut_in": "Sorry to interrupt you.",
    "vad.release": 0.3,
    "vad.attack": 0.18,
    "vad.early": 0.11,
    "vad.model": "own-vad.onnx",
    "stt.whisper.model": "models/whisper-base",
    "stt.openai.prompt": "names of departments: sales, support",
    "stt.openai.stream": True,
    "tts.piper.model": "voices/en_GB-alba-medium.onnx",
    "tts.piper.speaker": 0,
    "tts.piper.length_scale": 1.1,
    "tts.piper.noise_scale": 0.667,
    "tts.piper.noise_w": 0.8,
    "tts.openai.instructions": "Speak slowly and kindly.",
    "tts.openai.speed": 1.1,
    "turn.smart-turn.model": "own-smart-turn.onnx",
    "log.file": "/var/log/ivr/ivr.log",
    "http.base_url": "https://crm.example.org/api",
    "http.allowed_hosts": ["crm.example.org"],
    "http.ca_file": "/etc/ivr/tls/ca.pem",
    "mail.host": "mail.example.org",
    "mail.port": 587,
    "mail.user": "ivr",
    "mail.password": "a long password",
    "mail.password_file": "/run/secrets/mail",
    "mail.ca_file": "/etc/ivr/tls/ca.pem",
    "files.folder": "/var/lib/ivr/voicemail",
    "languages.tag": "fr",
    "languages.settings": "fr.toml",
    **{f"{engine}.host": "/run/ivr/engines" for engine in ("stt.whisper", "tts.piper", "turn.smart-turn")},
    **{f"{table}.base_url": "http://127.0.0.1:8000/v1" for table in ("stt.openai", "tts.openai", "agent")},
    **{f"{table}.api_key": "sk-..." for table in ("stt.openai", "tts.openai", "agent")},
    **{f"{table}.api_key_file": "/run/secrets/openai" for table in ("stt.openai", "tts.openai", "agent")},
}
"""A value for each setting whose default is none or empty."""

TABLES: Mapping[str, str] = {
    "": "The service",
    "sip": "SIP and RTP: addresses, ports, timeouts, encryption",
    "sip.registrations": "Accounts at PBXs and trunks, one table each",
    "sip.trunks": "Providers and PBXs that send calls without a registration, one table each",
    "session": "The conversation with one caller",
    "session.endpointing": "When speech has begun, and when it has ended",
    "session.barge_in": "When a prompt yields to the caller",
    "session.turn": "When the caller has finished",
    "vad": "Voice-activity detection",
    "stt": "Speech to text",
    "stt.whisper": "Whisper, on this machine",
    "stt.openai": "A server with OpenAI's API",
    "tts": "Text to speech",
    "tts.piper": "Piper, on this machine",
    "tts.openai": "A server with OpenAI's API",
    "turn": "Turn detection: has the caller finished?",
    "turn.smart-turn": "Smart Turn, on this machine",
    "log": "Logs",
    "workers": "Several processes on one machine",
    "recording": "Recordings for replay and analysis",
    "http": "HTTP requests of plans",
    "mail": "Mail of plans",
    "agent": "The language model of the agent verb",
    "files": "Files of callers",
    "languages": "Languages with engines of their own, one table each",
}
"""Name of a table to its title."""


def example_of(option: Option) -> Any:
    """Return a value to show: the default, or an example where there is none. None when there is neither."""
    if option.name in EXAMPLES:
        return EXAMPLES[option.name]
    return None if option.default in (dataclasses.MISSING, None, "", ()) else option.default


def tables_of(tree: SettingsTree) -> Iterator[tuple[str, bool, list[Option]]]:
    """Yield each table with settings of its own: name, whether it is a list of tables, its settings."""
    yield "", False, [node for node in tree.values() if isinstance(node, Option)]
    yield from _tables(tree)


def _tables(tree: SettingsTree, prefix: str = "") -> Iterator[tuple[str, bool, list[Option]]]:
    for key, node in tree.items():
        if isinstance(node, Option):
            continue
        inner = node.tree if isinstance(node, TableArray) else node
        name = f"{prefix}{key}"
        options = [each for each in inner.values() if isinstance(each, Option)]
        if options:
            yield name, isinstance(node, TableArray), options
        yield from _tables(inner, f"{name}.")


# -- the page


def page() -> str:
    """Return the reference page of the settings, in Markdown."""
    lines = [
        "# Settings",
        "",
        "Every setting of `ivr.toml`. This page is written by `ivr settings`; `ivr settings --toml` prints a "
        "file with all of them as comments, `ivr settings --schema` the JSON Schema for editors, and `ivr "
        "init FOLDER` makes a folder to begin with.",
        "",
        "A value comes from the strongest of: a flag of the command, a variable of the environment, the "
        "file (`--config`, else `IVR_CONFIG`, else `ivr.toml` in the current folder), the preset, the "
        "default. The variable of `sip.bind` is `IVR_SIP__BIND`: capitals, two underscores for a dot, one "
        "for a hyphen; a list is written with commas, a list of tables as JSON. Paths in a file are relative "
        "to its folder.",
        "",
        "SIGHUP reads the plans and the settings again. *call*: a change is in force for the next call. "
        "*restart*: the change is logged and waits for a restart.",
    ]
    for name, rows, options in tables_of(settings_tree()):
        header = f"`[[{name}]]`" if rows else f"`[{name}]`"
        title = TABLES.get(name, "")
        lines += ["", f"## {header}: {title}" if name and title else f"## {header if name else title}", ""]
        lines += [
            "| key | type | default | unit | example | SIGHUP | meaning |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(option) for option in options]
    return "\n".join(lines) + "\n"


def _row(option: Option) -> str:
    key = option.name.rpartition(".")[2]
    default = option.default
    shown = "*required*" if default is dataclasses.MISSING else "none" if default is None else _code(default)
    example = example_of(option)
    flag = FLAGS.get(option.name)
    text = option.text().replace("``", "`")
    if flag is not None:
        text += f" Flag: `{' '.join((flag.spelling, flag.value)).strip()}`."
    cells = (
        f"`{key}`",
        describe(option.hint),
        shown,
        option.unit,
        "" if example is None else _code(example),
        "call" if applies_to_new_calls(option.name) else "restart",
        text,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(value: Any) -> str:
    return f"`{toml(value)}`"


# -- the file


def toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return repr(value)


def commented_file(**active: Any) -> str:
    """Return a settings file with every setting as a comment, below its text.

    ``active`` are settings at the top that are not comments: ``plans=["front-desk.yaml"]``.
    """
    lines = [
        "# Settings of ivr. A line that begins with # is a comment, and shows the default or an example:",
        "# remove the # to set it. All of it is explained in docs/settings.md (`ivr settings`).",
        "# Editors complete and check this file by its JSON Schema: `ivr settings --schema -o .` writes it;",
        "# then begin this file with the line: #:schema ./ivr.schema.json",
    ]
    for name, rows, options in tables_of(settings_tree()):
        lines.append("")
        if rows:
            lines += [f"# {TABLES.get(name, name)}:", f"# [[{name}]]"]
        elif name:
            lines += [*([f"# {TABLES[name]}."] if name in TABLES else []), f"[{name}]"]
        for option in options:
            key = option.name.rpartition(".")[2]
            lines += _comment(option)
            if option.name in active:
                lines.append(f"{key} = {toml(active[option.name])}")
            else:
                lines.append(f"# {key} = {toml(_shown(option))}")
    return "\n".join(lines) + "\n"


def _shown(option: Option) -> Any:
    """Return the value of a commented line: the default where it can be written, else the example."""
    if option.default in (dataclasses.MISSING, None, "", ()):
        return example_of(option)
    return option.default


def _comment(option: Option) -> list[str]:
    import textwrap

    text = option.text().replace("``", "") + (f" [{option.unit}]" if option.unit else "")
    if option.default is dataclasses.MISSING:
        text += " Required."
    elif option.default in (None, "", ()):
        text += " By default there is none."
    return textwrap.wrap(text, WIDTH, initial_indent="## ", subsequent_indent="## ")


# -- the schema


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of ivr",
        **_object(settings_tree(), ""),
    }


def schema_text() -> str:
    """Return the JSON Schema as a file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _object(tree: SettingsTree, name: str) -> dict[str, Any]:
    properties = {key: _node(node, f"{name}.{key}".removeprefix(".")) for key, node in tree.items()}
    title = {"description": TABLES[name]} if name in TABLES and name else {}
    return {"type": "object", **title, "properties": properties, "additionalProperties": False}


def _node(node: typing.Any, name: str) -> dict[str, Any]:
    if isinstance(node, TableArray):
        row = _object(node.tree, name) | {"required": list(node.required)}
        return {"type": "array", "description": node.text().replace("``", "`"), "items": row}
    if not isinstance(node, Option):
        return _object(node, name)
    found = TypeAdapter(node.hint).json_schema()
    found["description"] = node.text().replace("``", "`")
    if node.default not in (dataclasses.MISSING, None):
        found["default"] = json.loads(json.dumps(node.default, default=str))
    return found
