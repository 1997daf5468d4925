import { expect, it } from 'vitest';
import { FuzzRun, replayOf, TARGETS, withWorld } from './support/fuzz-run.ts';
import { Seeded } from './support/seeded.ts';

/** `npm run fuzz` tries longer, with any seed. */
const INPUTS = 1_500;

it('what nobody should send is answered with a code, whichever door it comes to', async () => {
  await withWorld(async (world) => {
    const run = new FuzzRun(world, { seed: 7, inputsMax: INPUTS });
    const failure = await run.run();
    expect(failure === null ? null : [String(failure.reason), replayOf(failure)]).toBeNull();
    // Each door, however few cases chance gave it.
    for (const target of TARGETS) {
      const own = new FuzzRun(world, { seed: 8, inputsMax: 40, targets: [target] });
      const failed = await own.run();
      expect(failed === null ? null : [String(failed.reason), replayOf(failed)]).toBeNull();
      expect(own.figures().byTarget.get(target.name)?.outcomes.size).toBeGreaterThan(0);
    }
  });
});

it('a case is the same whenever it is made', () => {
  for (const target of TARGETS)
    expect(target.make(new Seeded(3, 5)).map((input) => Buffer.from(input).toString('hex'))).toEqual(
      target.make(new Seeded(3, 5)).map((input) => Buffer.from(input).toString('hex')),
    );
});
