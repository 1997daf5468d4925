import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../../../../src/store/embedded/database/effects.ts';
import type { LevelNumber } from '../../../../../src/store/embedded/border/rows.ts';
import { LevelVectors } from '../../../../../src/store/embedded/memory/level-vectors.ts';
import { NamespaceIndex } from '../../../../../src/store/embedded/memory/namespace-index.ts';
import { idOf } from '../../../../contract/store-samples.ts';

const DIMENSION = 64;
const WORDS = 'the quick brown fox jumps over a lazy dog while seven wizards box near some quiet lighthouse'.split(' ');

/** As the database gives it, and not as a tree of what it was made of. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

function documentAt(place: number, level: LevelNumber): Document {
  const terms = Array.from({ length: 12 }, (_, i) => WORDS[(place * 7 + i * i) % WORDS.length]).join('\n');
  return {
    seq: place,
    entry: place,
    id: flat(idOf(`${place}`)),
    agentId: flat(`agent-${place % 3}`),
    sessionId: flat(`session-${place % 4}`),
    level,
    createdAtMs: place,
    expiresAtMs: null,
    expiryAction: 0,
    tokenCount: 12,
    accessCount: 0,
    times: null,
    terms: flat(`${terms}\nword${place % 100}`),
    traits: '',
  };
}

const NO_PASSAGES = { isEmpty: true, read: () => null };

function indexOf(count: number, vectors: boolean, passages = 0): NamespaceIndex {
  const index = new NamespaceIndex(() => null, NO_PASSAGES);
  const level: LevelNumber = 1;
  if (vectors) index.setVectors(level, new LevelVectors(level, index.documents, DIMENSION));
  const further = passages === 0 ? null : new Float32Array(passages * DIMENSION);
  for (let i = 1; i <= count; i++)
    index.add(documentAt(i, level), vectors ? new Float32Array(DIMENSION) : null, further);
  return index;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function takenBytes(): number {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('the memory of a namespace', () => {
  it.each([
    [1, 2_000, false, 0],
    [1, 2_000, true, 0],
    [5, 1_000, false, 0],
    [5, 1_000, true, 0],
    [60, 200, false, 0],
    [3_000, 4, false, 0],
    [3_000, 4, true, 0],
    [1, 500, true, 3],
    [500, 8, true, 12],
  ])(
    'with %d contexts, %d times, vectors: %s, and %d further passages of each, is accounted as it is taken',
    (contexts, namespaces, vectors, passages) => {
      indexOf(contexts, vectors, passages);
      const before = takenBytes();
      const indexes = Array.from({ length: namespaces }, () => indexOf(contexts, vectors, passages));
      const taken = takenBytes() - before;
      const accounted = indexes.reduce((sum, index) => sum + index.memoryBytes, 0);
      // What the allocator adds to each buffer is accounted and not in `taken`: more of it the smaller they are.
      expect(accounted / taken).toBeGreaterThan(0.85);
      expect(accounted / taken).toBeLessThan(1.35);
    },
  );

  it('does not keep a whole text for one of its words', () => {
    const text = `${'x'.repeat(20_000)}\nlighthousekeeper`;
    const index = new NamespaceIndex(() => null, NO_PASSAGES);
    const before = takenBytes();
    for (let i = 1; i <= 200; i++) {
      const [, word] = flat(`${text}-${i}`).split('\n');
      index.dictionary.intern(word as string);
    }
    expect(takenBytes() - before).toBeLessThan(200 * 2_000);
  });
});
