"""Which model a shop has connected: its settings, then the environment; and how it is said that there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from regulars.config import LanguageSettings
from regulars.errors import ConfigError
from regulars.language import NoModelError, Part, connect, is_connected
from regulars.state import State
from tests.language.conftest import Server, says


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("URL", "MODEL", "KEY", "RECORD"):
        monkeypatch.delenv(f"REGULARS_LANGUAGE_{name}", raising=False)
    return monkeypatch


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.open(tmp_path)


def test_the_environment_comes_before_the_settings(
    server: Server, state: State, environment: pytest.MonkeyPatch
) -> None:
    server.behaviours = [says("yes")]
    environment.setenv("REGULARS_LANGUAGE_URL", server.url)
    environment.setenv("REGULARS_LANGUAGE_KEY", "secret")
    settings = LanguageSettings(url="https://elsewhere.example/v1", model="small")
    assert connect(settings, state).ask("Answer.", [Part("question", "?")]).model == "small"
    assert server.requests[0]["model"] == "small"
    assert server.headers[0]["authorization"] == "Bearer secret"


def test_no_model_is_said_with_how_to_connect_one(state: State, environment: pytest.MonkeyPatch) -> None:
    assert not is_connected(LanguageSettings())
    with pytest.raises(NoModelError, match=r"\[language\] url and model"):
        connect(LanguageSettings(), state)
    with pytest.raises(ConfigError, match="no model is named"):
        connect(LanguageSettings(url="https://api.example.com/v1"), state)
    only_embeds = LanguageSettings(url="https://api.example.com/v1", embeddings="vectors-3")
    assert not is_connected(only_embeds)
    assert is_connected(only_embeds.model_copy(update={"model": "small"}))
    environment.setenv("REGULARS_LANGUAGE_URL", "http://api.example.com/v1")
    with pytest.raises(ConfigError, match=r"REGULARS_LANGUAGE_URL .* not encrypted"):
        connect(LanguageSettings(model="m"), state)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "ftp://a.example",
        "api.example.com",
        "https://u:p@a.example",
        "https://a.example/v1?key=1",
        "http://8.8.8.8/v1",
        "https://a b",
    ],
)
def test_addresses_that_would_leak_or_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        LanguageSettings(url=url)


@pytest.mark.parametrize(
    "url",
    ["", "https://api.example.com/v1", "http://localhost:11434/v1", "http://10.0.0.7/v1", "http://ollama:11434/v1"],
)
def test_addresses_that_are_encrypted_or_near_are_taken(url: str) -> None:
    assert LanguageSettings(url=url).url == url


def test_calls_are_recorded_where_the_environment_says(
    server: Server, state: State, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    server.behaviours = [says("yes")]
    environment.setenv("REGULARS_LANGUAGE_RECORD", str(tmp_path / "calls.jsonl"))
    connect(LanguageSettings(url=server.url, model="m"), state).ask("Answer.", [Part("question", "?")])
    assert '"content": "' in (tmp_path / "calls.jsonl").read_text("utf-8")
