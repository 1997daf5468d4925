"""The real server, as its own process, from the checkout that this package lies in."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "src" / "bin.js"
SECRET = "0123456789abcdef0123456789abcdef"
#: Compiled sources are kept from one start to the next: without them a start is mostly the compiler's work.
_COMPILED = tempfile.mkdtemp(prefix="cm-python-compiled-")
atexit.register(shutil.rmtree, _COMPILED, ignore_errors=True)


def node() -> str | None:
    """The checkout's own, or the one on the path."""
    own = ROOT / "node_modules" / "node" / "bin" / ("node.exe" if os.name == "nt" else "node")
    return str(own) if own.exists() else shutil.which("node")


def free_port() -> int:
    """Below those that the system gives to whoever asks for any: nobody is given it while the server is away."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class RealServer:
    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cm-python-"))
        self.settings = settings
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def options(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "key_id": "default", "secret": SECRET, "sender": "agent-1"}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """At the port that it had before, if it had one; on the data that it left."""
        program = node()
        assert program is not None
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "NODE_COMPILE_CACHE": _COMPILED,
            "PROTOCOL_SECRET": SECRET,
            "SERVER__PORT": str(self.port),
            "SERVER__HTTP_PORT": "0",
            "LOGGING__LEVEL": "warn",
            **self.settings,
        }
        with open(self.folder / "stderr", "a") as errors:
            self._process = subprocess.Popen(
                [program, str(LAUNCHER), "serve", "--json"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        said = ""
        while "}\n" not in said:
            line = self._process.stdout.readline()
            assert line, f"the server did not start: {said}{(self.folder / 'stderr').read_text()}"
            said += line
        self.port = json.loads(said)["port"]

    def kill(self) -> None:
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        self._end(subprocess.Popen.terminate)

    def clean_up(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, end: Callable[[subprocess.Popen[str]], None]) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process)
            process.wait(300)
            if process.stdout is not None:
                process.stdout.close()
