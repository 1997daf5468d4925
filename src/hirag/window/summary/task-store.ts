// What is to be summarised, and what was spent on it today, as documents: a restart goes on where a kill has cut it off, and
// several servers over one store neither do a task twice nor spend more than one.

import type { Clock } from '../../../base/clock.ts';
import type { ContextStore } from '../../../store/store.ts';
import { allDocuments, type StoredDocument } from '../../../store/documents.ts';

/** One card that a model is to make anew. Names alone: what it is made of is read when its turn has come. */
export interface SummaryTask {
  readonly namespace: string;
  readonly agentId: string;
  readonly sessionId: string;
  /** Name of the card; or, of one that stands in the place of messages, the id of their first. */
  readonly card: string;
  readonly isInPlace: boolean;
  /** Attempts that failed for a reason that may pass. */
  readonly attempts: number;
}

/** One that was just made. */
export function taskOf(
  { namespace, agentId, sessionId }: Pick<SummaryTask, 'namespace' | 'agentId' | 'sessionId'>,
  card: string,
  isInPlace: boolean,
): SummaryTask {
  return { namespace, agentId, sessionId, card, isInPlace, attempts: 0 };
}

/** No client's: a namespace has no such character. */
const SUMMARY_NAMESPACE = '~summaries';
const TASK_KIND = 'summary_task';
const SPEND_KIND = 'summary_spend';
const SPEND_ATTEMPTS = 16;
const DAY_MS = 86_400_000;

/** A task that this server has, and its document's version. */
interface Lease {
  version: number;
  untilMs: number;
}

export class TaskStore {
  readonly #store: ContextStore;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #leases = new Map<string, Lease>();
  readonly #adding = new Map<string, Promise<unknown>>();

  /** `leaseMs`: after which a task that its server has not renewed is any server's. */
  constructor(store: ContextStore, clock: Clock, leaseMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** Notes it, as this server's. */
  async add(task: SummaryTask): Promise<void> {
    const key = taskKey(task);
    const adding = this.#put(task, null, this.#clock.nowMs() + this.#leaseMs).finally(() => this.#adding.delete(key));
    this.#adding.set(key, adding);
    await adding;
  }

  /** It is done, or given up. */
  async remove(task: SummaryTask): Promise<void> {
    const key = taskKey(task);
    await this.#adding.get(key)?.catch(() => undefined);
    this.#leases.delete(key);
    await this.#store.writeDocuments([{ op: 'delete', namespace: SUMMARY_NAMESPACE, kind: TASK_KIND, key }]);
  }

  /** It is nobody's from then on. */
  async release(task: SummaryTask, afterMs: number): Promise<void> {
    const key = taskKey(task);
    await this.#adding.get(key)?.catch(() => undefined);
    await this.#put(task, this.#leases.get(key)?.version ?? null, this.#clock.nowMs() + afterMs);
    this.#leases.delete(key);
  }

  /** Makes sure that tasks which still wait here stay this server's. */
  async renew(tasks: readonly SummaryTask[]): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (const task of tasks) {
      const lease = this.#leases.get(taskKey(task));
      if (lease !== undefined && lease.untilMs - nowMs < this.#leaseMs / 2)
        await this.#put(task, lease.version, nowMs + this.#leaseMs);
    }
  }

  /** Takes tasks that are no server's, the oldest first. */
  async take(limit: number, signal: AbortSignal): Promise<SummaryTask[]> {
    const taken: SummaryTask[] = [];
    const nowMs = this.#clock.nowMs();
    const scan = { namespace: SUMMARY_NAMESPACE, kind: TASK_KIND, descending: false, limit: 100 };
    let page = await this.#store.scanDocuments(scan);
    for (;;) {
      for (const { key, body, version, order: writtenAtMs } of page.documents) {
        if (taken.length >= limit || signal.aborted) return taken;
        const { untilMs, ...task } = body as unknown as SummaryTask & { readonly untilMs: number };
        // Where the clock has been put back since, what it said before would keep the task waiting for as long.
        const isDue = untilMs <= nowMs || writtenAtMs > nowMs + this.#leaseMs;
        if (!isDue || this.#leases.has(key)) continue;
        if (await this.#put(task, version, nowMs + this.#leaseMs)) taken.push(task);
      }
      if (page.next === undefined) return taken;
      page = await this.#store.scanDocuments({ ...scan, after: page.next });
    }
  }

  /** Adds to what was spent today, which may be less than nothing; false: it would be more than `max`, and nothing was added. */
  async spend(tokens: number, max: number): Promise<boolean> {
    const key = dayOf(this.#clock.nowMs());
    for (let attempt = 0; attempt < SPEND_ATTEMPTS; attempt++) {
      const [found] = await this.#store.documents(SUMMARY_NAMESPACE, SPEND_KIND, [key]);
      const spent = Number(found?.body['tokens'] ?? 0);
      if (tokens > 0 && spent + tokens > max) return false;
      if (!found) await this.#forgetSpent();
      const version = found?.version ?? null;
      const body = { tokens: Math.max(0, spent + tokens) };
      const document = { ...documentOf(SPEND_KIND, key, (version ?? 0) + 1), body };
      const [result] = await this.#store.writeDocuments([{ op: 'put', document, ifVersion: version }]);
      if (result?.op === 'put' && result.written) return true;
    }
    return tokens <= 0;
  }

  /** That of yesterday stays: to a server whose clock is a little behind it is still today. */
  async #forgetSpent(): Promise<void> {
    const scan = { namespace: SUMMARY_NAMESPACE, kind: SPEND_KIND, descending: false, limit: 100 };
    const { documents } = await this.#store.scanDocuments(scan);
    const yesterday = dayOf(this.#clock.nowMs() - DAY_MS);
    const old = documents.filter(({ key }) => key < yesterday);
    await this.#store.writeDocuments(old.map(({ namespace, kind, key }) => ({ op: 'delete', namespace, kind, key })));
  }

  async #put(task: SummaryTask, ifVersion: number | null, untilMs: number): Promise<boolean> {
    const key = taskKey(task);
    const version = (ifVersion ?? 0) + 1;
    const document = { ...documentOf(TASK_KIND, key, version), order: this.#clock.nowMs(), body: { ...task, untilMs } };
    const [result] = await this.#store.writeDocuments([{ op: 'put', document, ifVersion }]);
    const isWritten = result?.op === 'put' && result.written;
    if (isWritten) this.#leases.set(key, { version, untilMs });
    return isWritten;
  }
}

/** Deletes those that are meant, whoever has them: how many there were. */
export async function forgetTasks(store: ContextStore, isMeant: (task: SummaryTask) => boolean): Promise<number> {
  const scan = { namespace: SUMMARY_NAMESPACE, kind: TASK_KIND, descending: false, limit: 100 };
  let count = 0;
  for await (const page of allDocuments((request) => store.scanDocuments(request), scan)) {
    const meant = page.filter(({ body }) => isMeant(body as unknown as SummaryTask));
    count += meant.length;
    await store.writeDocuments(meant.map(({ namespace, kind, key }) => ({ op: 'delete', namespace, kind, key })));
  }
  return count;
}

/** As `2026-01-31`, in UTC. */
function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function documentOf(kind: string, key: string, version: number): Omit<StoredDocument, 'body'> {
  return { namespace: SUMMARY_NAMESPACE, kind, key, owner: '', order: 0, version };
}

export function taskKey({ namespace, agentId, sessionId, card }: SummaryTask): string {
  return JSON.stringify([namespace, agentId, sessionId, card]);
}
