import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildSegment, type BuildSteps } from '../../../../../src/store/embedded/hnsw/build-segment.ts';
import { BuildStop } from '../../../../../src/store/embedded/hnsw/build-stop.ts';
import type { IndexJob } from '../../../../../src/store/embedded/hnsw/index-job.ts';
import { jobOver } from '../support/index-jobs.ts';

const COUNT = 300;

/** Two processors, now both and now one of them. */
function stepping(pause: () => void): BuildSteps {
  let pauses = 0;
  return {
    threads: 2,
    get isAlone() {
      return pauses % 2 === 0;
    },
    pause() {
      pauses++;
      pause();
    },
  };
}

const segmentFiles = async ({ folder }: IndexJob): Promise<string[]> =>
  (await readdir(folder)).filter((file) => file.startsWith('1-3-')).sort();

describe('building a segment', () => {
  it('leaves its files and says what they cover', async () => {
    const job = await jobOver(COUNT);
    expect(buildSegment(job)).toMatchObject({ from: 0, to: COUNT, count: COUNT });
    expect(await segmentFiles(job)).toEqual(
      ['entries', 'json', 'usearch', 'vectors'].map((extension) => `1-3-0-${COUNT}.${extension}`),
    );
  });

  it('measures what it finds, the same for the same seed, unless that is known', async () => {
    const job = await jobOver(COUNT);
    const { measured } = buildSegment(job);
    expect(measured?.count).toBe(COUNT);
    const recalls = measured?.recalls.map(([, recall]) => recall) ?? [];
    expect(recalls).toEqual(recalls.toSorted());
    expect(recalls.at(-1)).toBeGreaterThan(0.9);
    expect(buildSegment(job).measured).toEqual(measured);
    const known = { recalls: [[8, 0.5]], count: (COUNT * 2) / 3 + 1 } as const;
    expect(buildSegment({ ...job, known }).measured).toEqual(known);
    expect(buildSegment({ ...job, known: { ...known, count: (COUNT * 2) / 3 } }).measured).toEqual(measured);
  });

  it('links a small graph the same however many processors there are: none is lost among those added together', async () => {
    const job = await jobOver(COUNT);
    const graphs = new Set<string>();
    for (let attempt = 0; attempt < 8; attempt++) {
      const { path } = buildSegment(job, { threads: 4, isAlone: true, pause: () => undefined });
      graphs.add((await readFile(`${path}.usearch`)).toString('base64'));
    }
    expect(graphs.size).toBe(1);
  });

  it('takes any of several vectors that are the same for a right answer', async () => {
    const { measured } = buildSegment(await jobOver(COUNT, () => 'all the same'));
    expect(measured?.recalls).toEqual([[16, 1]]);
  });

  it('ends where it is told to stop, at whatever step, and leaves nothing', async () => {
    const job = await jobOver(COUNT);
    let steps = 0;
    buildSegment(
      job,
      stepping(() => void steps++),
    );
    for (const file of await segmentFiles(job)) await rm(join(job.folder, file));
    expect(steps).toBeGreaterThan(3);
    for (let last = 0; last < steps; last++) {
      const stop = new BuildStop();
      let step = 0;
      const build = () =>
        buildSegment(
          job,
          stepping(() => {
            if (step++ === last) new BuildStop(stop.buffer).request();
            stop.check();
          }),
        );
      expect(build).toThrow('the build was stopped');
      expect(step).toBe(last + 1);
      expect(await segmentFiles(job)).toEqual([]);
    }
  });
});

describe('a request to stop', () => {
  it('ends a rest, one that is to come too', () => {
    const stop = new BuildStop();
    stop.request();
    stop.rest(3_600_000);
    expect(() => stop.check()).toThrow();
  });
});
