"""The service's settings: flags over ``IVR_*`` environment over a TOML file over defaults.

The options themselves, their defaults, units and texts, live with the rooms that use them (SipOptions,
SessionConfig, the engines' options); here they are put together, checked and given one syntax.
"""

import dataclasses
import os
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.modelstore import cache_root
from ivr.service.config.checks import CHECKS, NO_TURN_DETECTOR, fits_in_c
from ivr.service.config.declaration import (
    Option,
    SettingsTree,
    TableArray,
    option_of,
    table_array_of,
    tree_of,
)
from ivr.service.config.options import (
    EngineOptions,
    FileOptions,
    LanguageOptions,
    LogOptions,
    SttOptions,
    TtsOptions,
    TurnDetectorOptions,
    VadOptions,
)
from ivr.service.config.sources import (
    SECRET_NAMES,
    SettingsError,
    Source,
    from_environment,
    from_file,
    from_flags,
    place_of_fault,
)
from ivr.service.recording.recording import RecordingOptions
from ivr.service.workers.options import WorkerOptions
from ivr.service.world.options import AgentOptions, HttpOptions, MailOptions
from ivr.session.options import SessionConfig
from ivr.session.presets import DEFAULT, preset
from ivr.sip.options import SipOptions, parse_bind, parse_ports
from ivr.speech import registry

__all__ = ["Settings", "SettingsError", "load_settings", "settings_tree"]

DEFAULT_FILE = "ivr.toml"
"""Read from the current folder when neither ``--config`` nor ``IVR_CONFIG`` names a file."""
DEFAULT_STT = EngineOptions(order=SttOptions().order)
DEFAULT_TTS = EngineOptions(order=TtsOptions().order)
DEFAULT_TURN_DETECTOR = EngineOptions(order=(TurnDetectorOptions().name,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Make it with ``load_settings``; the names are those of the TOML file."""

    plans: tuple[Path, ...] = ()
    """The dialplan files that are served."""
    watch: bool = False
    """Read the plans again when one of their files changes, as SIGHUP does."""
    sip: SipOptions = field(default_factory=SipOptions)
    session: SessionConfig = field(default_factory=SessionConfig)
    preset: str = DEFAULT
    """A set of options for ``session`` and ``vad``; what is set besides it wins. There are: sensitive,
    balanced, robust, call_centre."""
    vad: VadOptions = field(default_factory=VadOptions)
    stt: EngineOptions = DEFAULT_STT
    tts: EngineOptions = DEFAULT_TTS
    turn: EngineOptions = DEFAULT_TURN_DETECTOR
    """One engine, written ``turn.name``, or none: without it silence decides, not another engine."""
    log: LogOptions = field(default_factory=LogOptions)
    workers: WorkerOptions = field(default_factory=WorkerOptions)
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    http: HttpOptions = field(default_factory=HttpOptions)
    mail: MailOptions = field(default_factory=MailOptions)
    agent: AgentOptions = field(default_factory=AgentOptions)
    files: FileOptions = field(default_factory=FileOptions)
    languages: tuple[LanguageOptions, ...] = ()
    """Languages with engines of their own, each declared by a file of settings."""

    @property
    def engines(self) -> dict[str, EngineOptions]:
        """Every kind of engine by its name in ``registry.KINDS``."""
        return {kind: getattr(self, kind) for kind in registry.KINDS}

    @property
    def prompts_dir(self) -> Path:
        """The folder where synthesised prompts are kept."""
        return cache_root() / "prompts"

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port of ``sip.bind``."""
        return parse_bind(self.sip.bind)

    @property
    def rtp_ports(self) -> tuple[int, int]:
        """First and last port of ``sip.rtp_ports``."""
        return parse_ports(self.sip.rtp_ports)

    def decisive(self) -> dict[str, Any]:
        """Return what the decisions of a call depend on, by the names of the settings: for its recording."""
        session = {"preset": self.preset, **dataclasses.asdict(self.session)}
        turn = {"name": self.turn.order[0] if self.turn.order else NO_TURN_DETECTOR}
        return {"vad": dataclasses.asdict(self.vad), "session": session, "turn": turn}

    def secrets(self) -> set[str]:
        """Return every secret value that was set, for the log's filter; of a file, its first line."""
        found: set[str] = set()
        for registration in self.sip.registrations:
            _collect(dataclasses.asdict(registration), found)
        for trunk in self.sip.trunks:
            _collect(dataclasses.asdict(trunk), found)
        _collect(dataclasses.asdict(self.mail), found)
        _collect(dataclasses.asdict(self.agent), found)
        for engines in self.engines.values():
            for options in engines.options.values():
                _collect(options, found)
        for variable, value in os.environ.items():
            if SECRET_NAMES.search(variable) and len(value) >= 6:
                found.add(value)
        return found - {""}


def settings_tree() -> SettingsTree:
    """Return the declaration of every setting there is, engines' options included."""
    tree: SettingsTree = {
        "plans": option_of(Settings, "plans", "plans"),
        "watch": option_of(Settings, "watch", "watch"),
        "sip": tree_of(SipOptions, "sip"),
        "session": {
            "preset": option_of(Settings, "preset", "session.preset"),
            **tree_of(SessionConfig, "session"),
        },
        "vad": tree_of(VadOptions, "vad"),
        "stt": {**tree_of(SttOptions, "stt"), **_engines(registry.STT, "stt")},
        "tts": {**tree_of(TtsOptions, "tts"), **_engines(registry.TTS, "tts")},
        "turn": {**tree_of(TurnDetectorOptions, "turn"), **_engines(registry.TURN, "turn")},
        "log": tree_of(LogOptions, "log"),
        "workers": tree_of(WorkerOptions, "workers"),
        "recording": tree_of(RecordingOptions, "recording"),
        "http": tree_of(HttpOptions, "http"),
        "mail": tree_of(MailOptions, "mail"),
        "agent": tree_of(AgentOptions, "agent"),
        "files": tree_of(FileOptions, "files"),
        "languages": table_array_of(Settings, "languages", LanguageOptions, "languages"),
    }
    _bound_integers(tree["sip"])
    for name, check in CHECKS.items():
        *above, last = name.split(".")
        table: Any = tree
        for part in above:
            table = table[part]
        table[last] = table[last].checked_by(check)
    return tree


def _engines(kind: registry.EngineKind[Any], prefix: str) -> SettingsTree:
    return {name: tree_of(options, f"{prefix}.{name}") for name, options in kind.options().items()}


def _bound_integers(tree: Any) -> None:
    for name, node in tree.items():
        if isinstance(node, TableArray):
            _bound_integers(node.tree)
        elif isinstance(node, Option) and node.type in (int, int | None):
            tree[name] = node.checked_by(fits_in_c)


def load_settings(
    config: Path | None = None,
    flags: Mapping[str, tuple[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
    above: Sequence[Source] = (),
) -> Settings:
    """Read every source and return the checked whole. Raises SettingsError with one line for people.

    ``config`` is the TOML file, else ``IVR_CONFIG``, else ``ivr.toml`` in the current folder if there is one.
    ``flags`` maps a setting to the flag's name and value: ``{"sip.bind": ("--bind", "127.0.0.1:5060")}``.
    ``above`` are sources stronger than all of these.
    """
    environ = os.environ if environ is None else environ
    tree = settings_tree()
    path = config_file(config, environ)
    found = [
        *above,
        from_flags(tree, flags or {}),
        from_environment(tree, environ),
        from_file(tree, path) if path else Source(),
    ]
    found.append(_preset_source(found))
    merged: dict[str, Any] = {}
    for source in reversed(found):
        _merge(merged, source.values)
    return _settings(merged, found)


def config_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file that is read: ``config``, else ``IVR_CONFIG``, else ``ivr.toml`` if it is there."""
    if config is None and environ.get("IVR_CONFIG"):
        return Path(environ["IVR_CONFIG"])
    if config is None and Path(DEFAULT_FILE).is_file():
        return Path(DEFAULT_FILE)
    return config


def _preset_source(found: Sequence[Source]) -> Source:
    """Return the values of the preset that the strongest source names; they are weaker than all sources."""
    source = next((source for source in found if source.has("session.preset")), None)
    if source is None:
        return Source()
    name = source.values["session"]["preset"]
    chosen = preset(name)
    place = f"{source.place('session.preset')}: session.preset = {name!r}"
    return Source({"vad": chosen.vad, "session": chosen.session}, lambda _: place)


def _merge(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put ``values`` over those of ``target``, table by table."""
    for name, value in values.items():
        if isinstance(value, dict):
            _merge(target.setdefault(name, {}), value)
        else:
            target[name] = value


def _settings(values: dict[str, Any], found: Sequence[Source]) -> Settings:
    """Make the settings of checked values. What does not fit together is named at its ``found`` places."""
    fields: dict[str, Any] = {}
    session = values.get("session", {})
    if "preset" in session:
        fields["preset"] = session.pop("preset")
    defaults = Settings()
    for kind in registry.KINDS:
        table = values.pop(kind, {})
        order = table.pop("order", getattr(defaults, kind).order)
        if "name" in table:  # of the turn detector: one engine or none
            name = table.pop("name")
            order = () if name == NO_TURN_DETECTOR else (name,)
        options = {name: values for name, values in table.items() if values}
        fields[kind] = EngineOptions(order=tuple(order), options=options)
    hints = typing.get_type_hints(Settings)
    for name, value in values.items():
        fields[name] = _made(hints[name], value, name, found)
    return Settings(**fields)


def _made(hint: Any, value: Any, name: str, found: Sequence[Source]) -> Any:
    """Return ``value`` as the options class ``hint`` asks for. Raises SettingsError."""
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_made(typing.get_args(hint)[0], row, name, found) for row in value)
    if not dataclasses.is_dataclass(hint) or not isinstance(hint, type):
        return value
    hints = typing.get_type_hints(hint)
    parts = {key: _made(hints[key], part, f"{name}.{key}", found) for key, part in value.items()}
    try:
        return hint(**parts)
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        place = place_of_fault(found, name, str(error)) or f"settings: {name}"
        raise SettingsError(f"{place}: {error}") from None


def _collect(options: Mapping[str, Any], found: set[str]) -> None:
    for name, value in options.items():
        if not isinstance(value, str) or not SECRET_NAMES.search(name):
            continue
        if name.endswith("_file"):
            try:
                found.add(Path(value).read_text(encoding="utf-8").split("\n", 1)[0].strip())
            except (OSError, UnicodeDecodeError):
                continue
        else:
            found.add(value)
