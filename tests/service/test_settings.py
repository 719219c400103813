"""Settings: the order of the sources, and the mistakes that are refused with place and remedy."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ivr.modelstore import ModelStore
from ivr.service.config.declaration import names_in
from ivr.service.config.flags import FLAGS
from ivr.service.config.settings import Settings, SettingsError, load_settings, settings_tree
from ivr.service.engines import make_engines
from ivr.session import PRESETS, BargeInOptions, TurnOptions
from ivr.sip.options import Registration, SipOptions, parse_bind, parse_ports
from ivr.vad.events import SpeechStarted, VadEvent
from ivr.vad.options import EndpointingOptions
from ivr.vad.silero import VadModelError
from tests.vad.sounds import prompt

NO_ENV: dict[str, str] = {}


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ``ivr.toml`` of the checkout's."""
    monkeypatch.chdir(tmp_path)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(text)
    return path


def test_defaults() -> None:
    settings = load_settings(environ=NO_ENV)
    assert settings == Settings()
    assert settings.bind == ("127.0.0.1", 5060)
    assert settings.stt.order == ("whisper",)
    assert settings.tts.order == ("piper",)
    assert settings.turn.order == ("smart-turn",)


def test_flags_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [sip]
        bind = "127.0.0.1:1"
        drain_s = 1
        rtp_timeout_s = 1
        [vad]
        threshold = 0.1
        """,
    )
    settings = load_settings(
        path,
        {"sip.bind": ("--bind", "127.0.0.1:3")},
        {"IVR_SIP__BIND": "127.0.0.1:2", "IVR_SIP__DRAIN_S": "2"},
    )
    assert settings.sip.bind == "127.0.0.1:3"
    assert settings.sip.drain_s == 2
    assert settings.sip.rtp_timeout_s == 1
    assert settings.vad.threshold == 0.1
    assert settings.sip.retry_after_s == 10


def test_the_file_may_be_named_by_the_environment_or_lie_here(tmp_path: Path) -> None:
    write(tmp_path, "[sip]\ndrain_s = 7").rename(tmp_path / "ivr.toml")
    assert load_settings(environ=NO_ENV).sip.drain_s == 7
    other = write(tmp_path, "[sip]\ndrain_s = 8")
    assert load_settings(environ={"IVR_CONFIG": str(other)}).sip.drain_s == 8


def test_every_kind_of_value_from_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        plans = ["a.yaml", "/b.yaml"]
        [sip]
        max_calls = 3
        [[sip.registrations]]
        registrar = "pbx.example"
        user = "100"
        password_file = "secrets/pbx"
        [session]
        keep_speech_over_protected = true
        [session.endpointing]
        min_silence_ms = 400
        [vad]
        model = "own.onnx"
        [log]
        format = "json"
        """,
    )
    settings = load_settings(path, environ=NO_ENV)
    assert settings.plans == (tmp_path / "a.yaml", Path("/b.yaml"))
    assert settings.sip.max_calls == 3
    assert settings.sip.registrations[0].password_file == str(tmp_path / "secrets/pbx")
    assert settings.session.keep_speech_over_protected is True
    assert settings.session.endpointing.min_silence_ms == 400
    assert settings.vad.model == tmp_path / "own.onnx"
    assert settings.log.format == "json"


def test_every_kind_of_value_from_the_environment() -> None:
    accounts = [{"registrar": "pbx.example", "user": "100", "expires_s": 60}]
    settings = load_settings(
        environ={
            "IVR_PLANS": "a.yaml, b.yaml",
            "IVR_SIP__REGISTRATIONS": json.dumps(accounts),
            "IVR_SIP__MAX_CALLS": "3",
            "IVR_SESSION__KEEP_SPEECH_OVER_PROTECTED": "true",
            "IVR_SESSION__ENDPOINTING__MIN_SILENCE_MS": "400",
            "IVR_STT__ORDER": '["openai", "whisper"]',
            "IVR_CACHE_DIR": "/anywhere",
            "PATH": "/bin",
        }
    )
    assert settings.plans == (Path("a.yaml"), Path("b.yaml"))
    assert settings.sip.registrations[0].expires_s == 60
    assert settings.sip.max_calls == 3
    assert settings.session.keep_speech_over_protected is True
    assert settings.session.endpointing.min_silence_ms == 400
    assert settings.stt.order == ("openai", "whisper")


def test_engine_options_are_checked_and_handed_on(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [stt]
        order = ["openai", "whisper"]
        [stt.openai]
        base_url = "http://127.0.0.1:1/v1"
        [tts.openai]
        voice = "alloy"
        """,
    )
    settings = load_settings(path, environ={"IVR_STT__OPENAI__TIMEOUT_S": "3"})
    assert settings.stt.order == ("openai", "whisper")
    assert settings.stt.of("openai") == {"base_url": "http://127.0.0.1:1/v1", "timeout_s": 3.0}
    assert settings.stt.of("whisper") == {}
    assert settings.tts.order == ("piper",)
    assert settings.tts.of("openai") == {"voice": "alloy"}


def test_the_turn_detector_and_its_options(tmp_path: Path) -> None:
    path = write(
        tmp_path, '[turn]\nname = "smart-turn"\n[turn.smart-turn]\nmodel = "own.onnx"\nanswer_timeout_s = 0.6'
    )
    settings = load_settings(path, environ={"IVR_TURN__SMART_TURN__ANSWER_TIMEOUT_S": "0.7"})
    assert settings.turn.order == ("smart-turn",)
    assert settings.turn.of("smart-turn") == {"answer_timeout_s": 0.7, "model": tmp_path / "own.onnx"}
    off = load_settings(path, {"turn.name": ("--turn", "none")}, NO_ENV)
    assert off.turn.order == () and off.turn.of("smart-turn")["answer_timeout_s"] == 0.6
    assert load_settings(environ={"IVR_TURN__NAME": "none"}).turn.order == ()


def test_every_option_of_turn_taking_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    options = [
        (f"session.{part}", item.name, getattr(default, item.name))
        for part, default in (
            ("endpointing", EndpointingOptions()),
            ("barge_in", BargeInOptions()),
            ("turn", TurnOptions()),
        )
        for item in dataclasses.fields(default)
    ]
    others: dict[type, Any] = {bool: None, int: 7, float: 7, str: "dtmf", tuple: ["help me", "agent"]}
    for table, name, default in options:
        value = not default if isinstance(default, bool) else others[type(default)]
        if name in ("end_above", "end_with_words_above", "continue_below", "reply_overlap"):
            value = 0.5 if name != "end_with_words_above" else 0.6
        elif name in ("incomplete_ms", "max_turn_ms"):
            value = 7000
        elif (table, name) == ("session.barge_in", "min_speech_ms"):
            value = 96  # not below that of endpointing
        wanted = tuple(value) if isinstance(value, list) else value
        assert wanted != default
        from_file = load_settings(write(tmp_path, f"[{table}]\n{name} = {json.dumps(value)}"), environ=NO_ENV)
        text = ", ".join(value) if isinstance(value, list) else str(value)
        variable = f"IVR_{table}__{name}".replace(".", "__").upper()
        for settings in (from_file, load_settings(environ={variable: text})):
            assert getattr(getattr(settings.session, table.removeprefix("session.")), name) == wanted


def test_a_preset_is_under_what_is_said_explicitly(tmp_path: Path) -> None:
    def chosen(settings: Settings) -> tuple[str, float, float, float]:
        session = settings.session
        speech, silence = session.barge_in.min_speech_ms, session.endpointing.min_silence_ms
        return settings.preset, settings.vad.threshold, speech, silence

    assert chosen(load_settings(environ=NO_ENV)) == ("balanced", 0.45, 64, 400)
    path = write(tmp_path, '[session]\npreset = "robust"\n[session.endpointing]\nmin_silence_ms = 350')
    assert chosen(load_settings(path, environ=NO_ENV)) == ("robust", 0.65, 192, 350)
    weaker = {"IVR_VAD__THRESHOLD": "0.55"}
    assert chosen(load_settings(path, environ=weaker)) == ("robust", 0.55, 192, 350)
    stronger = {"IVR_SESSION__PRESET": "sensitive"}
    assert chosen(load_settings(path, environ=stronger)) == ("sensitive", 0.3, 32, 350)
    flags = {"vad.threshold": ("--vad-threshold", "0.7")}
    assert chosen(load_settings(path, flags, stronger)) == ("sensitive", 0.7, 32, 350)
    for name, preset in PRESETS.items():
        settings = load_settings(environ={"IVR_SESSION__PRESET": name})
        assert settings.session == preset.config
        assert settings.vad.keywords() == preset.vad
        assert settings.decisive()["session"]["preset"] == name


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('\n[sip]\nbindd = "x"', 3, "sip.bindd is not a setting; did you mean sip.bind?"),
        ("threshold = 0.5", 1, "threshold is not a setting; did you mean vad.threshold?"),
        ("[sip]\nthreshold = 0.5", 2, "did you mean vad.threshold?"),
        ("[spi]\nbind = 'x'", 1, "spi is not a setting; did you mean sip?"),
        ("[stt.wisper]\na = 1", 1, "did you mean stt.whisper?"),
        ("[turn]\nname = 'smart'", 2, "there is no turn detector 'smart'; there are: none, smart-turn"),
        ("[turn]\norder = ['smart-turn']", 2, "turn.order is not a setting"),
        ("[turn.smart-turn]\nthreshold = 0.5", 2, "turn.smart-turn.threshold is not a setting"),
        ("[stt.openai]\nbase_ur = 1", 2, "did you mean stt.openai.base_url?"),
        (
            "[[sip.registrations]]\nuser = 'a'\n[[sip.registrations]]\npasword = 'b'",
            4,
            "did you mean sip.registrations.password?",
        ),
        (
            "[[sip.registrations]]\nuser = 'a'\nregistrar='r'\nretry_s=1\n"
            "[[sip.registrations]]\nuser = 'a'\nregistrar='r'\nretry_s='soon'",
            8,
            "sip.registrations.retry_s must be a whole number",
        ),
        (
            "[sip]\ndrain_s = 1\nregistrations = [{user = 'a', registrar = 'r', retry_s = 'soon'}]",
            3,
            "sip.registrations.retry_s must be a whole number",
        ),
        ("[sip]\nmax_calls = 0", 2, "sip.max_calls = 0: must be at least 1"),
        ("[sip]\nbind = 5", 2, "sip.bind must be a text, not 5"),
        ('[vad]\nthreshold = "0.5"', 2, "vad.threshold must be a number, not '0.5'"),
        ("[vad]\nthreshold = 1.5", 2, "between 0 and 1"),
        ("[sip]\nmax_calls = 1.5", 2, "sip.max_calls must be a whole number, not 1.5"),
        ("[sip]\ndrain_s = true", 2, "sip.drain_s must be a number"),
        ("[sip]\ndrain_s = -1", 2, "must not be negative"),
        ("[sip]\ndrain_s = 2020-01-01", 2, "sip.drain_s must be a number"),
        ('[sip]\nbind = "5060"', 2, "must be HOST:PORT"),
        ('[sip]\nrtp_ports = "9-5"', 2, "must be FIRST-LAST"),
        ('[sip]\npublic_address = "me"', 2, "is no IPv4 address"),
        ('[sip]\npublic_address = "2001:db8::1"', 2, "IPv6 is not served"),
        ('[sip]\nbind = "[::1]:5060"', 2, "has no IPv6"),
        ('[stt]\norder = ["whisker"]', 2, "there is no speech-to-text engine 'whisker'"),
        ("[stt]\norder = []", 2, "at least one engine"),
        ('[log]\nformat = "xml"', 2, "one of console, json"),
        ("sip = 5", 1, "sip must be a table, [sip]"),
        ("[session]\npreset = 'robbust'", 2, "there is no preset 'robbust'; did you mean robust?"),
        ("[session]\npreset = 'call_center'", 2, "did you mean call_centre?"),
        ("[session]\npreset = 'x'", 2, "there are: sensitive, balanced, robust, call_centre"),
        ("[session]\npresett = 'robust'", 2, "did you mean session.preset?"),
        ("[session]\npreset = 3", 2, "session.preset must be a text, not 3"),
        ("[session]\nbarge_in = 'none'", 2, "session.barge_in must be a table, [session.barge_in]"),
        ("[session.bargein]\nmin_words = 1", 1, "did you mean session.barge_in?"),
        ("[session.barge_in]\nprotect = 3", 2, "did you mean session.barge_in.protect_ms?"),
        ("[session.barge_in]\nbarge_in = 'key'", 2, "must be one of any, speech, dtmf, none, not 'key'"),
        ("[session.barge_in]\nmin_words = 1.5", 2, "must be a whole number, not 1.5"),
        ("[session.barge_in]\nduck_db = -3", 2, "session.barge_in.duck_db = -3: must not be negative"),
        ("[session.barge_in]\nhotword = 'a'", 2, "must be a list, each item a text, not 'a'"),
        ("[session.barge_in]\nhotword = ['a', ' ']", 2, "session.barge_in.hotword: a phrase of hotword is"),
        (
            "[session.turn]\nend_above = 2",
            2,
            "session.turn.end_above: 0 <= continue_below <= end_with",
        ),
        ("[session.turn]\nreply_overlap = 1.5", 2, "reply_overlap is a share, between 0 and 1"),
        ("[session.turn]\ncomplete_ms = 2000", 2, "complete_ms cannot be longer than incomplete_ms"),
        ("[session.turn]\nyesno_silence_ms = 1", 2, "did you mean session.turn.yes_no_silence_ms?"),
        (
            "[session]\npreset = 'sensitive'\n[vad]\nrelease = 0.4",
            4,
            "session.preset = 'sensitive': vad.threshold: release must be above 0 and not above threshold",
        ),
        ("[sip]\nregistrations = 5", 2, "must be a list of tables, [[sip.registrations]]"),
        ('[sip]\n"bind" . x = 5', 2, "sip.bind must be a text"),
    ],
)
def test_a_mistake_in_the_file(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("IVR_SIP__BNID", "x", "environment: IVR_SIP__BNID is not a setting; did you mean IVR_SIP__BIND?"),
        ("IVR_CACHEDIR", "x", "did you mean IVR_CACHE_DIR?"),
        ("IVR_SIP__DRAIN_S", "soon", "IVR_SIP__DRAIN_S: sip.drain_s must be a number, not 'soon'"),
        ("IVR_VAD__THRESHOLD", "2", "IVR_VAD__THRESHOLD: vad.threshold = '2': must be between 0 and 1"),
        ("IVR_SESSION__PRESET", "robst", "IVR_SESSION__PRESET: session.preset = 'robst': there is no preset"),
        ("IVR_SESSION__BARGE_IN__HOTWORDS", "a", "did you mean IVR_SESSION__BARGE_IN__HOTWORD?"),
        ("IVR_SESSION__BARGE_IN__BACKCHANNELS", "x", "must be true or false, not 'x'"),
        ("IVR_SIP__REGISTRATIONS", "x", "must be a JSON list of objects"),
        ("IVR_SIP__REGISTRATIONS", "[", "not a JSON list"),
        (
            "IVR_SIP__REGISTRATIONS",
            '[{"usr": "a"}]',
            "registrations.usr is not a setting; did you mean user?",
        ),
    ],
)
def test_a_mistake_in_the_environment(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={variable: value})
    assert words in str(caught.value)


def test_every_field_can_be_set_and_every_flag_names_a_setting() -> None:
    tree = settings_tree()
    assert {each.name for each in dataclasses.fields(Settings)} - {"preset"} == set(tree)
    assert set(FLAGS) <= set(names_in(tree))


def test_plans_are_watched_by_flag_variable_or_file(tmp_path: Path) -> None:
    assert load_settings(None, {"watch": ("--watch", "true")}, NO_ENV).watch
    assert load_settings(environ={"IVR_WATCH": "true"}).watch
    assert load_settings(write(tmp_path, "watch = true"), environ=NO_ENV).watch
    assert not load_settings(environ=NO_ENV).watch


def test_a_mistake_in_a_flag_names_the_flag() -> None:
    with pytest.raises(SettingsError, match=r"^--rtp-timeout: sip\.rtp_timeout_s must be a number"):
        load_settings(None, {"sip.rtp_timeout_s": ("--rtp-timeout", "x")}, NO_ENV)


def test_a_detectors_options_are_handed_on() -> None:
    assert load_settings(environ=NO_ENV).vad.keywords() == {}
    vad = load_settings(environ={"IVR_VAD__RELEASE": "0.2", "IVR_VAD__THRESHOLD": "0.4"}).vad
    assert vad.keywords() == {"release": 0.2, "threshold": 0.4}


def test_a_network_of_ones_own(models: ModelStore, tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(models.path("silero").read_bytes())
    write(tmp_path, '[vad]\nmodel = "own.onnx"')
    settings = load_settings(tmp_path / "my.toml", environ=NO_ENV)
    assert settings.vad.keywords() == {"model": own}
    heard: list[VadEvent] = []
    engines = make_engines(settings)
    stream = engines.vad.open_stream(settings.session.endpointing, heard.append)
    stream.push(prompt("vm-goodbye").tobytes(), 8000)
    assert any(isinstance(event, SpeechStarted) for event in heard)
    engines.vad.close()
    own.write_bytes(b"no network")
    with pytest.raises(VadModelError, match=r"vad\.model: .*own\.onnx: not an ONNX .*; name a Silero VAD"):
        make_engines(settings)
    own.unlink()
    with pytest.raises(VadModelError, match=r"vad\.model: .*own\.onnx: no such file; name a Silero VAD"):
        make_engines(settings)


def test_what_only_the_whole_shows(tmp_path: Path) -> None:
    path = write(tmp_path, "[vad]\nthreshold = 0.3\nrelease = 0.4")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert str(caught.value) == (
        f"{path}:3: vad.release, {path}:2: vad.threshold: "
        "release must be above 0 and not above threshold, got 0.4"
    )
    with pytest.raises(SettingsError) as caught:  # the flag is stronger than the file
        load_settings(path, {"vad.threshold": ("--vad-threshold", "0.2")}, NO_ENV)
    assert str(caught.value).startswith(f"{path}:3: vad.release, --vad-threshold: vad.threshold: release")
    path = write(tmp_path, "[session.endpointing]\nmin_silence_ms = 300\nmax_turn_ms = 3")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert str(caught.value) == (
        f"{path}:3: session.endpointing.max_turn_ms: max_turn_ms must be longer than min_speech_ms"
    )
    variable = "IVR_SESSION__ENDPOINTING__MAX_TURN_MS"
    with pytest.raises(SettingsError, match=f"^environment: {variable}: session.*: max_turn_ms must be"):
        load_settings(environ={variable: "3"})


def test_min_speech_of_a_prompt_below_that_of_endpointing_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "[session.barge_in]\nmin_speech_ms = 32")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert str(caught.value) == (
        f"{path}:2: session.barge_in.min_speech_ms: barge_in.min_speech_ms (32) is below "
        "endpointing.min_speech_ms (64), before which no speech is believed: "
        "raise the first or lower the second"
    )
    longer = write(tmp_path, "[session.endpointing]\nmin_speech_ms = 300")  # the default gives way
    assert load_settings(longer, environ=NO_ENV).session.endpointing.min_speech_ms == 300


def test_a_prompt_cannot_stop_before_speech_is_believed(tmp_path: Path) -> None:
    text = "[session.endpointing]\nmin_speech_ms = 96\n[session.barge_in]\nmin_speech_ms = 32"
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert str(caught.value) == (
        f"{path}:4: session.barge_in.min_speech_ms, {path}:2: session.endpointing.min_speech_ms: "
        "barge_in.min_speech_ms (32) is below endpointing.min_speech_ms (96), before which no speech is "
        "believed: raise the first or lower the second"
    )


def test_an_account_that_lacks_something(tmp_path: Path) -> None:
    one = '[[sip.registrations]]\nregistrar = "a"\nuser = "b"\n'
    path = write(tmp_path, one + '\n[[sip.registrations]]\nregistrar = "a"')
    with pytest.raises(SettingsError, match=r"my\.toml:5: sip\.registrations\.user is missing"):
        load_settings(path, environ=NO_ENV)
    with pytest.raises(SettingsError, match=r"IVR_SIP__REGISTRATIONS: sip\.registrations\.user is missing"):
        load_settings(environ={"IVR_SIP__REGISTRATIONS": '[{"registrar": "a"}]'})


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_times_end(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--drain: sip\.drain_s = .* must be a finite number"):
        load_settings(None, {"sip.drain_s": ("--drain", text)}, NO_ENV)
    with pytest.raises(SettingsError, match=r"my\.toml:2: .*must be a finite number"):
        load_settings(write(tmp_path, f"[sip]\ndrain_s = {text}"), environ=NO_ENV)


def test_every_whole_number_for_sip_fits_in_c(tmp_path: Path) -> None:
    names = [
        (table, item.name)
        for table, options in (("[sip]", SipOptions), ("[[sip.registrations]]", Registration))
        for item in dataclasses.fields(options)
        if "int" in str(item.type)
    ]
    assert len(names) == 7
    account = 'registrar = "a"\nuser = "b"\n'
    for table, name in names:
        rest = account if "registrations" in table else ""
        load_settings(write(tmp_path, f"{table}\n{rest}{name} = {2**31 - 1}"), environ=NO_ENV)
        with pytest.raises(SettingsError, match=rf"my\.toml:\d: sip.*{name} = .*not be above 2147483647"):
            load_settings(write(tmp_path, f"{table}\n{rest}{name} = {2**31}"), environ=NO_ENV)


@pytest.mark.parametrize("text", ["a =", "\x00", "[sip\n"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"my\.toml: "):
        load_settings(write(tmp_path, text), environ=NO_ENV)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: No such file"):
        load_settings(tmp_path / "absent.toml", environ=NO_ENV)
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(tmp_path / "latin.toml", environ=NO_ENV)


def test_secrets_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("sk-from-a-file\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    path = write(
        tmp_path,
        """
        [[sip.registrations]]
        registrar = "pbx.example"
        user = "100"
        password = "hunter2hunter2"
        [stt.openai]
        api_key_file = "key"
        """,
    )
    settings = load_settings(path, environ=NO_ENV)
    assert settings.sip.registrations[0].password == "hunter2hunter2"
    assert "hunter2hunter2" not in repr(settings) + str(settings)
    assert {"hunter2hunter2", "sk-from-a-file", "sk-from-the-environment"} <= settings.secrets()


def test_an_ill_typed_secret_is_not_shown(tmp_path: Path) -> None:
    path = write(tmp_path, "[[sip.registrations]]\npassword = 123454321")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ=NO_ENV)
    assert "123454321" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0.0.0.0:5060", ("0.0.0.0", 5060)),
        ("host.example:65535", ("host.example", 65535)),
    ],
)
def test_bind(text: str, parts: tuple[str, int]) -> None:
    assert parse_bind(text) == parts


@pytest.mark.parametrize("text", ["", ":5060", "host", "host:", "host:0", "host:65536", "host:x", "[::1]:1"])
def test_bind_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_bind(text)


@pytest.mark.parametrize("text", ["", "1-2", "5000", "5000-", "5000-4000", "5000-70000", "a-b"])
def test_ports_refused(text: str) -> None:
    with pytest.raises(ValueError, match="FIRST-LAST"):
        parse_ports(text)


def test_settings_cannot_be_changed() -> None:
    settings: Any = load_settings(environ=NO_ENV)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.plans = ()


def test_a_level_in_decibels_is_below_zero(tmp_path: Path) -> None:
    path = write(tmp_path, "[vad]\nsilence_dbfs = -60\n")
    assert load_settings(path, environ=NO_ENV).vad.silence_dbfs == -60
    with pytest.raises(SettingsError, match=r"my\.toml:2: vad\.fade_ms = -60: must not be negative"):
        load_settings(write(tmp_path, "[vad]\nfade_ms = -60\n"), environ=NO_ENV)


def test_calls_are_not_recorded_unless_asked_for(tmp_path: Path) -> None:
    assert not load_settings(environ=NO_ENV).recording.debug
    path = write(tmp_path, '[recording]\ndebug = true\nfolder = "kept"\n')
    recording = load_settings(path, environ=NO_ENV).recording
    assert recording.debug and recording.folder == tmp_path / "kept"


def test_what_plans_need_besides_the_call(tmp_path: Path) -> None:
    (tmp_path / "mail.password").write_text("mail-pass-4711\n")
    path = write(
        tmp_path,
        f"""
        [http]
        base_url = "https://crm.example.org"
        allowed_hosts = ["crm.example.org"]
        [mail]
        host = "mail.example.org"
        password_file = "{tmp_path}/mail.password"
        [agent]
        api_key = "sk-agent-key"
        timeout_s = 3
        [files]
        folder = "voicemail"
        """,
    )
    settings = load_settings(path, environ={"IVR_AGENT__MODEL": "small"})
    assert settings.http.allowed_hosts == ("crm.example.org",)
    assert settings.files.folder == tmp_path / "voicemail"  # relative to the file
    assert (settings.agent.model, settings.agent.timeout_s, settings.mail.tls) == ("small", 3, "starttls")
    assert {"mail-pass-4711", "sk-agent-key"} <= settings.secrets()
    assert "sk-agent-key" not in repr(settings)
    with pytest.raises(SettingsError, match="must begin with http"):
        load_settings(write(tmp_path, '[http]\nbase_url = "crm.example.org"'), environ=NO_ENV)
    with pytest.raises(SettingsError, match="tls"):
        load_settings(write(tmp_path, '[mail]\ntls = "ssl"'), environ=NO_ENV)
