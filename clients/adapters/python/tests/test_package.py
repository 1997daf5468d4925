"""What would be published."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import context_manager_adapters

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = PACKAGE / "src" / "context_manager_adapters"
#: Each with what it may import.
ADAPTERS = {
    "langgraph": ["langgraph"],
    "openai_agents": ["agents"],
    "llama_index": ["llama_index"],
    "anthropic_memory": ["anthropic"],
}
EXTRAS = {"langgraph", "openai-agents", "llama-index", "anthropic"}
SHARED = [".connection", ".format", ".steps"]
#: For a process; the machine may be a slow one.
PATIENCE_S = 300


def test_the_wheel_holds_the_modules_and_their_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), "."]
    built = subprocess.run(build, cwd=PACKAGE, capture_output=True, text=True, timeout=PATIENCE_S)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    expected = {f"context_manager_adapters/{path.relative_to(SOURCES).as_posix()}" for path in SOURCES.rglob("*.py")}
    own = {name for name in names if name.startswith("context_manager_adapters/")}
    assert own == expected | {"context_manager_adapters/py.typed"}
    version = context_manager_adapters.__version__
    metadata = zipfile.ZipFile(wheel).read(f"context_manager_adapters-{version}.dist-info/METADATA").decode()
    needed = re.findall(r"^Requires-Dist: (\S+?)[<>=;]\S*(?:; extra == '(\S+)')?$", metadata, re.MULTILINE)
    assert ("context-manager-client", "") in needed
    assert {extra for _, extra in needed if extra} == EXTRAS


def imported(source: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0] if node.level == 0 else f".{node.module or node.names[0].name}")
    return found


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.py")), ids=lambda path: path.name)
def test_a_module_needs_no_framework_but_its_own(path: Path) -> None:
    adapter = next((name for name in ADAPTERS if path.stem.startswith(name)), "")
    own = {*ADAPTERS.get(adapter, []), "context_manager", *SHARED}
    for name in imported(path) - set(sys.stdlib_module_names):
        assert name in own or name.startswith(f".{adapter}_" if adapter else "none"), name
