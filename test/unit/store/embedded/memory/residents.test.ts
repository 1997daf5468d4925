import { describe, expect, it } from 'vitest';
import type { NamespaceIndex } from '../../../../../src/store/embedded/memory/namespace-index.ts';
import { Residents } from '../../../../../src/store/embedded/memory/residents.ts';

const KIB = 1024;

/** Namespaces of 20 KiB with one context; those from 100 on have a thousand, and 200 KiB. */
function residents(memoryBytesMax: number, smallBytesMax: number) {
  const loaded: number[] = [];
  const released: number[] = [];
  const load = (spaceId: number): NamespaceIndex => {
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
  return { held: new Residents({ load }, memoryBytesMax, smallBytesMax), loaded, released };
}

describe('namespaces of a few contexts', () => {
  it('leave the memory, idle longest first, once all of them take more than they may; large ones stay', () => {
    const { held, loaded, released } = residents(10_000 * KIB, 100 * KIB);
    for (const spaceId of [1, 100, 2, 3, 4, 5, 101]) held.use(spaceId);
    expect(released).toEqual([]);
    held.use(1);
    held.use(6);
    held.use(7);
    expect(released).toEqual([2, 3]);
    expect(held.bytes()).toBe((5 * 20 + 2 * 200) * KIB);
    held.use(2);
    expect(loaded).toEqual([1, 100, 2, 3, 4, 5, 101, 6, 7, 2]);
    expect(released).toEqual([2, 3, 4]);
  });

  it('stay while a search is in the middle of them', () => {
    const { held, released } = residents(10_000 * KIB, 40 * KIB);
    held.use(1);
    const letGo = held.hold(1);
    for (const spaceId of [2, 3]) held.use(spaceId);
    expect(released).toEqual([2]);
    letGo();
    held.use(4);
    expect(released).toEqual([2, 1]);
  });

  it('count as all others do against the memory of all', () => {
    const { held, released } = residents(230 * KIB, 1_000 * KIB);
    for (const spaceId of [1, 2, 100]) held.use(spaceId);
    expect(released).toEqual([1]);
    expect(held.count).toBe(2);
  });
});
