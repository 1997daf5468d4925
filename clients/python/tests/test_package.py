"""What would be published: built, installed in an environment of its own, and used from there."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import msgpack
import pytest
from driver import PATIENCE_S

import context_manager
from context_manager.version import CLIENT_NAME, VERSION

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = PACKAGE / "src" / "context_manager"


def run(*arguments: str | Path, cwd: Path = PACKAGE) -> str:
    ran = subprocess.run([str(each) for each in arguments], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ".")
    return folder


def test_the_wheel_holds_the_package_and_its_types(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"context_manager_client-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    expected = {f"context_manager/{path.relative_to(SOURCES).as_posix()}" for path in SOURCES.rglob("*.py")}
    assert {name for name in names if name.startswith("context_manager/")} == expected | {"context_manager/py.typed"}
    metadata = zipfile.ZipFile(wheel).read(f"context_manager_client-{VERSION}.dist-info/METADATA").decode()
    assert re.findall(r"^Requires-Dist: (\S+?)[<>=;]", metadata, re.MULTILINE) == ["msgpack"]
    assert "Requires-Python: >=3.10" in metadata and "License-Expression: Apache-2.0" in metadata


def test_the_sources_hold_the_tests_too(built: Path) -> None:
    (sources,) = built.glob("*.tar.gz")
    names = tarfile.open(sources).getnames()
    for name in ("src/context_manager/py.typed", "tests/test_vectors.py", "LICENSE", "README.md", "pyproject.toml"):
        assert f"context_manager_client-{VERSION}/{name}" in names
    assert not [name for name in names if "__pycache__" in name or ".venv" in name]


def test_it_is_installed_and_used_in_an_environment_of_its_own(built: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    (python,) = [*(tmp_path / "venv").glob("bin/python"), *(tmp_path / "venv").glob("Scripts/python.exe")]
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    # Its dependency as it is here: no registry is asked.
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (Path(purelib) / "dependency.pth").write_text(str(Path(msgpack.__file__).parents[1]))
    program = "import context_manager as c; print(c.__file__, c.__version__, c.Client, c.AsyncClient)"
    said = run(python, "-I", "-c", program, cwd=tmp_path)
    assert purelib in said and VERSION in said


def test_its_types_are_seen_by_whoever_uses_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
from context_manager import AsyncClient, Client, Context, FailedContext, Filter, NewContext, StoredContext, connect

def use(client: Client, vip: Filter) -> str:
    stored: StoredContext = client.store("a", metadata={"a": 1}, embedding=[1.0])
    new: list[NewContext] = [{"text": "a", "tags": ["b"]}]
    for outcome in client.store_batch(new).results:
        print(outcome.error.code if isinstance(outcome, FailedContext) else outcome.id)
    for context in client.list(filter={"must": [{"key": "tags", "match": {"value": "a"}}]}):
        context.text.upper()
    found: list[str] = [each.text for each in client.query("a", filter=vip, priority=(1, 2, 3)).contexts]
    client.clear_level("L1")  # type: ignore[arg-type]
    client.store()  # type: ignore[call-arg]
    return stored.id + found[0]

async def use_async(client: AsyncClient) -> Context:
    async for context in client.list(limit=5):
        return context
    return (await client.get("a")).context

made: Client = connect("context-manager://h", secret="x" * 32)
connect(port="a")  # type: ignore[arg-type]
"""
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    environment = {"MYPYPATH": str(PACKAGE / "src")}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_tells_the_server_its_version() -> None:
    assert f"context-manager-py/{context_manager.__version__}" == CLIENT_NAME
