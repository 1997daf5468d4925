import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, reasonOf } from '../terminal/command-error.ts';

const CHUNK_CHARS = 8 * 1024 * 1024;
const PRIVATE_MODE = 0o600;

/**
 * Takes lines and gives them back last first. What is more than a few megabytes goes to a file that nobody else can
 * read, without a name from its first moment on, so that nothing is left of it however the process ends.
 */
export class ReversedLines {
  readonly #folder: string;
  readonly #chunkChars: number;
  #lines: string[] = [];
  #chars = 0;
  #file: FileHandle | undefined;
  /** Where the chunks in the file end; each holds its lines last first. */
  readonly #ends: number[] = [];

  /** `folder`: where the file is made, if it is. */
  constructor(folder: string, chunkChars = CHUNK_CHARS) {
    this.#folder = folder;
    this.#chunkChars = chunkChars;
  }

  /** `line` ends in a line break. */
  async push(line: string): Promise<void> {
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars < this.#chunkChars) return;
    const bytes = Buffer.from(this.#takeLines());
    await this.#attempt(async () => {
      this.#file ??= await openNameless(this.#folder);
      await this.#file.writeFile(bytes);
    });
    this.#ends.push((this.#ends.at(-1) ?? 0) + bytes.length);
  }

  /** Texts of one line or more, the last line first. Nothing may be pushed any more. */
  async *drain(): AsyncGenerator<string> {
    yield this.#takeLines();
    while (this.#ends.length > 0) {
      const end = this.#ends.pop() ?? 0;
      yield await this.#attempt(() => this.#read(this.#ends.at(-1) ?? 0, end));
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #takeLines(): string {
    const text = this.#lines.reverse().join('');
    this.#lines = [];
    this.#chars = 0;
    return text;
  }

  async #read(start: number, end: number): Promise<string> {
    const bytes = Buffer.alloc(end - start);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = (await this.#file?.read(bytes, at, bytes.length - at, start + at)) ?? { bytesRead: 0 };
      if (bytesRead === 0) throw new Error('it is shorter than what was written to it');
      at += bytesRead;
    }
    return bytes.toString();
  }

  async #attempt<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw new CommandError(
        `cannot keep lines in a temporary file in ${this.#folder}: ${reasonOf(error)}`,
        'Make room there, or name another folder with TMPDIR.',
      );
    }
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  const home = await mkdtemp(join(folder, '.context-manager-'));
  try {
    return await open(join(home, 'lines'), 'wx+', PRIVATE_MODE);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
