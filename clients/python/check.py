"""Makes environments with the pinned tools, and runs ruff, mypy and pytest in them: for the SDK, and for the adapters.

    python3 clients/python/check.py [sdk | adapters] [style | tests] [arguments of pytest]

`style` is ruff and mypy alone, `tests` pytest alone.

With PYTHON_TEST_REPORT in the environment, how many tests passed and failed goes into that file as well, in JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Package:
    name: str
    folder: Path
    #: What the pinned tools need.
    oldest: tuple[int, int]
    #: As it lies there: nothing is built, and what is changed is there at once.
    sources: tuple[Path, ...]
    mypy: tuple[str, ...] = ()


SDK = Package("sdk", HERE, (3, 10), (HERE / "src",), mypy=("check.py",))
_ADAPTERS = HERE.parent / "adapters" / "python"
ADAPTERS = Package("adapters", _ADAPTERS, (3, 11), (HERE / "src", _ADAPTERS / "src"))


def main() -> int:
    arguments = sys.argv[1:]
    named = [package for package in (SDK, ADAPTERS) if package.name in arguments[:1]]
    del arguments[: len(named)]
    only = arguments.pop(0) if arguments[:1] in (["style"], ["tests"]) else None
    packages = named or [package for package in (SDK, ADAPTERS) if package.folder.exists()]
    outcomes = [check(package, only, arguments) for package in packages]
    passed, failed, wrong = (sum(column) for column in zip(*outcomes, strict=True))
    report = os.environ.get("PYTHON_TEST_REPORT")
    if report is not None:
        Path(report).write_text(json.dumps({"passed": passed, "failed": failed}))
    return 1 if wrong or failed else 0


def check(package: Package, only: str | None, arguments: list[str]) -> tuple[int, int, int]:
    """How many tests passed, how many failed, and how many checks found something."""
    if sys.version_info < package.oldest:
        needed = ".".join(map(str, package.oldest))
        print(f"{package.name}: this is Python {sys.version.split()[0]}: at least {needed} is needed")
        return 0, 0, int(package is SDK)
    python = tools(package)
    passed, failed = (0, 0) if only == "style" else tests(package, python, arguments)
    if only == "tests":
        return passed, failed, 0
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        *[[python, "-m", "mypy", file] for file in package.mypy],
    ]
    wrong = [step for step in steps if subprocess.run(step, cwd=package.folder).returncode != 0]
    for step in wrong:
        print(f"failed: {' '.join(step[1:])}")
    return passed, failed, len(wrong)


def tools(package: Package) -> str:
    """The environment's interpreter; the environment is made anew where what it must hold has changed."""
    environment = package.folder / ".venv"
    requirements = package.folder / "requirements-dev.txt"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = environment / "made-of"
    made_of = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != made_of:
        venv.create(environment, clear=True, with_pip=True)
        install(str(python), requirements)
        (purelib,) = (
            environment.glob("Lib/site-packages") if os.name == "nt" else environment.glob("lib/*/site-packages")
        )
        (purelib / "context-manager.pth").write_text("\n".join(map(str, package.sources)))
        stamp.write_text(made_of)
    return str(python)


def install(python: str, requirements: Path) -> None:
    """A long list over uv, where the list names it: it takes seconds in place of minutes. pip stands in for it."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    uv = next((line for line in requirements.read_text().splitlines() if line.startswith("uv==")), None)
    if uv is not None:
        subprocess.run([*pip, uv], check=True)
        fast = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--no-deps"]
        if subprocess.run([*fast, "--requirement", str(requirements)]).returncode == 0:
            return
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)


def tests(package: Package, python: str, arguments: list[str]) -> tuple[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        ran = subprocess.run([python, "-m", "pytest", f"--junitxml={report}", *arguments], cwd=package.folder)
        if not report.exists():
            return 0, 1
        (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
        count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    return passed, max(failed, 0 if ran.returncode == 0 else 1)


if __name__ == "__main__":
    sys.exit(main())
