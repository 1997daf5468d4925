import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { replay } from '../../../../src/cli/migration/replay.ts';
import { Patience } from '../../../../src/cli/terminal/patience.ts';
import type { SearchRequest, SearchResult } from '../../../../src/store/store.ts';
import { put, sample } from '../../../contract/store-samples.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';
import { DEFAULTS } from '../../../support/settings.ts';

const DIMENSION = 8;
const DOWN = new CodedError('STORE_UNAVAILABLE', 'down');
const NAMES = ['heron', 'lamp', 'kettle'];

/** One level of it has words alone for some questions. */
class HalfBlind extends FaultyStore {
  /** Of the searches, in their order. */
  blindFor: readonly number[] = [];
  #searches = 0;

  override async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    const found = await super.search(request, signal);
    if (!this.blindFor.includes(this.#searches++)) return found;
    return { ...found, levels: found.levels.map((level, i) => (i === 1 ? { ...level, error: DOWN } : level)) };
  }
}

async function filled(): Promise<HalfBlind> {
  const store = new HalfBlind(DIMENSION);
  await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { text: `where the ${name} is` }))));
  return store;
}

function ask(source: HalfBlind, destination: HalfBlind) {
  const clock = new FakeClock();
  const gaveUp = (_: string, error: CodedError): Error => error;
  const { signal } = new AbortController();
  const patience = new Patience({ giveUpMs: 0, clock, sleep: () => Promise.resolve(), signal, gaveUp });
  const questions = NAMES.map((name) => {
    const { record, vector } = sample(name, DIMENSION);
    return { namespace: record.namespace, agentId: record.agentId, question: `where is the ${name}`, vector };
  });
  const embedding = { id: 'model', dimension: DIMENSION, kind: 'semantic' } as const;
  let asked = 0;
  const settings = DEFAULTS.hirag;
  const onAsked = (count: number): void => void (asked = count);
  const deps = { embedding, settings, patience, onAsked, clock, random: systemRandom };
  return replay(questions, source, destination, deps).then((agreement) => ({ agreement, asked }));
}

describe('questions that are asked of two stores', () => {
  it('are compared where both have answered them whole', async () => {
    expect(await ask(await filled(), await filled())).toEqual({
      agreement: { queries: 3, meanOverlap: 1, worstOverlap: 1, sameFirst: 3, incomplete: 0 },
      asked: 3,
    });
  });

  it.each(['source', 'destination'])('are counted, not compared, where a level of the %s has failed', async (side) => {
    const [blind, whole] = [await filled(), await filled()];
    blind.blindFor = [0, 2];
    const { agreement, asked } = await (side === 'source' ? ask(blind, whole) : ask(whole, blind));
    expect(agreement).toMatchObject({ queries: 1, meanOverlap: 1, sameFirst: 1, incomplete: 2 });
    expect(asked).toBe(3);
  });
});
