import { describe, expect, it } from 'vitest';
import {
  efsToTry,
  exactUntil,
  firstShape,
  isOutgrown,
  levelLimits,
  type Measured,
  searchTuning,
  wantedShape,
} from '../../../../../src/store/embedded/hnsw/index-tuning.ts';

const SETTINGS = { recall: 0.97 };
const measured = (...recalls: [ef: number, recall: number][]): Measured => ({ recalls, count: 10_000 });
const EASY = measured([32, 0.99], [48, 0.999]);
const CLUSTERED = measured([32, 0.93], [48, 0.96], [64, 0.98], [96, 0.999]);
const HARD = measured([32, 0.5], [256, 0.86], [384, 0.98], [512, 0.999]);
const HOPELESS = measured([32, 0.2], [1_024, 0.6]);

describe('how an index is searched', () => {
  it('is with the fewest candidates that find the wanted share', () => {
    expect(searchTuning(CLUSTERED, SETTINGS)).toEqual({ efSearch: 64, recall: 0.98 });
    expect(searchTuning(CLUSTERED, { recall: 0.9 })).toEqual({ efSearch: 32, recall: 0.93 });
  });

  it('is with the most that were tried where none finds it', () => {
    expect(searchTuning(HOPELESS, SETTINGS)).toEqual({ efSearch: 1_024, recall: 0.6 });
  });

  it('is as the settings say, whatever was measured', () => {
    expect(searchTuning(CLUSTERED, { ...SETTINGS, efSearch: 50 })).toEqual({ efSearch: 50, recall: 0.96 });
    expect(searchTuning(CLUSTERED, { ...SETTINGS, efSearch: 8 })).toEqual({ efSearch: 8, recall: null });
    expect(efsToTry({ ...SETTINGS, efSearch: 50 })).toEqual([32, 48, 50]);
  });

  it('is careful where nothing was measured', () => {
    expect(searchTuning(null, SETTINGS)).toEqual({ efSearch: 256, recall: null });
  });
});

describe('how an index is built', () => {
  const first = firstShape(SETTINGS);

  it('stays where few candidates suffice', () => {
    expect(first).toEqual({ m: 16, efConstruction: 64 });
    for (const easy of [EASY, CLUSTERED, null]) expect(wantedShape(first, easy, SETTINGS)).toEqual(first);
  });

  it('has more links, step by step, where a search would have to keep many', () => {
    const harder = measured([32, 0.7], [192, 0.92], [384, 0.98]);
    const second = wantedShape(first, harder, SETTINGS);
    expect(second).toEqual({ m: 32, efConstruction: 128 });
    const third = wantedShape(second, harder, SETTINGS);
    expect(third.m).toBe(48);
    expect(wantedShape(third, HOPELESS, SETTINGS)).toEqual(third);
  });

  it('stays where it is large and four times as many candidates suffice', () => {
    const large = (points: Measured) => ({ ...points, count: 1_000_000 });
    expect(wantedShape(first, large(HARD), SETTINGS)).toEqual(first);
    expect(wantedShape(first, large(measured([384, 0.9], [768, 0.96], [1_024, 0.98])), SETTINGS).m).toBe(32);
    expect(wantedShape(first, large(HOPELESS), SETTINGS).m).toBe(48);
    expect(searchTuning(large(HARD), SETTINGS)).toEqual({ efSearch: 384, recall: 0.98 });
  });

  it('has many at once where much is missed, and not where a little is never found', () => {
    expect(wantedShape(first, HARD, SETTINGS).m).toBe(48);
    expect(wantedShape(first, HOPELESS, SETTINGS).m).toBe(48);
    expect(wantedShape(first, measured([32, 0.9], [96, 0.95], [1_024, 0.955]), SETTINGS).m).toBe(32);
  });

  it('has fewer where the fewest candidates suffice', () => {
    expect(wantedShape({ m: 32, efConstruction: 128 }, EASY, SETTINGS)).toEqual(first);
    expect(wantedShape({ m: 32, efConstruction: 128 }, CLUSTERED, SETTINGS).m).toBe(32);
  });

  it('is as the settings say', () => {
    expect(firstShape({ ...SETTINGS, m: 24 })).toEqual({ m: 24, efConstruction: 96 });
    expect(firstShape({ ...SETTINGS, efConstruction: 40 })).toEqual({ m: 16, efConstruction: 40 });
    const given = { m: 24, efConstruction: 96 };
    expect(wantedShape(given, HOPELESS, { ...SETTINGS, m: 24 })).toEqual(given);
    expect(wantedShape(first, HARD, { ...SETTINGS, efConstruction: 40 })).toEqual({ m: 48, efConstruction: 40 });
    expect(wantedShape(first, HOPELESS, { ...SETTINGS, efSearch: 32 })).toEqual(first);
  });

  it('is measured again once it is half as large again', () => {
    expect(isOutgrown(EASY, 14_999)).toBe(false);
    expect(isOutgrown(EASY, 15_000)).toBe(true);
  });
});

describe('when a level has an index', () => {
  const MEASURED = { hnsw: SETTINGS, dimension: 384 };
  const built = (count: number, measurement: Measured) =>
    exactUntil({ count, measured: measurement }, firstShape(SETTINGS), MEASURED);

  it('is from some thousand vectors on where few candidates suffice', () => {
    expect(built(4_000, EASY)).toBe(0);
    expect(levelLimits(undefined, 0, null).threshold).toBe(4_000);
  });

  it('is later where many are needed, and in any case at 20,000', () => {
    expect(built(4_000, HARD)).toBe(8_000);
    expect(levelLimits(undefined, 8_000, null).threshold).toBe(8_000);
    expect(built(12_000, HOPELESS)).toBe(20_000);
    expect(built(20_000, HOPELESS)).toBe(0);
  });

  it('is at 20,000 while it grows fast, and again at the double', () => {
    expect(levelLimits(undefined, 8_000, 0)).toEqual({ threshold: 20_000, tailMax: 1_000 });
    expect(levelLimits(undefined, 0, 25_000)).toEqual({ threshold: 20_000, tailMax: 25_000 });
  });

  it('is as the settings say', () => {
    expect(
      exactUntil({ count: 4_000, measured: HOPELESS }, firstShape(SETTINGS), { ...MEASURED, indexingThreshold: 1_000 }),
    ).toBe(0);
    expect(levelLimits(1_000, 8_000, 0)).toEqual({ threshold: 1_000, tailMax: 50 });
  });
});
