"""What plans are given of the world, by the settings."""

from pathlib import Path

import pytest

from ivr.dialplan.runtime.language_model import Ask, Message, ModelFailed
from ivr.dialplan.runtime.world import HttpRequest
from ivr.service.config.settings import load_settings
from ivr.service.world.real import RealWorld
from tests.dialplan.backend import Backend, answers
from tests.dialplan.model_server import reply, tool_call


def write(folder: Path, text: str) -> Path:
    path = folder / "ivr.toml"
    path.write_text(text)
    return path


async def test_what_is_not_set_is_not_there(tmp_path: Path) -> None:
    made = RealWorld(load_settings(write(tmp_path, ""), environ={}))
    assert made.world.mail is None and made.world.files is None
    assert made.world.now().tzinfo is not None
    await made.aclose()


async def test_what_is_set_is(tmp_path: Path) -> None:
    async with Backend() as server:
        server.answers = [answers({"a": 1}), reply("Hi.", calls=(tool_call("x", '{"a": 1}'),), tokens=7)]
        text = f'[http]\nbase_url = "{server.url}"\n[agent]\nbase_url = "{server.url}/v1"\n'
        text += f'[mail]\nhost = "127.0.0.1"\n[files]\nfolder = "{tmp_path}"\n'
        made = RealWorld(load_settings(write(tmp_path, text), environ={}))
        world = made.world
        assert world.http is not None and world.model is not None
        assert world.mail is not None and world.files == tmp_path
        assert (await world.http.send(HttpRequest("GET", "/x"))).status == 200
        pieces = [piece async for piece in world.model.reply(Ask([Message("user", "Hello")]))]
        assert "".join(piece.text for piece in pieces) == "Hi." and pieces[-1].tokens == 7
        (call,) = pieces[-1].calls
        assert (call.id, call.name, call.arguments) == ("call_x_0", "x", '{"a": 1}')
        await made.aclose()
        await made.aclose()
        with pytest.raises(ModelFailed, match="closed"):
            await anext(world.model.reply(Ask([Message("user", "Hello")])))
