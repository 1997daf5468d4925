// The main thread's side of erasures: rows some at a time, then what is left of them, until the worker has nothing to do any more.

import { orAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { ContextOutline } from '../../base/context.ts';
import type { ErasedSome, ErasePlace, EraseRequest, ForgetRequest, Scrubbed } from '../erasure.ts';
import type { Condition } from '../store.ts';
import type { WireScrub, WireScrubbed } from './border/erasure-messages.ts';
import type { WireFindPlace, WireFound, WireWriteResult } from './border/messages.ts';
import type { WorkerLink } from './worker-link.ts';

export interface RowErasureDeps {
  readonly link: WorkerLink;
  readonly dimension: number;
  readonly clock: Clock;
  readonly outlines: (namespace: string, ids: readonly string[], nowMs: number) => Promise<(ContextOutline | null)[]>;
}

/** What is deleted in one transaction keeps others waiting for some ten milliseconds. */
const ERASED_AT_ONCE = 250;
/** Also what has expired since. */
const WHENEVER_MS = 0;
/** Until a reader of the log, or the builder of an index, has done. */
const WAIT_MS = 50;

export class RowErasure {
  readonly #deps: RowErasureDeps;
  #blanking: Promise<Scrubbed> | null = null;
  /** Begins when the one under way has ended: for what was deleted while that one was in the middle of the file. */
  #next: Promise<Scrubbed> | null = null;

  constructor(deps: RowErasureDeps) {
    this.#deps = deps;
  }

  async some(
    { namespace, ids, filter, limit, from }: EraseRequest,
    before?: (found: readonly ContextOutline[]) => Promise<void>,
  ): Promise<ErasedSome> {
    const { link, dimension } = this.#deps;
    const onlyIf: Condition = filter === undefined ? {} : { filter };
    const [place] = (from ?? []) as readonly WireFindPlace[];
    const find = { namespace, levels: null, filter: filter ?? null, from: place ?? null };
    const found: WireFound =
      ids === undefined
        ? await link.call('find', () => ({ ...find, limit: Math.min(limit, ERASED_AT_ONCE) }))
        : { ids, next: null };
    const next: { next?: ErasePlace } = found.next === null ? {} : { next: [found.next] };
    if (found.ids.length === 0) return { rows: 0, vectors: 0, postings: 0, supersessions: 0, ...next };
    if (before !== undefined) {
      const outlines = await this.#deps.outlines(namespace, found.ids, WHENEVER_MS);
      await before(outlines.filter((outline) => outline !== null));
    }
    const op = { op: 'delete', namespace, ids: found.ids, onlyIf, tally: true } as const;
    const [result] = await link.call('write', () => [op]);
    const { deletedIds, tally } = result as Extract<WireWriteResult, { readonly tally?: unknown }>;
    const { vectors = 0, passageNumbers = 0, postings = 0, supersessions = 0 } = tally ?? {};
    const counts = { postings, supersessions, vectors: vectors + passageNumbers / dimension };
    return { rows: deletedIds.length, ...counts, ...next };
  }

  async forget({ namespace, isWhole }: ForgetRequest): Promise<number> {
    return (await this.#step({ step: 'namespace', namespace, isWhole })).indexFiles;
  }

  scrub(signal?: AbortSignal): Promise<Scrubbed> {
    return orAbort(this.#blanked(), signal);
  }

  /** One goes through the file at a time; all that ask meanwhile share the next. */
  #blanked(): Promise<Scrubbed> {
    if (this.#blanking === null) {
      this.#blanking = this.#blank().finally(() => (this.#blanking = null));
      return this.#blanking;
    }
    this.#next ??= this.#blanking
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#blanked();
      });
    return this.#next;
  }

  async #blank(): Promise<Scrubbed> {
    let blankedPages = 0;
    for (let place: WireScrubbed['next'] = null; ; ) {
      const done = await this.#step({ step: 'file', place });
      if (done.isTooLarge) return { blankedPages: 0, files: 'too_large' };
      blankedPages += done.blankedPages;
      if (done.next === null) return { blankedPages, files: 'overwritten' };
      place = done.next;
    }
  }

  async #step(request: WireScrub): Promise<WireScrubbed> {
    const { link, clock } = this.#deps;
    for (;;) {
      const done = await link.call('scrub', () => request);
      if (!done.waits) return done;
      await new Promise<void>((resolve) => clock.after(WAIT_MS, resolve));
    }
  }
}
