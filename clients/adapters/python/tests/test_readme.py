"""The examples of the README and of the folder of examples run as they stand."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from real_server import ROOT, SECRET, RealServer

PACKAGE = Path(__file__).resolve().parents[1]
README = (PACKAGE / "README.md").read_text("utf-8")
PROGRAMS: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
EXAMPLES = sorted((PACKAGE / "examples").glob("*.py"))
#: What each prints, among the rest.
SAY = {
    "anthropic_memory_tool.py": "24B\t/memories/mara.md",
    "llama_index_memory.py": ", user) I am allergic to peanuts",
    "langgraph_memory.py": "Which flights should we book? -> ['I prefer morning flights']\n",
    "openai_agents_session.py": "'content': 'My name is Mara, and I prefer morning flights.'",
}
README_SAYS = [
    "flights {'text': 'prefers morning flights'}\n",
    "My name is Mara",
    "I am allergic to peanuts",
    "24B\t/memories/mara.md",
]


def run(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """In this process: frameworks take seconds to load."""
    runpy.run_path(str(path), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_of_the_readme_runs(
    number: int,
    server: RealServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret").write_text(f"{SECRET}\n")
    # The one thing that differs from what people have: their server is at the default port.
    assert "7420" in PROGRAMS[number]
    (tmp_path / "program.py").write_text(PROGRAMS[number].replace("7420", str(server.port)), "utf-8")
    assert README_SAYS[number] in run(tmp_path / "program.py", capsys)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(
    example: Path, server: RealServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMORY_URL", f"context-manager://default:{SECRET}@{server.address}")
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    assert SAY[example.name] in run(example, capsys)


def test_the_licence_is_that_of_the_project() -> None:
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
