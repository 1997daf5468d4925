import { readFileSync } from 'node:fs';
import { answerCalls } from '../support/child-calls.ts';
import { createCorpus } from '../support/corpus.ts';
import { runLoad } from '../support/load.ts';
import { readUsage } from '../support/process-usage.ts';
import { startChroma } from './chroma.ts';
import { startContextManager } from './context-manager.ts';
import { startLanceDb } from './lancedb.ts';
import { NotHere, type Peer, type PeerOptions, type PeerQuestion, type PeerRecord, type SearchKind } from './peer.ts';
import { startQdrant } from './qdrant.ts';

// One peer and whoever asks it, in a process of their own: what is held for one is not counted for another.

const PEERS = {
  'context-manager': startContextManager,
  qdrant: startQdrant,
  chroma: startChroma,
  lancedb: startLanceDb,
} satisfies Record<string, (options: PeerOptions) => Promise<Peer>>;
export type PeerName = keyof typeof PEERS;

/** What all of a run are given. */
export interface Workload {
  readonly contexts: number;
  readonly namespaces: number;
  readonly questions: number;
  readonly dimension: number;
  readonly seed: number;
  /** A file with the vectors of the contexts, then those of the questions: float32, as this machine orders bytes. */
  readonly vectors: string;
}

/** Batches in which contexts are stored, each of one namespace. */
export const BATCH = 100;
const BATCHES_IN_FLIGHT = 4;

let peer: Peer | null = null;
let records: PeerRecord[] = [];
let questions: PeerQuestion[] = [];
let namespaces: string[] = [];
let asked = 0;

function load({ contexts, questions: count, dimension, seed, vectors }: Workload): void {
  const { buffer, byteOffset } = readFileSync(vectors);
  const vectorAt = (place: number): Float32Array =>
    new Float32Array(buffer, byteOffset + 4 * dimension * place, dimension);
  const corpus = createCorpus(seed);
  records = Array.from({ length: contexts }, (_, position) => ({
    position,
    text: corpus.text(position),
    vector: vectorAt(position),
  }));
  questions = Array.from({ length: count }, (_, place) => ({
    text: corpus.query(place, contexts),
    vector: vectorAt(contexts + place).slice(),
  }));
}

const namespaceOf = (place: number): string => namespaces[place % namespaces.length] as string;

function running(): Peer {
  if (peer === null) throw new Error('it was not started');
  return peer;
}

function search(kind: SearchKind, place: number): ReturnType<Peer['search']> {
  return running().search(kind, namespaceOf(place), questions[place] as PeerQuestion);
}

const operations = {
  /** Why it is not measured here, or what is. */
  async start({
    name,
    workload,
  }: {
    name: PeerName;
    workload: Workload;
  }): Promise<{ readonly reason: string } | Pick<Peer, 'settings' | 'kinds'>> {
    namespaces = Array.from({ length: workload.namespaces }, (_, number) => `space-${number}`);
    load(workload);
    try {
      peer = await PEERS[name]({ dimension: workload.dimension, namespaces });
    } catch (error) {
      if (error instanceof NotHere) return { reason: error.message };
      throw error;
    }
    return { settings: peer.settings, kinds: peer.kinds };
  },

  async ingest(): Promise<{ readonly perSec: number; readonly indexedAfterMs: number }> {
    const count = records.length;
    let next = 0;
    const startedMs = performance.now();
    await Promise.all(
      Array.from({ length: BATCHES_IN_FLIGHT }, async () => {
        while (next < count) {
          const from = next;
          next += BATCH;
          await running().add(namespaceOf(from / BATCH), records.slice(from, from + BATCH));
        }
      }),
    );
    const storedMs = performance.now();
    const watchedMs = await running().untilIndexed();
    const indexedMs = performance.now() - watchedMs;
    records = [];
    globalThis.gc?.();
    return { perSec: count / ((storedMs - startedMs) / 1_000), indexedAfterMs: indexedMs - storedMs };
  },

  /** Positions of what is found of the first questions, best first. */
  async answers({ count }: { count: number }): Promise<number[][]> {
    const found: number[][] = [];
    for (let place = 0; place < count; place++)
      found.push((await search('dense', place)).map(({ position }) => position));
    return found;
  },

  async round({ kind, inFlight, durationMs }: { kind: SearchKind; inFlight: number; durationMs: number }): Promise<{
    readonly p50: number;
    readonly perSec: number;
  }> {
    const { p50, perSec } = await runLoad({
      inFlight,
      durationMs,
      call: async () => {
        const hits = await search(kind, asked++ % questions.length);
        if (hits.length === 0) throw new Error('nothing was found');
      },
    });
    return { p50, perSec };
  },

  rssMib(): number {
    return readUsage(running().pid).rssMib;
  },

  async stop(): Promise<void> {
    await peer?.stop();
  },
};

export type PeerProcess = typeof operations;

answerCalls(operations);
