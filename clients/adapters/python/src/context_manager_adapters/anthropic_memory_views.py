"""What the memory tool shows of directories and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anthropic.lib.tools import ToolError

from .anthropic_memory_files import MemoryFile, MemoryPath

_LINES_MAX = 999_999
_NUMBER_WIDTH = 6
_LEVELS = 2


@dataclass
class _Directory:
    bytes: int = 0
    entries: dict[str, _Directory | int] = field(default_factory=dict)


def directory_view(path: MemoryPath, files: Sequence[MemoryFile]) -> str:
    """What lies in a directory, two levels deep, with sizes; of a directory, all that lies in it."""
    root = _Directory()
    for file in files:
        size = len(file.content.encode())
        *names, last = file.path.steps[len(path.steps) :]
        directory = root
        directory.bytes += size
        for name in names:
            inner = directory.entries.get(name)
            if not isinstance(inner, _Directory):
                inner = directory.entries[name] = _Directory()
            inner.bytes += size
            directory = inner
        directory.entries.setdefault(last, size)
    head = f"Here're the files and directories up to 2 levels deep in {path.text}"
    return "\n".join(
        [
            f"{head}, excluding hidden items and node_modules:",
            f"{_size(root.bytes)}\t{path.text}",
            *_lines_of(root, path.text, 1),
        ]
    )


def _lines_of(directory: _Directory, prefix: str, level: int) -> list[str]:
    lines: list[str] = []
    for name in sorted(directory.entries):
        entry = directory.entries[name]
        if name.startswith(".") or name == "node_modules":
            continue
        if isinstance(entry, int):
            lines.append(f"{_size(entry)}\t{prefix}/{name}")
            continue
        lines.append(f"{_size(entry.bytes)}\t{prefix}/{name}/")
        if level < _LEVELS:
            lines += _lines_of(entry, f"{prefix}/{name}", level + 1)
    return lines


def _size(count: int) -> str:
    """As ``du -h`` writes it."""
    unit = 0 if count == 0 else min(3, (count.bit_length() - 1) // 10)
    size = count / 1024**unit
    return f"{int(size) if size == int(size) else format(size, '.1f')}{'BKMG'[unit]}"


def file_view(path: MemoryPath, content: str, view_range: Sequence[int] | None) -> str:
    lines = content.split("\n")
    if len(lines) > _LINES_MAX:
        raise ToolError(f"File {path.text} exceeds maximum line limit of {_LINES_MAX:,} lines.")
    first, last = view_range if view_range is not None and len(view_range) == 2 else (1, -1)
    shown = numbered(lines, max(1, first) - 1, len(lines) if last == -1 else last)
    return f"Here's the content of {path.text} with line numbers:\n{shown}"


def numbered(lines: Sequence[str], start: int, end: int) -> str:
    """Lines from place ``start`` up to ``end``, which is not among them; numbers count from 1."""
    start, end = max(0, start), max(0, end)
    return "\n".join(f"{start + at + 1:>{_NUMBER_WIDTH}}\t{line}" for at, line in enumerate(lines[start:end]))
