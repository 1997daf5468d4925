"""The examples of the README run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from driver import PATIENCE_S
from real_server import SECRET, RealServer

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
EXAMPLES: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
STORED = "Mara prefers morning flights"


@pytest.fixture
def checkout(server: RealServer, tmp_path: Path) -> Path:
    """A folder with the secret where a server that was just started puts it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret").write_text(f"{SECRET}\n")
    return tmp_path


def run(program: str, folder: Path, server: RealServer) -> str:
    # The one thing that differs from what people have: their server is at the default port.
    assert "7420" in program
    path = folder / "example.py"
    path.write_text(program.replace("7420", str(server.port)))
    arguments = [sys.executable, "-W", "error", str(path)]
    ran = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_the_first_example_runs_as_it_stands(checkout: Path, server: RealServer) -> None:
    said = run(EXAMPLES[0], checkout, server)
    assert re.search(rf"^\d\.\d\d {STORED}\n\d{{13}} {STORED}\n", said)


def test_the_example_for_asyncio_runs_as_it_stands(checkout: Path, server: RealServer) -> None:
    assert STORED in run(EXAMPLES[1], checkout, server)


def test_the_other_examples_are_python_that_names_what_there_is() -> None:
    for example in EXAMPLES[2:]:
        compile(example, "README.md", "exec")
    import context_manager

    for name in ("FailedContext", "connect", "Client", "AsyncClient"):
        assert hasattr(context_manager, name)


def test_every_method_is_told() -> None:
    for name in dir(__import__("context_manager").Client):
        if not name.startswith("_"):
            assert re.search(rf"`{name}[`(]", README) or name == "connect", name


def test_the_licence_is_that_of_the_project() -> None:
    own = Path(__file__).resolve().parents[1] / "LICENSE"
    of_project = own.parents[2] / "LICENSE"
    if not of_project.exists():
        pytest.skip("no checkout around this package")
    assert own.read_text() == of_project.read_text()
