"""Files as contexts: what is kept how, ``FORMAT.md`` says. A directory is there as long as a file lies in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anthropic.lib.tools import ToolError
from context_manager import Context

from .format import TEXT_CHARS_MAX, place, places, record_id, shows
from .steps import Steps, call, checked, is_error, one, page_of

KIND = "anthropic-memory"
ROOT = "/memories"
_OWN = "anthropic_memory"
_BYTES_MAX = 4_096
_STEPS_MAX = 63
_PAGE = 1_000
#: Of one change, where others change the same file meanwhile.
_ATTEMPTS_MAX = 16


@dataclass(frozen=True)
class MemoryPath:
    steps: tuple[str, ...]

    @property
    def text(self) -> str:
        return "/".join([ROOT, *self.steps])


@dataclass(frozen=True)
class MemoryFile:
    path: MemoryPath
    content: str
    version: int


def memory_path(given: object) -> MemoryPath:
    """Raises, in words for the model, where it is no place below ``/memories``; slashes that change nothing go."""
    if not isinstance(given, str) or (given != ROOT and not given.startswith(f"{ROOT}/")):
        raise ToolError(f"Path must start with {ROOT}, got: {given}")
    steps = tuple(step for step in given.split("/")[2:] if step not in ("", "."))
    if any(map(_leads_out, steps)):
        raise ToolError(f"Path {given} would escape {ROOT} directory")
    if len(steps) > _STEPS_MAX:
        raise ToolError(f"Path {given} is too deep: at most {_STEPS_MAX} levels")
    if len(given.encode()) > _BYTES_MAX:
        raise ToolError(f"Path is too long: at most {_BYTES_MAX:,} bytes")
    return MemoryPath(steps)


def _leads_out(step: str) -> bool:
    """Nothing here reads files; who copies them to a disk must not find such names, however they are written."""
    plain = step.replace("%25", "%")
    for escaped, letter in (("%2e", "."), ("%2f", "/"), ("%5c", "\\")):
        plain = plain.replace(escaped, letter).replace(escaped.upper(), letter)
    parts = plain.replace("\\", "/").split("/")
    return ".." in parts or "\0" in step or "\\" in step or step.encode("utf-8", "replace").decode() != step


class MemoryFiles:
    def __init__(self, agent_id: str, namespace: str | None) -> None:
        self._agent_id = agent_id
        self._namespace = namespace

    def read(self, path: MemoryPath) -> Steps[MemoryFile | None]:
        """None where there is no such file; a directory is none."""
        context = yield from self._context(path)
        return None if context is None or "moved_to" in _own(context) else _file_of(context, path)

    def below(self, path: MemoryPath) -> Steps[list[MemoryFile]]:
        """All files below, and the file itself where the path is one, in no order."""
        files: list[MemoryFile] = []
        cursor = None
        while True:
            page = yield from self._page(path, _PAGE, cursor)
            for context in page.contexts:
                steps = str(_own(context)["path"]).split("/")[2:]
                files.append(_file_of(context, MemoryPath(tuple(steps))))
            cursor = page.cursor
            if cursor is None:
                return files

    def is_there(self, path: MemoryPath) -> Steps[bool]:
        page = yield from self._page(path, 1, None)
        return bool(page.contexts)

    def create(self, path: MemoryPath, content: str) -> Steps[bool]:
        """False where there is a file already."""
        written = str(uuid.uuid4())
        body = _body_of(path, content)
        body["metadata"][_OWN]["written"] = written
        for _ in range(_ATTEMPTS_MAX):
            place_of_it = {"id": self._id(path), "agent_id": self._agent_id, "namespace": self._namespace}
            kept = {"level": "long_term", "tags": places(KIND, path.steps)}
            (stored,) = yield [call("store", **place_of_it, **kept, **body)]
            if not is_error(stored, "CONFLICT") and _in_words(stored, path).created:
                return True
            there = yield from self._context(path)
            if there is not None and _own(there).get("written") == written:
                # A store whose answer was lost is repeated by the client, and then finds itself.
                return True
            if there is not None and "moved_to" not in _own(there):
                return False
            # What was moved away, and not yet deleted.
            yield from one(call("delete", self._id(path), namespace=self._namespace))
        raise _too_busy(path)

    def edit(self, path: MemoryPath, edit: Callable[[str], str]) -> Steps[str | None]:
        """The content after it; None where there is no such file. What there was is handed to ``edit`` again where
        somebody changed it meanwhile."""
        for _ in range(_ATTEMPTS_MAX):
            file = yield from self.read(path)
            if file is None:
                return None
            content = edit(file.content)
            outcome = yield from self._update(path, _body_of(path, content), file.version)
            if outcome == "changed":
                return content
        raise _too_busy(path)

    def delete(self, path: MemoryPath) -> Steps[int]:
        """How many files are gone: of a directory all."""
        wanted = self._filter(path)
        wanted["must"].append({"key": "agent_id", "match": {"value": self._agent_id}})
        reply = yield from one(call("delete", filter=wanted, namespace=self._namespace))
        deleted: int = reply.deleted
        return deleted

    def move(self, source: MemoryPath, target: MemoryPath) -> Steps[Literal["moved", "missing", "taken"]]:
        """What is edited on the way comes along. A kill in between leaves the file at both places, never at none."""
        file = yield from self.read(source)
        if file is None:
            return "missing"
        if not (yield from self.create(target, file.content)):
            return "taken"
        for _ in range(_ATTEMPTS_MAX):
            change = {"metadata": {_OWN: {"path": source.text, "moved_to": target.text}}}
            outcome = yield from self._update(source, change, file.version)
            if outcome == "changed":
                yield from one(call("delete", self._id(source), namespace=self._namespace))
                return "moved"
            again = yield from self.read(source)
            if again is None:
                break
            file = again
            yield from self.edit(target, lambda _, content=again.content: content)  # type: ignore[misc]
        yield from one(call("delete", self._id(target), namespace=self._namespace))
        return "missing"

    def _update(
        self, path: MemoryPath, change: dict[str, Any], version: int
    ) -> Steps[Literal["changed", "missing", "conflict"]]:
        change = {**change, "namespace": self._namespace, "if_version": version}
        (outcome,) = yield [call("update", self._id(path), **change)]
        if is_error(outcome, "CONFLICT"):
            return "conflict"
        if is_error(outcome, "NOT_FOUND"):
            return "missing"
        _in_words(outcome, path)
        return "changed"

    def _context(self, path: MemoryPath) -> Steps[Context | None]:
        (outcome,) = yield [call("get", self._id(path), namespace=self._namespace)]
        if is_error(outcome, "NOT_FOUND"):
            return None
        context: Context = checked(outcome).context
        return context

    def _page(self, path: MemoryPath, limit: int, cursor: str | None) -> Steps[Any]:
        asked = {"agent_id": self._agent_id, "namespace": self._namespace, "filter": self._filter(path)}
        page = yield from one(page_of(**asked, limit=limit, cursor=cursor))
        return page

    def _filter(self, path: MemoryPath) -> dict[str, list[Any]]:
        is_here = {"key": "tags", "match": {"value": place(KIND, path.steps)}}
        return {"must": [is_here, {"is_empty": {"key": f"metadata.{_OWN}.moved_to"}}]}

    def _id(self, path: MemoryPath) -> str:
        return record_id([KIND, self._agent_id, *path.steps])


def _body_of(path: MemoryPath, content: str) -> dict[str, Any]:
    """The server takes no text that shows nothing."""
    if len(content) > TEXT_CHARS_MAX:
        raise _too_long(path)
    content = content.encode("utf-8", "replace").decode()
    own = {"path": path.text} if shows(content) else {"path": path.text, "content": content}
    return {"text": content if shows(content) else path.text, "metadata": {_OWN: own}}


def _own(context: Context) -> dict[str, Any]:
    own: dict[str, Any] = context.metadata[_OWN]
    return own


def _file_of(context: Context, path: MemoryPath) -> MemoryFile:
    return MemoryFile(path, _own(context).get("content", context.text), context.version)


def _in_words(outcome: Any, path: MemoryPath) -> Any:
    if is_error(outcome, "PAYLOAD_TOO_LARGE"):
        raise _too_long(path) from outcome
    return checked(outcome)


def _too_long(path: MemoryPath) -> ToolError:
    return ToolError(f"File {path.text} is too long: at most {TEXT_CHARS_MAX:,} characters")


def _too_busy(path: MemoryPath) -> ToolError:
    return ToolError(f"The file {path.text} is being changed by others. Please try again.")


def sorted_files(files: Sequence[MemoryFile]) -> list[MemoryFile]:
    return sorted(files, key=lambda file: file.path.steps)
