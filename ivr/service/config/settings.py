"""The service's settings: flags over ``IVR_*`` environment over a TOML file over defaults.

The options themselves, their defaults and units, live with the rooms that use them (SipOptions,
SessionConfig, the engines' options); here they are put together, checked and given one syntax.
"""

import dataclasses
import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from pydantic import AfterValidator, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ivr.modelstore import cache_root
from ivr.service.config.languages import LanguageOptions
from ivr.service.config.layers import (
    SECRET_NAMES,
    SettingsError,
    Source,
    Tree,
    from_environment,
    from_file,
    from_flags,
    place_of_fault,
    rows_of,
    tree_of,
)
from ivr.service.recording.recording import RecordingOptions
from ivr.service.workers.options import WorkerOptions
from ivr.service.world.http_client import HttpOptions
from ivr.service.world.language_model import AgentOptions
from ivr.service.world.mail import MailOptions
from ivr.session.options import SessionConfig
from ivr.session.presets import DEFAULT, preset
from ivr.sip.options import Registration, SipOptions, parse_bind, parse_ports
from ivr.speech import registry
from ivr.vad.base import DetectorOptions
from ivr.vad.registry import vad_names

__all__ = ["Settings", "SettingsError", "load_settings"]

MAX_C_INT = 2**31 - 1
DEFAULT_FILE = "ivr.toml"
"""Read from the current folder when neither ``--config`` nor ``IVR_CONFIG`` names a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VadOptions(DetectorOptions):
    """Which detector, and its options."""

    name: str = "silero"
    model: Path | None = None
    """A Silero-compatible ONNX file of your own; None is the one in the model cache."""

    def keywords(self) -> dict[str, Any]:
        """For ``create_vad(name, **keywords)``: what differs from the defaults, so that a third party's
        detector need not know the options of ours."""
        return {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.name != "name" and getattr(self, item.name) != item.default
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Engines in the order in which they are tried, and the options of each that were set."""

    order: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def of(self, name: str) -> dict[str, Any]:
        """Keyword arguments for ``create_stt(name, ...)`` and its like."""
        return dict(self.options.get(name, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"
    file: Path | None = None
    """Appended to, and reopened when it was rotated away; None is standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """``[files]``."""

    folder: Path | None = None
    """For what callers leave (voicemail); None: nothing can be left."""


DEFAULT_ENGINES: dict[str, dict[str, Any]] = {
    "stt": {"order": ("whisper",)},
    "tts": {"order": ("piper",)},
    "turn": {"order": ("smart-turn",)},
}
NO_TURN_DETECTOR = "none"
"""For ``turn.name``: silence alone ends a turn."""


class Settings(BaseSettings):
    """Everything that can be set. Make it with ``load_settings``; the names are those of the TOML file."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)
    layers: ClassVar[tuple[dict[str, Any], ...]] = ()
    """The sources, the strongest first; set by ``load_settings``."""

    plans: tuple[Path, ...] = ()
    """Dialplan files."""
    watch: bool = False
    """Read the plans again when one of their files changes."""
    sip: SipOptions = SipOptions()
    session: SessionConfig = SessionConfig()
    preset: str = DEFAULT
    """Written ``session.preset``: what ``session`` and ``vad`` are where nothing else is said."""
    vad: VadOptions = VadOptions()
    stt: EngineOptions = EngineOptions(**DEFAULT_ENGINES["stt"])
    tts: EngineOptions = EngineOptions(**DEFAULT_ENGINES["tts"])
    turn: EngineOptions = EngineOptions(**DEFAULT_ENGINES["turn"])
    """One engine, written ``turn.name``, or none: what stands behind it is silence, not another engine."""
    log: LogOptions = LogOptions()
    workers: WorkerOptions = WorkerOptions()
    recording: RecordingOptions = RecordingOptions()
    http: HttpOptions = HttpOptions()
    mail: MailOptions = MailOptions()
    agent: AgentOptions = AgentOptions()
    files: FileOptions = FileOptions()
    languages: tuple[LanguageOptions, ...] = ()

    @property
    def engines(self) -> dict[str, EngineOptions]:
        """Every kind of engine by its name in ``registry.KINDS``."""
        return {kind: getattr(self, kind) for kind in registry.KINDS}

    @property
    def prompts_dir(self) -> Path:
        """Where synthesised prompts are kept."""
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
        """What the decisions of a call depend on, under the names of the settings: for its recording."""
        session = {"preset": self.preset, **dataclasses.asdict(self.session)}
        turn = {"name": self.turn.order[0] if self.turn.order else NO_TURN_DETECTOR}
        return {"vad": dataclasses.asdict(self.vad), "session": session, "turn": turn}

    def secrets(self) -> set[str]:
        """Every secret value that was set, for the log's filter. A file that cannot be read adds nothing."""
        found: set[str] = set()
        for account in self.sip.registrations:
            _collect(dataclasses.asdict(account), found)
        _collect(dataclasses.asdict(self.mail), found)
        _collect(dataclasses.asdict(self.agent), found)
        for engines in self.engines.values():
            for options in engines.options.values():
                _collect(options, found)
        for variable, value in os.environ.items():
            if SECRET_NAMES.search(variable) and len(value) >= 6:
                found.add(value)
        return found - {""}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # Ours instead of the library's: they know the line of a key and the nearest right name.
        return (init_settings, *(_Layer(settings_cls, values) for values in cls.layers))


def settings_tree() -> Tree:
    """Every setting there is, engines' options included."""
    tree: dict[str, Any] = {
        "plans": tuple[Path, ...],
        "watch": bool,
        "sip": tree_of(SipOptions),
        "session": {"preset": str, **tree_of(SessionConfig)},
        "vad": tree_of(VadOptions),
        "stt": {"order": tuple[str, ...], **_engines(registry.STT)},
        "tts": {"order": tuple[str, ...], **_engines(registry.TTS)},
        "turn": {"name": str, **_engines(registry.TURN)},
        "log": tree_of(LogOptions),
        "workers": tree_of(WorkerOptions),
        "recording": tree_of(RecordingOptions),
        "http": tree_of(HttpOptions),
        "mail": tree_of(MailOptions),
        "agent": tree_of(AgentOptions),
        "files": tree_of(FileOptions),
        **rows_of("languages", LanguageOptions),
    }
    _bound_integers(SipOptions, tree["sip"])
    _bound_integers(Registration, tree["sip"]["registrations"].tree)
    for name, check in CHECKS.items():
        *above, option = name.split(".")
        table = reduce(getitem, above, tree)
        table[option] = _with_check(table[option], check)
    return tree


def _bound_integers(options: type, tree: Tree) -> None:
    """PJSUA2 keeps whole numbers in 32 bits."""
    for name, hint in get_type_hints(options).items():
        if hint in (int, int | None):
            tree[name] = _with_check(tree[name], _fits_in_c)


def load_settings(
    config: Path | None = None,
    flags: Mapping[str, tuple[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
    above: Sequence[Source] = (),
) -> Settings:
    """Read every source and give the checked whole. Raises SettingsError with one line for people.

    ``config`` is the TOML file (else ``IVR_CONFIG``, else ``ivr.toml`` here if there is one); ``flags``
    maps a setting to the flag's name and value: ``{"sip.bind": ("--bind", "127.0.0.1:5060")}``. ``above`` are
    sources stronger than all of these.
    """
    environ = os.environ if environ is None else environ
    tree = settings_tree()
    path = config or (Path(environ["IVR_CONFIG"]) if environ.get("IVR_CONFIG") else None)
    if path is None and Path(DEFAULT_FILE).is_file():
        path = Path(DEFAULT_FILE)
    found = [
        *above,
        from_flags(tree, flags or {}),
        from_environment(tree, environ),
        from_file(tree, path) if path else Source(),
    ]

    found.append(_of_preset(found))

    class Loaded(Settings):
        layers = (*(_as_fields(source.values) for source in found), DEFAULT_ENGINES)

    try:
        loaded = Loaded()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        place = place_of_fault(found, name, reason) or f"settings: {name}"
        raise SettingsError(f"{place}: {reason}") from None
    return Settings.model_construct(**{name: getattr(loaded, name) for name in Settings.model_fields})


def _of_preset(found: Sequence[Source]) -> Source:
    """What the preset says that is named by the strongest source which names one; weaker than all of them."""
    source = next((source for source in found if source.has("session.preset")), None)
    if source is None:
        return Source()
    name = source.values["session"]["preset"]
    chosen = preset(name)
    place = f"{source.place('session.preset')}: session.preset = {name!r}"
    return Source({"vad": chosen.vad, "session": chosen.session}, lambda _: place)


class _Layer(PydanticBaseSettingsSource):
    """One source, read and checked beforehand."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def _engines(kind: registry.EngineKind[Any]) -> Tree:
    return {name: tree_of(options) for name, options in kind.options().items()}


def _as_fields(values: dict[str, Any]) -> dict[str, Any]:
    """``stt.whisper.model`` is written beside ``stt.order`` but kept under ``stt.options``; ``turn.name``
    is kept as an order of one engine or none; ``session.preset`` is kept beside ``session``."""
    values = dict(values)
    if "preset" in values.get("session", {}):
        values["session"] = dict(values["session"])
        values["preset"] = values["session"].pop("preset")
    for kind in registry.KINDS:
        if kind in values:
            table = dict(values[kind])
            if "name" in table:
                name = table.pop("name")
                table["order"] = () if name == NO_TURN_DETECTOR else (name,)
            order = {"order": table.pop("order")} if "order" in table else {}
            values[kind] = {**order, "options": table}
    return values


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


# -- what a type does not say


def _address(text: str | None) -> None:
    if text is not None:
        ipaddress.ip_address(text)


def _fits_in_c(value: int | None) -> None:
    if value is not None and value > MAX_C_INT:
        raise ValueError(f"must not be above {MAX_C_INT}")


def _at_least_one(value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("must be at least 1")


def _probability(value: float) -> None:
    if not 0 < value < 1:
        raise ValueError("must be between 0 and 1")


def _one_of(kind: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise ValueError(f"there is no {kind} {name!r}; there are: {', '.join(sorted(names))}")


def _turn_detector(name: str) -> None:
    _one_of("turn detector", name, (*registry.TURN.options(), NO_TURN_DETECTOR))


def _engine_names(kind: str, names: Callable[[], Iterable[str]]) -> Callable[[tuple[str, ...]], None]:
    def check(order: tuple[str, ...]) -> None:
        if not order:
            raise ValueError("must name at least one engine")
        for name in order:
            _one_of(f"{kind} engine", name, names())

    return check


def _http_address(text: str | None) -> None:
    if text is not None and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")


CHECKS: dict[str, Callable[[Any], object]] = {
    "http.base_url": _http_address,
    "http.max_body": _at_least_one,
    "http.max_connections": _at_least_one,
    "sip.bind": parse_bind,
    "sip.rtp_ports": parse_ports,
    "sip.tls_bind": lambda text: text is None or parse_bind(text),
    "sip.public_address": _address,
    "sip.max_calls": _at_least_one,
    "session.preset": preset,
    "vad.name": lambda name: _one_of("voice-activity detector", name, vad_names()),
    "vad.threshold": _probability,
    "stt.order": _engine_names("speech-to-text", registry.STT.options),
    "tts.order": _engine_names("text-to-speech", registry.TTS.options),
    "turn.name": _turn_detector,
    "turn.smart-turn.threshold": _probability,
}


def _with_check(hint: Any, check: Callable[[Any], object]) -> Any:
    def validate(value: Any) -> Any:
        check(value)
        return value

    return Annotated[hint, AfterValidator(validate)]
