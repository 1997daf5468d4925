import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, type Child } from '../support/child-calls.ts';
import { createClusteredVectors } from '../support/clustered-vectors.ts';
import { interleave } from '../support/load.ts';
import { median, pairedRatio } from '../support/statistics.ts';
import { exactNearest, shareFound } from './exact.ts';
import { type SearchKind, TOP } from './peer.ts';
import { BATCH, type PeerName, type PeerProcess, type Workload } from './peer-process.ts';

export const PEER_NAMES: readonly PeerName[] = ['context-manager', 'qdrant', 'chroma', 'lancedb'];

/** Questions that are asked by turns; of the first of them it is counted what was found. */
const QUESTIONS = 1_000;
const COUNTED = 100;
const SEED = 15;
const IN_FLIGHT = 16;
/** The slowest takes two minutes for 100,000 contexts. */
const INGEST_MS_MAX = 10 * 60_000;

export interface PeersRun {
  readonly peers: readonly PeerName[];
  readonly contexts: number;
  readonly namespaces: number;
  readonly dimension: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly note: (message: string) => void;
}

/** Of one kind of question. */
export interface SearchFigures {
  /** One at a time. */
  readonly p50Ms: number;
  /** With 16 at a time. */
  readonly perSec: number;
  /** The first peer's questions a second against this one's, round by round; 1 for the first. */
  readonly firstToThis: number;
}

export interface PeerFigures {
  readonly contexts: number;
  readonly namespaces: number;
  readonly peer: PeerName;
  readonly settings: string;
  readonly ingestPerSec: number;
  readonly indexedAfterSecs: number;
  /** Share of the true ten nearest that were found. */
  readonly recall: number;
  readonly dense: SearchFigures;
  /** null: it has no ranking by words. */
  readonly hybrid: SearchFigures | null;
  /** After the questions; NaN: it runs elsewhere. */
  readonly rssMib: number;
}

interface Contestant {
  readonly name: PeerName;
  readonly child: Child<PeerProcess>;
  readonly settings: string;
  readonly kinds: readonly SearchKind[];
}

interface Ingested {
  readonly perSec: number;
  readonly indexedAfterMs: number;
}

/** All of them on one set of contexts: stored one after another, asked by turns. */
export async function measurePeers(run: PeersRun): Promise<PeerFigures[]> {
  const folder = await mkdtemp(join(tmpdir(), 'context-manager-bench-peers-'));
  const { note } = run;
  const contestants: Contestant[] = [];
  try {
    note(`${run.contexts} contexts in ${run.namespaces} namespaces: making them`);
    const { workload, exact } = await makeWorkload(run, folder);
    const stored: (Ingested & { readonly recall: number })[] = [];
    for (const name of run.peers) {
      const contestant = await start(name, workload, note);
      if (contestant === null) continue;
      const kept = await ingested(contestant, note);
      if (kept === null) continue;
      contestants.push(contestant);
      const found = await contestant.child.call('answers', { count: COUNTED });
      const recall = shareFound(found, exact);
      stored.push({ ...kept, recall });
      note(`${name}: ${Math.round(kept.perSec)} contexts/s, recall ${recall.toFixed(3)}`);
    }
    const dense = await searched('dense', contestants, run);
    const hybrid = await searched(
      'hybrid',
      contestants.filter(({ kinds }) => kinds.includes('hybrid')),
      run,
    );
    const figures: PeerFigures[] = [];
    for (const [place, { name, child, settings }] of contestants.entries()) {
      const { perSec, indexedAfterMs, recall } = stored[place] as (typeof stored)[number];
      figures.push({
        ...{ contexts: run.contexts, namespaces: run.namespaces, peer: name, settings, recall },
        ingestPerSec: perSec,
        indexedAfterSecs: indexedAfterMs / 1_000,
        dense: dense.get(name) as SearchFigures,
        hybrid: hybrid.get(name) ?? null,
        rssMib: await child.call('rssMib', undefined),
      });
    }
    return figures;
  } finally {
    for (const { child } of contestants) {
      await child.call('stop', undefined).catch((error: unknown) => note(String(error)));
      await child.stop();
    }
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(name: PeerName, workload: Workload, note: PeersRun['note']): Promise<Contestant | null> {
  const child = startChild<PeerProcess>(new URL('./peer-process.ts', import.meta.url), ['--expose-gc']);
  const started = await child.call('start', { name, workload });
  if ('reason' in started) {
    note(`${name} is left out: ${started.reason}`);
    await child.stop();
    return null;
  }
  return { name, child, ...started };
}

/** null: it was not done in time, and is stopped; the others are measured. */
async function ingested({ name, child }: Contestant, note: PeersRun['note']): Promise<Ingested | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), INGEST_MS_MAX)));
  try {
    const kept = await Promise.race([child.call('ingest', undefined), late]);
    if (kept === null) {
      note(`${name} is left out: it was not done storing and indexing after ${INGEST_MS_MAX / 60_000} minutes`);
      await child.stop();
    }
    return kept;
  } finally {
    clearTimeout(timer);
  }
}

async function searched(
  kind: SearchKind,
  contestants: readonly Contestant[],
  { rounds, roundMs, note }: PeersRun,
): Promise<Map<PeerName, SearchFigures>> {
  note(`${kind} questions`);
  const turn =
    (inFlight: number) =>
    ({ child }: Contestant) =>
    () =>
      child.call('round', { kind, inFlight, durationMs: roundMs });
  // What is read for the first time is read now.
  for (const { child } of contestants) await child.call('round', { kind, inFlight: IN_FLIGHT, durationMs: roundMs });
  const alone = await interleave(rounds, contestants.map(turn(1)));
  const many = await interleave(rounds, contestants.map(turn(IN_FLIGHT)));
  const perSecOf = (place: number): number[] => (many[place] ?? []).map(({ perSec }) => perSec);
  return new Map(
    contestants.map(({ name }, place) => [
      name,
      {
        p50Ms: median((alone[place] ?? []).map(({ p50 }) => p50)),
        perSec: median(perSecOf(place)),
        firstToThis: pairedRatio(perSecOf(0), perSecOf(place)),
      },
    ]),
  );
}

async function makeWorkload(
  { contexts, namespaces, dimension }: PeersRun,
  folder: string,
): Promise<{ workload: Workload; exact: Uint32Array[] }> {
  const made = createClusteredVectors(SEED, dimension);
  const all = new Float32Array((contexts + QUESTIONS) * dimension);
  for (let place = 0; place < contexts + QUESTIONS; place++) all.set(made.vector(place), place * dimension);
  const vectors = join(folder, 'vectors');
  await writeFile(vectors, all);
  const space = (position: number): number => Math.floor(position / BATCH) % namespaces;
  const exact = Array.from({ length: COUNTED }, (_, question) =>
    exactNearest(
      all,
      { dimension, contexts, question: contexts + question, top: TOP },
      (position) => space(position) === question % namespaces,
    ),
  );
  const sizes = { contexts, namespaces, dimension, questions: QUESTIONS };
  return { workload: { ...sizes, seed: SEED, vectors }, exact };
}
