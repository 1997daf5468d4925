import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ModelService } from '../support/model-service.ts';
import { World } from './support/processes.ts';

const world = new World();
const services: ModelService[] = [];
afterEach(() => services.splice(0).forEach((service) => service.close()));
afterAll(() => world.cleanUp());

/** The service counts letters: a text of `z` alone is near to no other. */
const MODEL = 'letters-64';
const filler = 'the quick brown fox jumps over a lazy dog and goes on. '.repeat(60);
const needle = 'zzz zz zzzz zzz zz zzzz zz zzz zzzz zz zzz zzzz zz zzz.';

async function serverWith(maxInputTokens: string | null, longest = Infinity) {
  const service = await ModelService.start();
  services.push(service);
  service.answer = ({ texts }) => (texts.some((text) => text.length > longest) ? 413 : 200);
  const window: Record<string, string> = maxInputTokens === null ? {} : { EMBEDDING__MAX_INPUT_TOKENS: maxInputTokens };
  const server = await world.serve(world.folder(), { ...service.variables(MODEL), ...window });
  return { service, client: await server.connect() };
}

describe('a text longer than the window of the model', () => {
  it('is found by the meaning of its last passage', async () => {
    const { service, client } = await serverWith('128');
    const { id } = await client.store({ text: `${filler}${needle}`, level: 'long_term' });
    for (let i = 0; i < 8; i++) await client.store({ text: `note ${i}: ${filler.slice(0, 100)}`, level: 'long_term' });
    const { contexts, receipts = [] } = await client.query({ query: 'zzzzzzz', limit: 1, explain: true });
    expect(contexts.map((context) => context.id)).toEqual([id]);
    expect(receipts.find((receipt) => receipt.id === id)?.outcome).toBe('included');
    expect(contexts[0]?.scores.similarity).toBeGreaterThan(0.5);
    for (const text of service.textsOf(MODEL)) expect(text.length).toBeLessThanOrEqual(128 * 4);
    await client.update({ id, text: 'another text' });
    const after = await client.query({ query: 'zzzzzzz', limit: 1, explain: true });
    const receipt = after.receipts?.find((one) => one.id === id);
    expect(receipt?.scores.similarity ?? 0).toBeLessThan(0.5);
    await client.close();
  });

  it('is stored where the service finds its passages too long, and refused without the setting; the others are stored', async () => {
    const { client } = await serverWith('256', 300);
    const contexts = [{ text: 'short' }, { text: filler }, { text: 'another' }];
    const { results } = await client.storeBatch({ contexts });
    expect(results.map((result) => 'error' in result)).toEqual([false, false, false]);
    await client.close();
    const without = await serverWith(null, 300);
    const refused = await without.client.storeBatch({ contexts });
    expect(refused.results.map((result) => ('error' in result ? result.error.code : 'stored'))).toEqual([
      'stored',
      'PAYLOAD_TOO_LARGE',
      'stored',
    ]);
    const alone = await without.client.store({ text: filler }).catch((error: unknown) => error);
    expect(alone).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', retryable: false });
    await without.client.close();
  });
});
