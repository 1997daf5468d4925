// Thread entry: embeds texts with the local embedder. Short calls as they come, long ones in slices between them.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { collectIdleGarbage, ownGarbage } from '../base/idle-garbage.ts';
import { SLICE_CHARS } from '../base/text/slices.ts';
import { FairQueue } from '../base/fair-queue.ts';
import { LocalEmbedder } from './local.ts';
import { WordTable } from './word-table.ts';
import {
  charsOf,
  isLong,
  type FromThread,
  type LocalWorkerData,
  type ThreadCall,
  type ToThread,
} from './local-messages.ts';

/** Replies are held back for so many texts: none waits long for its vectors, and few messages carry them. */
const REPLY_TEXTS = 32;

const { dimension, table } = workerData as LocalWorkerData;
const embedder = new LocalEmbedder(dimension, table === null ? null : new WordTable(table));
const port = parentPort;

/** A long call on its way. */
interface Job {
  readonly id: number;
  readonly vectors: Float32Array;
  readonly slices: Generator<void, void, void>;
  /** About so many characters. */
  left: number;
}

const jobs = new FairQueue<Job>();

function receive({ calls, givenUp }: ToThread): void {
  const short = calls.filter(({ texts }) => !isLong(charsOf(texts)));
  for (let from = 0; from < short.length; ) {
    let to = from;
    for (let texts = 0; to < short.length && texts < REPLY_TEXTS; to++) texts += (short[to] as ThreadCall).texts.length;
    embedNow(short.slice(from, to));
    from = to;
  }
  const isIdle = jobs.size === 0;
  for (const { id, texts } of calls) if (isLong(charsOf(texts))) jobs.add(jobOf(id, texts));
  for (const id of givenUp) jobs.removeWhere((job) => job.id === id);
  if (isIdle && jobs.size > 0) setImmediate(runSlice);
}

function embedNow(calls: readonly ThreadCall[]): void {
  const texts = calls.flatMap((call) => call.texts);
  const { vectors, slices } = embedding(texts);
  let isDone = false;
  while (!isDone) isDone = slices.next().done === true;
  reply(
    calls.map(({ id }) => id),
    vectors,
  );
}

function jobOf(id: number, texts: readonly string[]): Job {
  return { id, ...embedding(texts), left: charsOf(texts) };
}

function embedding(texts: readonly string[]): Pick<Job, 'vectors' | 'slices'> {
  const vectors = new Float32Array(texts.length * dimension);
  const each = texts.map((_, i) => vectors.subarray(i * dimension, (i + 1) * dimension));
  return { vectors, slices: embedder.embedding(each, texts) };
}

/** One slice of one job; then messages are read, then the next. */
function runSlice(): void {
  const job = jobs.next();
  if (job === undefined) return;
  job.left -= SLICE_CHARS;
  if (job.slices.next().done === true) {
    jobs.remove(job);
    reply([job.id], job.vectors);
  }
  if (jobs.size > 0) setImmediate(runSlice);
}

function reply(ids: readonly number[], vectors: Float32Array): void {
  port?.postMessage({ ids, vectors } satisfies FromThread, [vectors.buffer as ArrayBuffer]);
}

port?.on('message', receive);
collectIdleGarbage({ clock: systemClock, ...ownGarbage() });
reply([], new Float32Array(0));
