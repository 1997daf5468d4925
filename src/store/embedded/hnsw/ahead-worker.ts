// Thread entry: searches the graphs that the store's thread has open, while that does the rest of a search or answers others.
// It waits without an event loop: messages and questions both come with a call on the board.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { placeIn } from '../arrays/rising.ts';
import { distancesTo } from '../arrays/vector-rows.ts';
import type { Quantization } from '../border/messages.ts';
import { AheadBoard, type AheadQuestion } from './ahead-board.ts';
import { type HnswParameters, HnswSegment, mapped, type SegmentSource } from './hnsw-segment.ts';

export interface AheadWorkerData {
  readonly dimension: number;
  readonly quantization: Quantization;
  /** `AheadBoard.buffer`. */
  readonly board: SharedArrayBuffer;
}

export type ToAheadWorker =
  | {
      readonly type: 'open';
      readonly id: number;
      readonly source: SegmentSource;
      readonly hnsw: HnswParameters;
      readonly entries: Float64Array;
    }
  | { readonly type: 'close'; readonly id: number }
  | { readonly type: 'end' };

const { dimension, quantization, board: buffer } = workerData as AheadWorkerData;
const board = new AheadBoard(dimension, buffer);
const segments = new Map<number, HnswSegment>();

let hasEnded = false;

board.started();
while (!hasEnded) {
  const { calls } = board;
  receiveAll();
  const slot = board.next();
  if (slot !== null) answer(slot);
  else if (!hasEnded) board.waitForCall(calls);
}

function receiveAll(): void {
  if (parentPort === null) return;
  for (let next = receiveMessageOnPort(parentPort); next !== undefined; next = receiveMessageOnPort(parentPort))
    receive(next.message as ToAheadWorker);
}

function receive(message: ToAheadWorker): void {
  if (message.type === 'end') {
    hasEnded = true;
    return;
  }
  if (message.type === 'open') {
    const { id, source, hnsw, entries } = message;
    try {
      segments.set(id, mapped(new HnswSegment(source, dimension, quantization, hnsw, entries)));
    } catch {
      // Questions about it fail, and who asks searches the graph itself.
    }
    board.opened();
    return;
  }
  segments.get(message.id)?.close();
  segments.delete(message.id);
  board.closed();
}

function answer(slot: number): void {
  try {
    const question = board.question(slot);
    const segment = segments.get(question.segment);
    if (segment === undefined) return board.finish(slot, null, 0);
    const room = board.room(slot);
    const hits = segment.search(question.vector, question.wanted);
    hits.forEach(({ entry, score }, i) => {
      room.entries[i] = entry;
      room.distances[i] = 1 - score;
    });
    board.finish(
      slot,
      hits.length,
      scoreTruly(segment, question, room.entries.subarray(0, hits.length), room.trueDistances),
    );
  } catch {
    board.finish(slot, null, 0);
  }
}

/** How many of the first it has scored. */
function scoreTruly(
  segment: HnswSegment,
  { vector, scored }: AheadQuestion,
  entries: Float64Array,
  distances: Float32Array,
): number {
  const count = Math.min(scored, entries.length);
  if (count === 0) return 0;
  const wanted = Array.from(entries.subarray(0, count), (entry, place) => {
    return { place, slot: placeIn(segment.entries, segment.count, entry) };
  });
  const matrix = new Float32Array(count * dimension);
  segment.vectors.read(wanted, (place, full) => matrix.set(full, place * dimension));
  distances.set(distancesTo(vector, matrix));
  return count;
}
