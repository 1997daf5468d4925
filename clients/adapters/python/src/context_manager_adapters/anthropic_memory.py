"""Anthropic's memory tool (``memory_20250818``) over context-manager."""

from __future__ import annotations

from typing import Any

from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError
from anthropic.types.beta import (
    BetaCacheControlEphemeralParam,
    BetaMemoryTool20250818CreateCommand,
    BetaMemoryTool20250818DeleteCommand,
    BetaMemoryTool20250818InsertCommand,
    BetaMemoryTool20250818RenameCommand,
    BetaMemoryTool20250818StrReplaceCommand,
    BetaMemoryTool20250818ViewCommand,
)

from .anthropic_memory_files import KIND, MemoryFiles, MemoryPath, memory_path, sorted_files
from .anthropic_memory_views import directory_view, file_view, numbered
from .connection import Connection, Memory
from .steps import Steps

AGENT = KIND
#: What is shown around a change.
_LINES_AROUND = 2


class _Commands:
    """The six commands. What fails raises a ``ToolError``, in words for the model."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> Steps[str]:
        path = memory_path(command.path)
        file = None if not path.steps else (yield from self._files.read(path))
        if file is not None:
            return file_view(path, file.content, command.view_range)
        below = yield from self._files.below(path)
        if not below and path.steps:
            raise _missing(path)
        return directory_view(path, sorted_files(below))

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> Steps[str]:
        path = memory_path(command.path)
        yield from self._refuse_file_above(path)
        if (yield from self._files.is_there(path)) or not (yield from self._files.create(path, command.file_text)):
            raise ToolError(f"File {path.text} already exists")
        return f"File created successfully at: {path.text}"

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> Steps[str]:
        path = memory_path(command.path)
        old, new = command.old_str, command.new_str
        changed: list[int] = []

        def edit(content: str) -> str:
            changed[:] = [_only_line_of(path, content, old)]
            return content.replace(old, new)

        content = yield from self._files.edit(path, edit)
        if content is None:
            raise (yield from self._no_file(path))
        end = changed[0] + new.count("\n") + 1 + _LINES_AROUND
        shown = numbered(content.split("\n"), changed[0] - _LINES_AROUND, end)
        return f"The memory file has been edited. Here is the snippet showing the change (with line numbers):\n{shown}"

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> Steps[str]:
        path = memory_path(command.path)

        def edit(content: str) -> str:
            lines = content.split("\n")
            # A break at the end of the file begins no line.
            lines = lines[:-1] if lines[-1] == "" else lines
            if not 0 <= command.insert_line <= len(lines):
                raise ToolError(
                    f"Invalid `insert_line` parameter: {command.insert_line}. "
                    f"It should be within the range of lines of the file: [0, {len(lines)}]"
                )
            lines.insert(command.insert_line, command.insert_text.removesuffix("\n"))
            return "\n".join([*lines, ""])

        if (yield from self._files.edit(path, edit)) is None:
            raise (yield from self._no_file(path))
        return f"The file {path.text} has been edited."

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> Steps[str]:
        path = memory_path(command.path)
        if not path.steps:
            raise ToolError(f"Cannot delete the {path.text} directory itself")
        if (yield from self._files.delete(path)) == 0:
            raise ToolError(f"The path {path.text} does not exist")
        return f"Successfully deleted {path.text}"

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> Steps[str]:
        source, target = memory_path(command.old_path), memory_path(command.new_path)
        if not source.steps:
            raise ToolError(f"Cannot rename the {source.text} directory itself")
        if not target.steps or (yield from self._files.is_there(target)):
            raise _taken(target)
        if target.steps[: len(source.steps)] == source.steps:
            raise ToolError(f"Cannot rename {source.text} into itself")
        yield from self._refuse_file_above(target)
        files = yield from self._files.below(source)
        if not files:
            raise ToolError(f"The path {source.text} does not exist")
        for file in files:
            place = MemoryPath((*target.steps, *file.path.steps[len(source.steps) :]))
            if (yield from self._files.move(file.path, place)) == "taken":
                raise _taken(place)
        return f"Successfully renamed {source.text} to {target.text}"

    def clear(self) -> Steps[str]:
        yield from self._files.delete(MemoryPath(()))
        return "All memory cleared"

    def _refuse_file_above(self, path: MemoryPath) -> Steps[None]:
        """A file has nothing below it."""
        if not path.steps:
            raise ToolError(f"File {path.text} already exists")
        for length in range(1, len(path.steps)):
            above = MemoryPath(path.steps[:length])
            if (yield from self._files.read(above)) is not None:
                raise ToolError(f"{above.text} is a file, and not a directory")

    def _no_file(self, path: MemoryPath) -> Steps[ToolError]:
        if not path.steps or (yield from self._files.is_there(path)):
            return ToolError(f"The path {path.text} is not a file.")
        return _missing(path)


class ContextManagerMemoryTool(BetaAbstractMemoryTool):
    """For ``Anthropic().beta.messages.tool_runner(..., tools=[tool])``: the files of ``/memories`` are contexts."""

    def __init__(
        self,
        memory: Memory | None = None,
        *,
        agent_id: str = AGENT,
        namespace: str | None = None,
        cache_control: BetaCacheControlEphemeralParam | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            memory: A client, which its owner closes, or the URL of a server. None: ``options`` say where it is.
            agent_id: Whose files they are.
            namespace: The server's. Default: the client's.
            cache_control: Of the tool's definition.
            options: Those of ``context_manager.Client``, where no client is given.
        """
        super().__init__(cache_control=cache_control)
        self._commands = _Commands(MemoryFiles(agent_id, namespace))
        self._connection = Connection(memory, options)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        return self._connection.run(self._commands.view(command))

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        return self._connection.run(self._commands.create(command))

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        return self._connection.run(self._commands.str_replace(command))

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        return self._connection.run(self._commands.insert(command))

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        return self._connection.run(self._commands.delete(command))

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        return self._connection.run(self._commands.rename(command))

    def clear_all_memory(self) -> str:
        return self._connection.run(self._commands.clear())

    def close(self) -> None:
        """Ends the connections that are the tool's own."""
        self._connection.close()


class AsyncContextManagerMemoryTool(BetaAsyncAbstractMemoryTool):
    """The same for ``AsyncAnthropic``."""

    def __init__(
        self,
        memory: Memory | None = None,
        *,
        agent_id: str = AGENT,
        namespace: str | None = None,
        cache_control: BetaCacheControlEphemeralParam | None = None,
        **options: Any,
    ) -> None:
        """As of ``ContextManagerMemoryTool``."""
        super().__init__(cache_control=cache_control)
        self._commands = _Commands(MemoryFiles(agent_id, namespace))
        self._connection = Connection(memory, options)

    async def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        return await self._connection.run_async(self._commands.view(command))

    async def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        return await self._connection.run_async(self._commands.create(command))

    async def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        return await self._connection.run_async(self._commands.str_replace(command))

    async def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        return await self._connection.run_async(self._commands.insert(command))

    async def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        return await self._connection.run_async(self._commands.delete(command))

    async def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        return await self._connection.run_async(self._commands.rename(command))

    async def clear_all_memory(self) -> str:
        return await self._connection.run_async(self._commands.clear())

    async def aclose(self) -> None:
        """Ends the connections that are the tool's own."""
        await self._connection.aclose()


def _only_line_of(path: MemoryPath, content: str, part: str) -> int:
    """The place of the line where the one occurrence begins, from 0."""
    before, *others = content.split(part) if part else [content]
    if not others:
        raise ToolError(f"No replacement was performed, old_str `{part}` did not appear verbatim in {path.text}.")
    lines = [before.count("\n") + 1]
    for each in others[:-1]:
        lines.append(lines[-1] + part.count("\n") + each.count("\n"))
    if len(lines) > 1:
        places = ", ".join(map(str, dict.fromkeys(lines)))
        raise ToolError(
            f"No replacement was performed. Multiple occurrences of old_str `{part}` in lines: {places}. "
            "Please ensure it is unique"
        )
    return lines[0] - 1


def _missing(path: MemoryPath) -> ToolError:
    return ToolError(f"The path {path.text} does not exist. Please provide a valid path.")


def _taken(path: MemoryPath) -> ToolError:
    return ToolError(f"The destination {path.text} already exists")
