import type { Client, Context, Filter } from '@context-manager/client';
import { randomUUID } from 'node:crypto';
import { placeOf, scopeOf, type AdapterOptions, type Place, type Scope } from '../../shared/adapter-options.ts';
import { contextId, placeTag, placeTags } from '../../shared/names.ts';
import { codeOf, shows } from '../../shared/text.ts';
import { pathOf, type MemoryPath } from './memory-path.ts';

const KIND = 'anthropic-memory';
/** Of one change, where others change the same file meanwhile. */
const ATTEMPTS = 16;

/** A file as it was read. */
export interface MemoryFile {
  readonly path: MemoryPath;
  readonly content: string;
}

interface VersionedFile extends MemoryFile {
  readonly version: number;
}

/** Files as contexts, as clients/adapters/FORMAT.md says. A directory is there as long as something lies in it. */
export class MemoryFiles {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #place: Place;

  constructor(options: AdapterOptions) {
    this.#client = options.client;
    this.#scope = scopeOf(options, KIND);
    this.#place = placeOf(options);
  }

  /** Null: there is no such file; a directory is none. */
  async read(path: MemoryPath): Promise<VersionedFile | null> {
    const context = await this.#context(path);
    return context === null || movedTo(context) !== undefined ? null : fileOf(context, path);
  }

  /** All files below, and the file itself where the path is one, in no order. */
  async below(path: MemoryPath): Promise<MemoryFile[]> {
    const found: MemoryFile[] = [];
    for await (const context of this.#client.list({ ...this.#scope, filter: this.#filter(path), limit: 1_000 })) {
      const steps = stepsOf(context);
      if (steps !== null) found.push(fileOf(context, pathOf(steps)));
    }
    return found;
  }

  async isThere(path: MemoryPath): Promise<boolean> {
    const { contexts } = await this.#client.list({ ...this.#scope, filter: this.#filter(path), limit: 1 }).page();
    return contexts.length > 0;
  }

  /** False: there is a file already. */
  async create(path: MemoryPath, content: string): Promise<boolean> {
    const written = randomUUID();
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (await this.#store(path, content, written)) return true;
      const there = await this.#context(path);
      // A store whose answer was lost is repeated by the client, and then finds itself.
      if (there !== null && about(there)['written'] === written) return true;
      if (there !== null && movedTo(there) === undefined) return false;
      // What was moved away, and not yet deleted.
      await this.#client.delete({ id: this.#id(path), ...this.#place });
    }
    throw tooBusy(path);
  }

  /** The content before is handed to `edit` again where somebody changed it meanwhile; null: there is no such file. */
  async edit(path: MemoryPath, edit: (content: string) => string): Promise<string | null> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const file = await this.read(path);
      if (file === null) return null;
      const content = edit(file.content).toWellFormed();
      const outcome = await this.#update(path, { ...bodyOf(path, content) }, file.version);
      if (outcome === 'changed') return content;
    }
    throw tooBusy(path);
  }

  /** How many files are gone: of a directory all. */
  async delete(path: MemoryPath): Promise<number> {
    const filter = this.#filter(path, [{ key: 'agent_id', match: { value: this.#scope.agent_id } }]);
    const { deleted } = await this.#client.delete({ filter, ...this.#place });
    return deleted;
  }

  /**
   * `missing`: there is no such file; `taken`: there is one at the new place. What is edited on the way comes along; a kill
   * in between leaves the file at both places, never at none.
   */
  async move(from: MemoryPath, to: MemoryPath): Promise<'moved' | 'missing' | 'taken'> {
    const file = await this.read(from);
    if (file === null) return 'missing';
    if (!(await this.create(to, file.content))) return 'taken';
    for (let { content, version } = file, attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const metadata = { anthropic_memory: { path: from.text, moved_to: to.text } };
      const outcome = await this.#update(from, { metadata }, version);
      if (outcome === 'missing') break;
      if (outcome === 'changed') {
        await this.#client.delete({ id: this.#id(from), ...this.#place });
        return 'moved';
      }
      const now = await this.read(from);
      if (now === null) break;
      ({ content, version } = now);
      await this.edit(to, () => content);
    }
    await this.#client.delete({ id: this.#id(to), ...this.#place });
    return 'missing';
  }

  async #store(path: MemoryPath, content: string, written: string): Promise<boolean> {
    const { text, metadata } = bodyOf(path, content.toWellFormed());
    try {
      const { created } = await this.#client.store({
        ...this.#scope,
        id: this.#id(path),
        level: 'long_term',
        tags: placeTags(KIND, path.steps),
        text,
        metadata: { anthropic_memory: { ...metadata.anthropic_memory, written } },
      });
      return created;
    } catch (error) {
      if (codeOf(error) === 'CONFLICT') return false;
      throw inWords(error, path);
    }
  }

  async #update(
    path: MemoryPath,
    change: { text?: string; metadata: { anthropic_memory: { path: string; content?: string; moved_to?: string } } },
    version: number,
  ): Promise<'changed' | 'missing' | 'conflict'> {
    try {
      await this.#client.update({ id: this.#id(path), ...this.#place, ...change, if_version: version });
      return 'changed';
    } catch (error) {
      if (codeOf(error) === 'CONFLICT') return 'conflict';
      if (codeOf(error) === 'NOT_FOUND') return 'missing';
      throw inWords(error, path);
    }
  }

  async #context(path: MemoryPath): Promise<Context | null> {
    try {
      return (await this.#client.get({ id: this.#id(path), ...this.#place })).context;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return null;
      throw error;
    }
  }

  #filter({ steps }: MemoryPath, more: NonNullable<Filter['must']> = []): Filter {
    const isHere = { key: 'tags', match: { value: placeTag(KIND, steps) } };
    return { must: [isHere, { is_empty: { key: 'metadata.anthropic_memory.moved_to' } }, ...more] };
  }

  #id({ steps }: MemoryPath): string {
    return contextId([KIND, this.#scope.agent_id, ...steps]);
  }
}

/** The server takes no text that shows nothing. */
function bodyOf({ text: path }: MemoryPath, content: string) {
  const isText = shows(content);
  return { text: isText ? content : path, metadata: { anthropic_memory: { path, ...(!isText && { content }) } } };
}

function about({ metadata }: Context): Readonly<Record<string, unknown>> {
  const own = metadata['anthropic_memory'];
  return typeof own === 'object' && own !== null ? { ...own } : {};
}

function movedTo(context: Context): unknown {
  return about(context)['moved_to'];
}

function stepsOf(context: Context): string[] | null {
  const { path } = about(context);
  return typeof path === 'string' ? path.split('/').slice(2) : null;
}

function fileOf(context: Context, path: MemoryPath): VersionedFile {
  const { content } = about(context);
  return { path, content: typeof content === 'string' ? content : context.text, version: context.version };
}

function inWords(error: unknown, { text }: MemoryPath): unknown {
  if (codeOf(error) !== 'PAYLOAD_TOO_LARGE') return error;
  return new Error(`File ${text} is too long: at most 262,144 characters`, { cause: error });
}

function tooBusy({ text }: MemoryPath): Error {
  return new Error(`The file ${text} is being changed by others. Please try again.`);
}
