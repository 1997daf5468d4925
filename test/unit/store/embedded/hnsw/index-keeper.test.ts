import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultSettings } from '../../../../../src/config/settings.ts';
import { NO_KEYS } from '../../../../../src/store/embedded/border/opening-settings.ts';
import type { Document } from '../../../../../src/store/embedded/database/effects.ts';
import { migrate } from '../../../../../src/store/embedded/database/migrations.ts';
import { Sequence } from '../../../../../src/store/embedded/database/sequence.ts';
import { Spaces } from '../../../../../src/store/embedded/database/spaces.ts';
import type { SegmentFile } from '../../../../../src/store/embedded/hnsw/index-files.ts';
import type { IndexJob } from '../../../../../src/store/embedded/hnsw/index-job.ts';
import { IndexKeeper } from '../../../../../src/store/embedded/hnsw/index-keeper.ts';
import { LATER_MS } from '../../../../../src/store/embedded/hnsw/later-builds.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

const COUNT = 300;
/** So long that a graph of a few of them takes as long as one of a million usual ones. */
const DIMENSION = 1_000_000;
const LEVEL = 3;

/** Builds that end when the test says so; none finds what is wanted. */
class Builds {
  readonly jobs: IndexJob[] = [];
  stopped = 0;
  #done: (result: SegmentFile | Error) => void = () => {};

  readonly build = (job: IndexJob, done: (result: SegmentFile | Error) => void) => {
    this.jobs.push(job);
    this.#done = done;
    return { stop: () => Promise.resolve(void this.stopped++) };
  };

  get shapes(): number[] {
    return this.jobs.map(({ parameters }) => parameters.m);
  }

  finish(to = COUNT): void {
    const { spaceId, level, from, parameters } = this.jobs.at(-1) as IndexJob;
    const measured = { recalls: [[1_024, 0.5]] as const, count: to - from };
    const path = `/nowhere/${this.jobs.length}`;
    const about = { format: 3, spaceId, level, from, to, count: to - from, bytes: 0, crc32: 0 };
    this.#done({ ...about, parameters, measured, path });
  }
}

function keeping() {
  const folder = mkdtempSync(join(tmpdir(), 'keeper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const database = new DatabaseSync(':memory:');
  migrate(database);
  database.exec(`INSERT INTO namespaces (id, name) VALUES (1, 'space');
    WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < ${COUNT})
    INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id, created_at, updated_at, expiry_action, version,
      access_count, token_count, tags, metadata, analyzer, terms, traits, text)
    SELECT i, 1, ${LEVEL}, i, i, i, 'a', 0, 0, 0, 1, 0, 1, '[]', '{}', 1, '', '', '' FROM counted`);
  const builds = new Builds();
  const clock = new FakeClock();
  const keeper = new IndexKeeper({
    ...{ database, databasePath: ':memory:', folder, clock, seed: 1, build: builds.build },
    settings: {
      ...defaultSettings().vectorDb,
      ...{ quantization: 'i8', dataDir: folder, embeddingId: 'm', dimension: DIMENSION, memoryBytesMax: Infinity },
      ...{ databasePagesMax: null, mayReembed: false, seal: NO_KEYS, touchFlushMs: 1_000, indexingThreshold: 100 },
      columns: { levelCountMin: 1e9, levelCountMax: 0, nonZeroShareMax: 0 },
    },
    spaces: new Spaces(database),
    sequence: new Sequence(database),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    openSegment() {
      throw new Error('nobody searches');
    },
    passagesInMemory: () => 0,
    onChanged() {},
  });
  /** As a commit tells it. */
  const added = (count: number) => {
    const vectors = { vector: new Float32Array(1), passages: null, unembedded: null };
    const effect = { kind: 'add', spaceId: 2, document: { level: LEVEL } as Document, ...vectors } as const;
    keeper.apply(Array.from({ length: count }, () => effect));
    keeper.schedule();
  };
  return { keeper, clock, builds, added };
}

describe('an index whose vectors are worth many links', () => {
  it('is there with few, and gets them once nothing else was built for a while', () => {
    const { keeper, clock, builds } = keeping();
    keeper.schedule();
    builds.finish();
    expect(builds.shapes).toEqual([16]);
    expect(keeper.isBuilding).toBe(false);
    expect(keeper.tunings()).toMatchObject([{ vectors: COUNT, shape: { m: 16 }, search: { recall: 0.5 } }]);
    clock.advance(LATER_MS);
    expect(builds.shapes).toEqual([16, 48]);
    builds.finish();
    expect(keeper.tunings()).toMatchObject([{ shape: { m: 48 } }]);
    clock.advance(10 * LATER_MS);
    expect([builds.jobs.length, clock.pendingTimers]).toEqual([2, 0]);
  });

  it('makes room for an import, and gets them after', async () => {
    const { keeper, clock, builds, added } = keeping();
    keeper.schedule();
    builds.finish();
    clock.advance(LATER_MS);
    added(20_000);
    expect(builds.stopped).toBe(0);
    added(1);
    expect(builds.stopped).toBe(1);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(keeper.isBuilding).toBe(false);
    clock.advance(LATER_MS);
    expect(builds.shapes).toEqual([16, 48]);
    clock.advance(LATER_MS);
    expect(builds.shapes).toEqual([16, 48, 48]);
    await keeper.close();
    expect([builds.stopped, clock.pendingTimers]).toEqual([2, 0]);
  });
});
