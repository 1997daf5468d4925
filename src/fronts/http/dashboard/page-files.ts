import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

export interface PageFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const INDEX = 'index.html';

/**
 * The built page, in memory. A name that a client sends is looked up among those that were found in the folder, and
 * is never part of a path.
 */
export class PageFiles {
  readonly #folder: string;
  #builtMs: number | null = null;
  #index: PageFile | null = null;
  #assets: ReadonlyMap<string, PageFile> = new Map<string, PageFile>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** As it is on the disk now; null: it is not built. */
  async index(): Promise<PageFile | null> {
    await this.#read();
    return this.#index;
  }

  /** A file of `assets/`, by its name. */
  async asset(name: string): Promise<PageFile | undefined> {
    if (this.#builtMs === null) await this.#read();
    return this.#assets.get(name);
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs } = await stat(join(this.#folder, INDEX));
      if (mtimeMs === this.#builtMs) return;
      const folder = join(this.#folder, 'assets');
      const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
      const files = names.map(async ({ name }) => [name, await fileOf(join(folder, name))] as const);
      this.#assets = new Map(await Promise.all(files));
      this.#index = await fileOf(join(this.#folder, INDEX));
      this.#builtMs = mtimeMs;
    } catch {
      // Not built, or while it was being built: what is there by then is read with the next request.
      this.#builtMs = null;
      this.#index = null;
    }
  }
}

async function fileOf(path: string): Promise<PageFile> {
  const bytes = await readFile(path);
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, type: TYPES[extname(path)] ?? 'application/octet-stream', etag };
}
