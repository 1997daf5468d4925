// Qdrant's snapshots of a collection, and the way of their bytes to a file and back. What they weigh nobody knows before, so a
// time is set to silence in place of the whole.

import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { packStream, unpackedStream } from '../snapshot/packed-files.ts';
import type { SnapshotFile } from '../snapshot/store-copy.ts';
import { type HttpClient, passing, readReply, refusalIn, refused } from './http-client.ts';

/** As Qdrant tells of one. */
export interface ServerSnapshot {
  readonly name: string;
  readonly size: number;
  /** SHA-256 in hexadecimal. */
  readonly checksum?: string | null;
}

interface ClusterInfo {
  readonly local_shards: readonly { readonly shard_id: number; readonly state: string }[];
  readonly remote_shards: readonly { readonly shard_id: number }[];
}

/** How long Qdrant may work on one collection. */
const WORK_MS = 3_600_000;
/** How long no byte may come or go. */
const SILENCE_MS = 60_000;
const NOT_FOUND = 404;
/** Qdrant keeps what is uploaded, by this name, until it is deleted. */
const UPLOADED = 'context-manager.snapshot';
const NOT_IN_TIME = 'the vector database did not answer in time';

export interface SnapshotCallsDeps {
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Absent: a minute. */
  readonly silenceMs?: number;
}

export class SnapshotCalls {
  readonly #deps: SnapshotCallsDeps;

  constructor(deps: SnapshotCallsDeps) {
    this.#deps = deps;
  }

  /** Shards of the collection of which the node that is asked has no copy that works. */
  async missingShards(collection: string): Promise<number> {
    const info = await this.#deps.http.call<ClusterInfo>('GET', `/collections/${collection}/cluster`);
    const here = new Set(info.local_shards.filter(({ state }) => state === 'Active').map(({ shard_id: id }) => id));
    const all = new Set([...info.local_shards, ...info.remote_shards].map(({ shard_id: id }) => id));
    return all.size - here.size;
  }

  /** On the server's disk. */
  create(collection: string, signal: AbortSignal | undefined): Promise<ServerSnapshot> {
    return this.#deps.http.call<ServerSnapshot>('POST', `${pathOf(collection)}?wait=true`, undefined, {
      signal,
      timeoutMs: WORK_MS,
    });
  }

  async names(collection: string): Promise<string[]> {
    const found = await this.#deps.http.ask<ServerSnapshot[]>('GET', pathOf(collection));
    if ('status' in found && found.status === NOT_FOUND) return [];
    if ('status' in found) throw refused(found);
    return found.result.map(({ name }) => name);
  }

  /** One that is not there is as good as deleted. */
  async delete(collection: string, name: string): Promise<void> {
    const path = `${pathOf(collection)}/${encodeURIComponent(name)}?wait=true`;
    const deleted = await this.#deps.http.ask('DELETE', path);
    if ('status' in deleted && deleted.status !== NOT_FOUND) throw refused(deleted);
  }

  /** Compressed, into the file `target`; `content`: the name of what it unpacks to. */
  async download(
    collection: string,
    { name, size, checksum }: ServerSnapshot,
    { target, content }: { readonly target: string; readonly content: string },
    signal: AbortSignal | undefined,
  ): Promise<SnapshotFile> {
    const watched = this.#watch(signal);
    try {
      const request = this.#deps.http.begin('GET', `${pathOf(collection)}/${encodeURIComponent(name)}`);
      const reply = responseTo(request, watched.signal);
      request.end();
      const response = await reply;
      if (response.statusCode !== 200) throw refused(await refusalOf(response));
      const file = await packStream(watched.tapped(response), content, target, watched.signal);
      const isWhole =
        file.content?.bytes === size &&
        (checksum === undefined || checksum === null || file.content.sha256 === checksum);
      if (!isWhole) throw passing('the vector database sent another snapshot than it had made');
      return file;
    } catch (error) {
      throwIfAborted(watched.signal);
      throw isBroken(error) ? passing('the vector database broke off its reply', error) : error;
    } finally {
      watched.end();
    }
  }

  /** Makes the collection of it, in place of one that is there. Rejects with what Qdrant says. */
  async recover(collection: string, path: string, file: SnapshotFile, signal?: AbortSignal): Promise<void> {
    const { bytes, sha256 } = file.content ?? file;
    // Nothing holds its own sum.
    const boundary = `context-manager-${sha256}`;
    const head = Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="snapshot"; filename="${UPLOADED}"\r\ncontent-type: application/octet-stream\r\n\r\n`,
    );
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
    const watched = this.#watch(signal);
    let request: ClientRequest | undefined;
    try {
      const query = `priority=snapshot&wait=true&checksum=${sha256}`;
      const begun = this.#deps.http.begin('POST', `${pathOf(collection)}/upload?${query}`, {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': head.length + bytes + tail.length,
      });
      request = begun;
      const reply = responseTo(begun, watched.signal);
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield head;
        yield* watched.tapped(unpackedStream(path));
        yield tail;
        watched.beat(WORK_MS);
      };
      // Where it is broken off, the reply says why, if there is one.
      const sent = pipeline(body(), begun, { signal: watched.signal }).then(() => undefined, asError);
      const response = await Promise.race([
        reply,
        sent.then((error) => (error === undefined ? reply : settled(reply, error))),
      ]);
      watched.beat(WORK_MS);
      if (response.statusCode !== 200) throw refused(await refusalOf(response));
      await readReply(response, REPLY_BYTES_MAX);
    } catch (error) {
      throwIfAborted(watched.signal);
      throw error;
    } finally {
      watched.end();
      request?.destroy();
    }
  }

  /** What an upload has left on the server's disk, also of one that failed: then there is no collection to delete it from. */
  async forgetUpload(collection: string): Promise<void> {
    const made = await this.#deps.http.ask('PUT', `/collections/${collection}`, { vectors: {} });
    await this.delete(collection, UPLOADED);
    if (!('status' in made)) await this.drop(collection);
  }

  async drop(collection: string): Promise<void> {
    const dropped = await this.#deps.http.ask('DELETE', `/collections/${collection}`);
    if ('status' in dropped && dropped.status !== NOT_FOUND) throw refused(dropped);
  }

  /** Aborts with the signal, and where nothing beats for a while. */
  #watch(signal: AbortSignal | undefined): Watched {
    return new Watched(this.#deps.clock, this.#deps.silenceMs ?? SILENCE_MS, signal);
  }
}

const REPLY_BYTES_MAX = 1024 * 1024;

class Watched {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #abort = new AbortController();
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, silenceMs: number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]);
    this.beat();
  }

  beat(untilMs = this.#silenceMs): void {
    this.#cancel();
    this.#cancel = this.#clock.after(untilMs, () => this.#abort.abort(passing(NOT_IN_TIME)));
  }

  async *tapped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.beat();
      yield chunk;
    }
  }

  end(): void {
    this.#cancel();
  }
}

function pathOf(collection: string): string {
  return `/collections/${collection}/snapshots`;
}

function responseTo(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const onAbort = (): void => void request.destroy(new Error('aborted'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  request.on('response', resolve);
  request.on('error', (error) => reject(passing('the vector database cannot be reached', error)));
  promise.catch(() => undefined).finally(() => signal.removeEventListener('abort', onAbort));
  return promise;
}

async function refusalOf(response: IncomingMessage): Promise<{ status: number; message: string }> {
  const { status, text } = await readReply(response, REPLY_BYTES_MAX);
  return { status, message: refusalIn(text) };
}

/** The reply, or where there is none the error. */
function settled(reply: Promise<IncomingMessage>, error: Error): Promise<IncomingMessage> {
  return reply.catch(() => {
    throw error;
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Of the connection, not of the disk. */
function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(
    String((error as NodeJS.ErrnoException | null)?.code),
  );
}
