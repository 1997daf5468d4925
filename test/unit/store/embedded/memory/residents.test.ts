import { describe, expect, it } from 'vitest';
import type { Steps } from '../../../../../src/store/embedded/border/steps.ts';
import type { NamespaceIndex } from '../../../../../src/store/embedded/memory/namespace-index.ts';
import { NamespaceLoading } from '../../../../../src/store/embedded/memory/namespace-loading.ts';
import { Residents } from '../../../../../src/store/embedded/memory/residents.ts';

const KIB = 1024;

function finish(steps: Steps<void>): void {
  while (steps.next().done !== true) continue;
}

/** Namespaces of 20 KiB with one context; those from 100 on have a thousand, and 200 KiB. */
function residents(memoryBytesMax: number, smallBytesMax: number, stepsOf: Readonly<Record<number, number>> = {}) {
  const loaded: number[] = [];
  const released: number[] = [];
  const read = (spaceId: number): NamespaceIndex => {
    loaded.push(spaceId);
    const isLarge = spaceId >= 100;
    const index = {
      documents: { count: isLarge ? 1_000 : 1 },
      memoryBytes: (isLarge ? 200 : 20) * KIB,
      shed: () => false,
      release: () => void released.push(spaceId),
    };
    return index as unknown as NamespaceIndex;
  };
  const begin = (spaceId: number) => {
    const steps = (function* (): Steps<void> {
      for (let step = 1; step < (stepsOf[spaceId] ?? 1); step++) yield;
    })();
    return new NamespaceLoading(read(spaceId), () => steps);
  };
  const held = new Residents({ begin }, memoryBytesMax, smallBytesMax);
  const use = (spaceId: number) => {
    finish(held.load(spaceId));
    return held.use(spaceId);
  };
  return { held, use, loaded, released };
}

describe('namespaces of a few contexts', () => {
  it('leave the memory, idle longest first, once all of them take more than they may; large ones stay', () => {
    const { held, use, loaded, released } = residents(10_000 * KIB, 100 * KIB);
    for (const spaceId of [1, 100, 2, 3, 4, 5, 101]) use(spaceId);
    expect(released).toEqual([]);
    use(1);
    use(6);
    use(7);
    expect(released).toEqual([2, 3]);
    expect(held.bytes()).toBe((5 * 20 + 2 * 200) * KIB);
    use(2);
    expect(loaded).toEqual([1, 100, 2, 3, 4, 5, 101, 6, 7, 2]);
    expect(released).toEqual([2, 3, 4]);
  });

  it('stay while a search is in the middle of them', () => {
    const { held, use, released } = residents(10_000 * KIB, 40 * KIB);
    use(1);
    const letGo = held.hold(1);
    for (const spaceId of [2, 3]) use(spaceId);
    expect(released).toEqual([2]);
    letGo();
    use(4);
    expect(released).toEqual([2, 1]);
  });

  it('count as all others do against the memory of all', () => {
    const { held, use, released } = residents(230 * KIB, 1_000 * KIB);
    for (const spaceId of [1, 2, 100]) use(spaceId);
    expect(released).toEqual([1]);
    expect(held.count).toBe(2);
  });
});

describe('a namespace that takes several steps to be read', () => {
  const MEMORY = 10_000 * KIB;

  it('is read once, however many wait for it, and others come in between', () => {
    const { held, use, loaded } = residents(MEMORY, MEMORY, { 100: 5 });
    const waiting = [held.load(100), held.load(100)];
    for (const load of waiting) load.next();
    expect(held.peek(100)).toBeUndefined();
    use(1);
    waiting.forEach(finish);
    expect(held.peek(100)).toBeDefined();
    expect(loaded).toEqual([100, 1]);
  });

  it('goes on where it stopped when nobody waited any more', () => {
    const { held, loaded } = residents(MEMORY, MEMORY, { 100: 4 });
    for (let asked = 0; held.peek(100) === undefined; asked++) {
      expect(asked).toBeLessThan(4);
      const load = held.load(100);
      load.next();
      load.return();
    }
    expect(loaded).toEqual([100]);
  });

  it('is given up among many for which nobody waits any more, and read anew after it was dropped', () => {
    const steps = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [100 + i, 3]));
    const { held, use, loaded, released } = residents(MEMORY, MEMORY, steps);
    for (let spaceId = 100; spaceId < 120; spaceId++) {
      const load = held.load(spaceId);
      load.next();
      load.return();
    }
    expect(released).toEqual(Array.from({ length: 12 }, (_, i) => 100 + i));
    held.drop(119);
    use(119);
    expect(loaded.filter((spaceId) => spaceId === 119)).toHaveLength(2);
  });
});
