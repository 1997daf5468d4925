import { describe, expect, it } from 'vitest';
import type { SegmentFile } from '../../../../../src/store/embedded/hnsw/index-files.ts';
import { firstShape, type GraphShape, type Measured } from '../../../../../src/store/embedded/hnsw/index-tuning.ts';
import { type LevelState, nextBuild } from '../../../../../src/store/embedded/hnsw/next-build.ts';

const SETTINGS = { dimension: 128, hnsw: { recall: 0.97 } };
const FIRST = firstShape(SETTINGS.hnsw);
const MANY = { m: 48, efConstruction: 192 };
const MILLION = 1_000_000;

/** A level of which the first `count` are in a graph that finds little with few candidates. */
function level(live: number, count: number, shape: GraphShape): LevelState {
  const measured: Measured = { recalls: [[768, 0.6]], count };
  const parameters = { embeddingId: 'm', dimension: 128, quantization: 'i8', ...shape } as const;
  const segment = { from: 0, to: count, count, passageCount: 0, live: count, path: 'large' };
  const file: SegmentFile = {
    ...segment,
    ...{ format: 3, spaceId: 1, level: 3, bytes: 1, crc32: 1 },
    parameters,
    measured,
  };
  return { live, passages: 0, segments: [{ ...segment, file }], exactUntil: 0, isFast: false };
}

describe('what is built next of a level', () => {
  it('is its first graph with few links', () => {
    expect(nextBuild({ ...level(MILLION, 0, FIRST), segments: [] }, SETTINGS)).toMatchObject({
      ...{ from: 0, base: null, shape: FIRST, known: null, isLater: false },
    });
  });

  it('takes in what is not covered, before the graph gets the links that its vectors are worth', () => {
    expect(nextBuild(level(100_000, 20_000, FIRST), SETTINGS)).toMatchObject({
      ...{ from: 0, base: { path: 'large' }, shape: FIRST, isLater: false },
    });
    expect(nextBuild(level(100_000, 100_000, FIRST), SETTINGS)).toMatchObject({
      ...{ from: 0, base: null, shape: MANY, known: null, isLater: false },
    });
  });

  it('has more links later where that takes long', () => {
    expect(nextBuild(level(MILLION, MILLION, FIRST), SETTINGS)).toMatchObject({ shape: MANY, isLater: true });
    expect(nextBuild({ ...level(MILLION, MILLION, FIRST), isFast: true }, SETTINGS)).toBeNull();
  });

  it('is a graph of few links from nothing where one of many would take long to take in most of the level', () => {
    expect(nextBuild(level(MILLION, 20_000, MANY), SETTINGS)).toMatchObject({
      ...{ from: 0, base: null, shape: FIRST, known: null, isLater: false },
    });
    expect(nextBuild(level(100_000, 20_000, MANY), SETTINGS)).toMatchObject({ base: { path: 'large' }, shape: MANY });
    expect(nextBuild(level(MILLION, 600_000, MANY), SETTINGS)).toMatchObject({ base: { path: 'large' }, shape: MANY });
  });

  it('is a graph of as few links as before where much of that has died', () => {
    const [large] = level(MILLION, MILLION, FIRST).segments;
    if (large === undefined) throw new Error('there is one');
    const wornOut = { ...level(700_000, MILLION, FIRST), segments: [{ ...large, live: 700_000 }] };
    expect(nextBuild(wornOut, SETTINGS)).toMatchObject({ base: null, shape: FIRST, isLater: false });
    const smaller = { ...level(70_000, 100_000, FIRST), segments: [{ ...large, count: 100_000, live: 70_000 }] };
    expect(nextBuild(smaller, SETTINGS)).toMatchObject({ base: null, shape: MANY, isLater: false });
  });

  it('has the links that the settings name', () => {
    const given = { ...SETTINGS, hnsw: { recall: 0.97, m: 48 } };
    expect(nextBuild(level(MILLION, 20_000, MANY), given)).toMatchObject({ base: { path: 'large' }, shape: MANY });
    expect(nextBuild(level(MILLION, MILLION, MANY), given)).toBeNull();
  });
});
