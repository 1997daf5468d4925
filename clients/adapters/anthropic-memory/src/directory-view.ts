import type { MemoryFile } from './memory-files.ts';
import type { MemoryPath } from './memory-path.ts';

const UNITS = ['B', 'K', 'M', 'G'];
const LEVELS = 2;

interface Directory {
  bytes: number;
  readonly entries: Map<string, Directory | number>;
}

/** What lies in a directory, two levels deep, with sizes; of a directory, all that lies in it. */
export function directoryView(path: MemoryPath, files: readonly MemoryFile[]): string {
  const root = treeOf(path, files);
  return [
    `Here're the files and directories up to 2 levels deep in ${path.text}, excluding hidden items and node_modules:`,
    `${sizeText(root.bytes)}\t${path.text}`,
    ...linesOf(root, path.text, 1),
  ].join('\n');
}

function treeOf({ steps }: MemoryPath, files: readonly MemoryFile[]): Directory {
  const root: Directory = { bytes: 0, entries: new Map() };
  for (const { path, content } of files) {
    const bytes = Buffer.byteLength(content);
    const names = path.steps.slice(steps.length);
    const last = names.pop();
    let directory = root;
    directory.bytes += bytes;
    for (const name of names) {
      const inner = directory.entries.get(name);
      const next: Directory = typeof inner === 'object' ? inner : { bytes: 0, entries: new Map() };
      next.bytes += bytes;
      directory.entries.set(name, next);
      directory = next;
    }
    if (last !== undefined && !directory.entries.has(last)) directory.entries.set(last, bytes);
  }
  return root;
}

function linesOf({ entries }: Directory, prefix: string, level: number): string[] {
  const names = [...entries.keys()].filter((name) => !name.startsWith('.') && name !== 'node_modules').sort();
  return names.flatMap((name) => {
    const entry = entries.get(name) ?? 0;
    const path = `${prefix}/${name}`;
    if (typeof entry === 'number') return [`${sizeText(entry)}\t${path}`];
    return [`${sizeText(entry.bytes)}\t${path}/`, ...(level < LEVELS ? linesOf(entry, path, level + 1) : [])];
  });
}

/** As `du -h` writes it. */
function sizeText(bytes: number): string {
  const unit = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const size = bytes / 1024 ** unit;
  return `${Number.isInteger(size) ? size : size.toFixed(1)}${UNITS[unit]}`;
}
