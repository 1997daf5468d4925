import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** How often each of the words stands in each file below the folder, packed ones unpacked; files without any are left out. */
export async function foundBytes(folder: string, words: readonly string[]): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const content = path.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes;
    let count = 0;
    for (const word of words)
      for (let at = content.indexOf(word); at >= 0; at = content.indexOf(word, at + word.length)) count++;
    if (count > 0) found[path.slice(folder.length + 1)] = count;
  }
  return found;
}
