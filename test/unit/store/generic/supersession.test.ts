import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { GenericStore } from '../../../../src/store/generic/generic-store.ts';
import { MemoryDriver } from '../../../../src/store/memory/memory-driver.ts';
import type { Change, ChangeResult } from '../../../../src/store/store.ts';
import { holds, validUntil } from '../../../../src/store/times.ts';
import { idOf, NOW_MS, put, sample } from '../../../contract/store-samples.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const DIMENSION = 8;
const NOW = { asOfMs: NOW_MS, isNow: true };
const SPACE = 'space';

/** Is gone after so many calls, and comes back when it is told. */
class MortalDriver extends MemoryDriver {
  callsLeft = Infinity;

  override async apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    if (this.callsLeft-- <= 0) throw new CodedError('STORE_UNAVAILABLE', 'killed');
    return super.apply(changes, nowMs);
  }
}

function opened(): { driver: MortalDriver; store: GenericStore } {
  const driver = new MortalDriver();
  const deps = { dimension: DIMENSION, cursorKey: new Uint8Array(32), clock: new FakeClock(NOW_MS) };
  return { driver, store: new GenericStore(driver, deps) };
}

const BERLIN = sample('Berlin', DIMENSION, { createdAtMs: NOW_MS - 100 });
const PORTO = sample('Porto', DIMENSION, { times: { validFromMs: NOW_MS - 50, supersedes: [idOf('Berlin')] } });
/** What becomes of a call whose first steps alone are done, by how many are. */
const KILLED_AFTER = [0, 1, 2];

async function holding(store: GenericStore): Promise<(boolean | null)[]> {
  const records = await store.fetch(SPACE, [idOf('Berlin'), idOf('Porto')], NOW_MS);
  return records.map((record) => record && holds(record, NOW));
}

describe('a supersession that is cut off', () => {
  it.each(KILLED_AFTER)('when it is stored, after %i steps: a repeat completes it', async (calls) => {
    const { driver, store } = opened();
    await store.write([put(BERLIN)]);
    driver.callsLeft = calls;
    await store.write([put(PORTO)]).catch(() => undefined);
    driver.callsLeft = Infinity;
    expect(await store.write([put(PORTO)])).toMatchObject([{ op: 'put', created: calls === 0 }]);
    expect(await holding(store)).toEqual([false, true]);
  });

  it.each(KILLED_AFTER)('when it is stored, after %i steps: the sweep completes what is there', async (calls) => {
    const { driver, store } = opened();
    await store.write([put(BERLIN)]);
    driver.callsLeft = calls;
    await store.write([put(PORTO)]).catch(() => undefined);
    driver.callsLeft = Infinity;
    await store.expire(NOW_MS, 10, null);
    expect(await holding(store)).toEqual(calls === 0 ? [true, null] : [false, true]);
  });

  it.each(KILLED_AFTER)('when it is deleted, after %i steps: the sweep completes what is gone', async (calls) => {
    const { driver, store } = opened();
    await store.write([put(BERLIN), put(PORTO)]);
    driver.callsLeft = calls;
    await store.write([{ op: 'delete', namespace: SPACE, ids: [idOf('Porto')] }]).catch(() => undefined);
    driver.callsLeft = Infinity;
    await store.expire(NOW_MS, 10, null);
    expect(await holding(store)).toEqual(calls === 0 ? [false, true] : [true, null]);
  });

  it('tells which of several writes are done', async () => {
    const { driver, store } = opened();
    const other = sample('other', DIMENSION);
    driver.callsLeft = 2;
    const failure: unknown = await store.write([put(BERLIN), put(PORTO), put(other)]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect((failure as { outcomes: unknown[] }).outcomes).toMatchObject([
      { op: 'put', created: true },
      { code: 'STORE_UNAVAILABLE' },
      { code: 'STORE_UNAVAILABLE' },
    ]);
  });

  it('leaves what was stored anew under an old id alone', async () => {
    const { store } = opened();
    await store.write([put(BERLIN), put(PORTO)]);
    await store.write([{ op: 'delete', namespace: SPACE, ids: [idOf('Berlin')] }]);
    await store.write([put(sample('Berlin', DIMENSION, { createdAtMs: NOW_MS + 1 }))]);
    await store.expire(NOW_MS, 10, null);
    const [berlin] = await store.fetch(SPACE, [idOf('Berlin')], NOW_MS);
    expect(validUntil(berlin ?? {})).toBe(Infinity);
  });

  it('is looked for page by page, and from the beginning again', async () => {
    const { driver, store } = opened();
    const several = Array.from({ length: 450 }, (_, i) => sample(`one ${i}`, DIMENSION, { createdAtMs: NOW_MS - i }));
    const successors = several.map(({ record: { id } }, i) => {
      return sample(`successor ${i}`, DIMENSION, { createdAtMs: NOW_MS + i, times: { supersedes: [id] } });
    });
    await store.write([...several, ...successors].map(put));
    const lost = several.map(({ record: { id } }, i): Change => {
      return { op: 'update', namespace: SPACE, id, patch: { times: { withdrawn: idOf(`successor ${i}`) } } };
    });
    await driver.apply(lost, NOW_MS);
    for (let sweep = 0; sweep < 3; sweep++) await store.expire(NOW_MS, 10, null);
    const records = await store.fetch(
      SPACE,
      several.map(({ record }) => record.id),
      NOW_MS,
    );
    expect(records.filter((record) => record?.times?.superseded === undefined)).toEqual([]);
  });
});
