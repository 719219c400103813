"""Engines per language, and a call that changes its language."""

import asyncio
from pathlib import Path

import pytest

from ivr.dialplan import PlanError, load_plan
from ivr.service.config.settings import Settings, load_settings
from ivr.service.config.sources import SettingsError
from ivr.service.engines import make_engines, on_host, settings_of
from tests.dialplan.phone import Phone

NO_ENV: dict[str, str] = {}


def settings(folder: Path, text: str, french: str = "[tts.piper]\nlength_scale = 1.5\n") -> Settings:
    (folder / "fr.toml").write_text(french, encoding="utf-8")
    path = folder / "ivr.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ=NO_ENV)


FRENCH = '[[languages]]\ntag = "fr"\nsettings = "fr.toml"\n'


async def test_a_language_has_its_voice_and_the_others_the_default_one(tmp_path: Path) -> None:
    engines = make_engines(settings(tmp_path, FRENCH))
    try:
        call = engines.engines_for_call()
        usual = call.tts.fingerprint()
        call.tts.set_language("fr-CA")
        assert call.tts.fingerprint() == engines.languages["fr"].tts.fingerprint() != usual
        assert "1.5" in call.tts.fingerprint()
        other = engines.engines_for_call()
        assert other.tts.fingerprint() == usual, "another call goes on in its own"
        call.stt.set_language("de")
        assert call.tts.fingerprint() == usual
    finally:
        await engines.aclose()


async def test_the_voice_of_a_language_is_heard(tmp_path: Path) -> None:
    """Piper, half as fast again in one language: as many words are longer."""
    engines = make_engines(settings(tmp_path, FRENCH))
    try:
        call = engines.engines_for_call()

        async def length() -> int:
            return sum([len(chunk) async for chunk in call.tts.synthesize("Good morning to all of you.")])

        await call.tts.start()
        usual = await length()
        call.tts.set_language("fr")
        await call.tts.start()
        assert 1.2 < await length() / usual < 1.8
    finally:
        await engines.aclose()


@pytest.mark.parametrize(
    ("text", "french", "message"),
    [
        (FRENCH + FRENCH, "", "'fr' is given twice"),
        ('[[languages]]\ntag = "fr"\n', "", "languages.settings"),
        (
            FRENCH,
            "[tts]\norder = ['nobody']\n",
            "fr.toml:2: tts.order = .*there is no .* 'nobody'",
        ),
    ],
)
def test_mistakes_name_their_place(tmp_path: Path, text: str, french: str, message: str) -> None:
    with pytest.raises((ValueError, SettingsError), match=message):
        make_engines(settings(tmp_path, text, french))


def test_workers_share_the_engines_of_a_language_too(tmp_path: Path) -> None:
    shared = on_host(settings(tmp_path, FRENCH), tmp_path / "host.sock")
    (language,) = shared.languages
    made = settings_of(language)
    assert made.tts.of("piper") == {"length_scale": 1.5, "host": tmp_path / "host.sock"}
    assert made.stt.of("whisper")["host"] == tmp_path / "host.sock"


PLAN = """dialplan: 1
start: a
languages: [en, fr]
steps:
  a:
    - say: {text: {en: "It is {{ 21 | number }}.", fr: "Il y en a {{ 21 | number }}."}}
    - language: fr
    - say: {text: {en: "It is {{ 21 | number }}.", fr: "Il y en a {{ 21 | number }}."}}
    - gather: {prompt: {en: Yes?, fr: Oui ?}, choices: {yes: {say: [oui, yes]}}}
    - hangup:
"""


async def test_a_call_goes_on_in_another_language(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    spoken: list[str] = []
    phone = Phone(load_plan(path))
    phone.stt.set_language = spoken.append  # type: ignore[attr-defined]
    async with phone:
        await phone.hears("Il y en a vingt et un.")
        assert phone.session._parts is not None
        assert phone.session._parts.interruptions.language == "fr"
        assert phone.session._parts.end_of_turn.language == "fr"
        await phone.hears("Oui ?")
        await phone.says("oui")
        assert await asyncio.wait_for(phone.ends(), 20) == "hangup"
    assert spoken == ["en", "fr"]


def test_only_a_language_of_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("language: fr", "language: de"), encoding="utf-8")
    with pytest.raises(
        PlanError, match=r":7:17: 'language': 'de' is not one of the plan's languages \(en, fr\)"
    ):
        load_plan(path)
