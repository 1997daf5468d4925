import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { askDouble } from '../../support/qdrant-double/ask-double.ts';
import { startQdrantDouble, type QdrantDouble } from '../../support/qdrant-double/start-qdrant-double.ts';

interface Recording {
  readonly name: string;
  readonly request: { readonly method: string; readonly path: string; readonly body?: unknown };
  readonly status: number;
  readonly reply: unknown;
}

const FILE = new URL('../../support/qdrant-double/recordings-1.18.3.json', import.meta.url);
const recordings = JSON.parse(readFileSync(FILE, 'utf8')) as readonly Recording[];

/** Requests that the double leaves to real servers, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = { 'snapshot create': 'snapshots are files of the server' };

const KEY = 'right key';

let double: QdrantDouble | undefined;
afterEach(() => double?.close());

/** What two servers say alike: without times, numbers of operations, and whatever comes of building the server. */
function comparable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toFixed(4));
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !['time', 'operation_id', 'commit'].includes(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, comparable(inner)]));
}

/** Types in place of values, keys as they are. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

describe('the double of Qdrant', () => {
  it('answers as the recorded server did, request by request', async () => {
    double = await startQdrantDouble({ apiKey: KEY });
    const names: string[] = [];
    for (const { name, request, status, reply } of recordings) {
      if (name in LEFT_OUT) continue;
      const key = name === 'wrong api key' ? 'another key' : KEY;
      const got = await askDouble(double, request.method, request.path, request.body, { 'api-key': key });
      const view = name === 'query sample' ? shape : comparable;
      expect.soft({ name, status: got.status, reply: view(got.reply) }).toEqual({ name, status, reply: view(reply) });
      names.push(name);
    }
    expect([...names, ...Object.keys(LEFT_OUT)].sort()).toEqual(recordings.map(({ name }) => name).sort());
  });
});
