// Erasures that were begun, as documents: what a kill or a failure cuts off is gone on with, by this server or the next one.

import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { uuidV7 } from '../../base/random.ts';
import { allDocuments, type StoredDocument } from '../../store/documents.ts';
import type { ContextStore } from '../../store/store.ts';
import type { EraseInput } from './types.ts';

/** A session by its agent and itself. */
export type SessionName = readonly [agentId: string, sessionId: string];

export interface ErasureNote {
  /** null: nothing is stored of it any more, but bytes of it may still be in the files. */
  readonly input: EraseInput | null;
  /** Of messages that are about to go, or went last: their cards are to be made anew. */
  readonly sessions: readonly SessionName[];
}

/** No client's: a namespace has no such character. */
const NAMESPACE = '~erasures';
const KIND = 'erasure';
/** After which one that its server has not renewed is any server's. */
const LEASE_MS = 60_000;

export interface OpenNote extends ErasureNote {
  readonly key: string;
  readonly version: number;
  readonly untilMs: number;
}

export class ErasureNotes {
  readonly #store: ContextStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #own = new Set<string>();

  constructor(store: ContextStore, clock: Clock, random: Random) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  async begin(input: EraseInput): Promise<OpenNote> {
    const key = uuidV7(this.#clock.nowMs(), this.#random);
    this.#own.add(key);
    const written = await this.#write({ key, version: 0, untilMs: 0, input, sessions: [] }, null);
    return written as OpenNote;
  }

  /** Null: it is another server's by now. */
  change(note: OpenNote, change: Partial<ErasureNote>): Promise<OpenNote | null> {
    return this.#write({ ...note, ...change }, note.version);
  }

  /** Keeps it this server's for a while. */
  renew(note: OpenNote): Promise<OpenNote | null> {
    const leftMs = note.untilMs - this.#clock.nowMs();
    const isFresh = leftMs > LEASE_MS / 2 && leftMs <= LEASE_MS;
    return isFresh ? Promise.resolve(note) : this.change(note, {});
  }

  async end({ key }: OpenNote): Promise<void> {
    await this.#store.writeDocuments([{ op: 'delete', namespace: NAMESPACE, kind: KIND, key }]);
    this.#own.delete(key);
  }

  /** It failed here: whoever looks next goes on. */
  leave({ key }: OpenNote): void {
    this.#own.delete(key);
  }

  /** Those that nobody is at. */
  async take(): Promise<OpenNote[]> {
    const taken: OpenNote[] = [];
    const scan = { namespace: NAMESPACE, kind: KIND, descending: false, limit: 100 };
    for await (const page of allDocuments((request) => this.#store.scanDocuments(request), scan)) {
      for (const { key, version, body } of page) {
        const { untilMs, ...note } = body as unknown as ErasureNote & { readonly untilMs: number };
        const leftMs = untilMs - this.#clock.nowMs();
        // One that would last longer than any was written by a clock that has been put back since.
        const isFree = this.#store.capabilities.isExclusive === true || leftMs <= 0 || leftMs > 2 * LEASE_MS;
        if (this.#own.has(key) || !isFree) continue;
        const mine = await this.#write({ ...note, key, version, untilMs }, version);
        if (mine === null) continue;
        this.#own.add(key);
        taken.push(mine);
      }
    }
    return taken;
  }

  async #write(note: OpenNote, ifVersion: number | null): Promise<OpenNote | null> {
    const { key, input, sessions } = note;
    const version = (ifVersion ?? 0) + 1;
    const untilMs = this.#clock.nowMs() + LEASE_MS;
    const body = { input, sessions, untilMs } as unknown as StoredDocument['body'];
    const document = { namespace: NAMESPACE, kind: KIND, key, owner: '', order: untilMs, version, body };
    const [result] = await this.#store.writeDocuments([{ op: 'put', document, ifVersion }]);
    return result?.op === 'put' && result.written ? { ...note, version, untilMs } : null;
  }
}
